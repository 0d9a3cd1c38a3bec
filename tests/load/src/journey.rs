//! What shoppers come for: the steps they take, how often, and how long they think before each.

use std::{fmt, str::FromStr, time::Duration};

use rand::{Rng, RngExt as _};
use serde::Serialize;

use crate::arrivals::duration;

/// One thing a shopper asks of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// A page of a category, cheapest first.
    Browse,
    /// A word of a product's name.
    Search,
    /// A product of what was found.
    View,
    /// A cart, before the first product goes into one. Part of `add`, with figures of its own.
    OpenCart,
    /// The product into the cart.
    Add,
    /// Buying what is in the cart.
    CheckOut,
    /// Reading the order that was placed.
    Order,
}

impl Step {
    /// All of them, in the order of a journey.
    pub const ALL: [Self; 7] = [
        Self::Browse,
        Self::Search,
        Self::View,
        Self::OpenCart,
        Self::Add,
        Self::CheckOut,
        Self::Order,
    ];

    /// What it is called in journeys and tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Search => "search",
            Self::View => "view",
            Self::OpenCart => "open-cart",
            Self::Add => "add",
            Self::CheckOut => "check-out",
            Self::Order => "order",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().filter(|step| *step != Self::OpenCart);
        let names: Vec<&str> = known.clone().map(Self::name).collect();
        known
            .into_iter()
            .find(|step| step.name() == text)
            .ok_or_else(|| format!("{text}: a step is one of {}", names.join(", ")))
    }
}

/// A way through the shop, and how many take it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journey {
    /// What its figures are called.
    pub name: String,
    /// How many take it, beside the weights of the others.
    pub weight: u32,
    /// What they do, in order.
    pub steps: Vec<Step>,
}

impl FromStr for Journey {
    type Err = String;

    /// `NAME:WEIGHT=STEP,STEP…`. Nobody checks out without a cart, or reads an order that was not placed.
    fn from_str(text: &str) -> Result<Self, String> {
        let says = || format!("{text}: a journey is NAME:WEIGHT=STEP,STEP…");
        let (head, steps) = text.split_once('=').ok_or_else(says)?;
        let (name, weight) = head.split_once(':').ok_or_else(says)?;
        let weight: u32 = weight.parse().map_err(|_| says())?;
        let steps = steps
            .split(',')
            .map(str::parse)
            .collect::<Result<Vec<Step>, _>>()?;
        for (step, needed) in [(Step::CheckOut, Step::Add), (Step::Order, Step::CheckOut)] {
            let before = steps
                .iter()
                .position(|taken| *taken == step)
                .map(|at| &steps[..at]);
            if before.is_some_and(|before| !before.contains(&needed)) {
                return Err(format!("{text}: {step} needs {needed} before it"));
            }
        }
        // A cart is bought once, and the order it became is the last thing a journey is about.
        if steps.iter().filter(|step| **step == Step::CheckOut).count() > 1 {
            return Err(format!("{text}: a journey checks out once"));
        }
        Ok(Self {
            name: name.to_owned(),
            weight,
            steps,
        })
    }
}

/// Which journeys are taken, and how often.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Mix(Vec<Journey>);

impl Mix {
    /// These journeys; at least one of them has to have a weight, and names don't repeat.
    pub fn new(journeys: Vec<Journey>) -> Result<Self, String> {
        let names: std::collections::BTreeSet<&str> = journeys
            .iter()
            .map(|journey| journey.name.as_str())
            .collect();
        if names.len() < journeys.len() {
            return Err("two journeys have the same name".to_owned());
        }
        let mix = Self(journeys);
        if mix.weight() == 0 {
            Err("nobody takes any of these journeys".to_owned())
        } else {
            Ok(mix)
        }
    }

    /// What most shops see: many who look, some who fill a cart, few who buy.
    pub fn usual() -> Self {
        use Step::{Add, Browse, CheckOut, Order, Search, View};
        let journey = |name: &str, weight, steps: &[Step]| Journey {
            name: name.to_owned(),
            weight,
            steps: steps.into(),
        };
        Self(vec![
            journey("window", 40, &[Browse, View, Browse, View]),
            journey("look", 35, &[Search, View, Search, View]),
            journey("fill", 15, &[Search, View, Add, View, Add]),
            journey("buy", 10, &[Search, View, Add, CheckOut, Order]),
        ])
    }

    fn weight(&self) -> u64 {
        self.0.iter().map(|journey| u64::from(journey.weight)).sum()
    }

    /// The journeys.
    pub fn journeys(&self) -> &[Journey] {
        &self.0
    }

    /// One of them, each as often as its weight says.
    pub fn pick(&self, rng: &mut impl Rng) -> &Journey {
        let mut left = rng.random_range(0..self.weight().max(1));
        for journey in &self.0 {
            match left.checked_sub(u64::from(journey.weight)) {
                Some(rest) => left = rest,
                None => return journey,
            }
        }
        &self.0[self.0.len() - 1]
    }
}

/// How long a shopper thinks before a step, at least and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Think {
    /// Before this step only; before every other one if none.
    pub step: Option<Step>,
    /// At least.
    pub from: Duration,
    /// At most.
    pub to: Duration,
}

impl FromStr for Think {
    type Err = String;

    /// `2s`, `1s..3s`, or for one step `check-out=5s..20s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (step, span) = match text.split_once('=') {
            Some((step, span)) => (Some(step.parse()?), span),
            None => (None, text),
        };
        let (from, to) = span.split_once("..").unwrap_or((span, span));
        let (from, to) = (duration(from)?, duration(to)?);
        if from > to {
            Err(format!("{text}: from more to less"))
        } else {
            Ok(Self { step, from, to })
        }
    }
}

/// How long to think before `step`: what was said last about it, else about all, else not at all.
pub fn think(thinks: &[Think], step: Step, rng: &mut impl Rng) -> Duration {
    let said = |wanted| thinks.iter().rev().find(|think| think.step == wanted);
    said(Some(step))
        .or_else(|| said(None))
        .map_or(Duration::ZERO, |think| {
            let span = think.to.saturating_sub(think.from).as_secs_f64();
            think.from + Duration::from_secs_f64(span * rng.random::<f64>())
        })
}
