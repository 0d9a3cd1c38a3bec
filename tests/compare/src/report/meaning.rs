//! What the figures mean, in sentences made by rules. A difference is only told if the statistics call it one.

use super::{
    scale,
    svg::{number, short},
};
use crate::{
    cost::{Curve, Prices},
    results::{Capacity, Compared, Results, Side},
    shop::Where,
    statistics::{Comparison, LEAST_EFFECT, Verdict},
};

/// The sentences.
pub fn meaning(results: &Results) -> Vec<String> {
    let [left, right] = &results.sides;
    let names = [left.target.name.as_str(), right.target.name.as_str()];
    let mut says = Vec::new();
    says.extend(disturbed(results));
    let all = |what: &str| {
        results
            .compared
            .iter()
            .find(|compared| compared.what == what)
    };
    if let Some(median) = all("all requests, p50") {
        says.push(latency(
            median,
            names,
            results.asked.rate,
            "The median answer",
        ));
    }
    if let Some(late) = all("all requests, p99") {
        says.push(latency(
            late,
            names,
            results.asked.rate,
            "The slowest in a hundred",
        ));
    }
    says.extend(endpoints(&results.compared, names));
    says.extend(capacity(
        [&left.capacity, &right.capacity],
        names,
        results.asked.objective_ms,
    ));
    says.extend(scale::meaning(results));
    for (what, noun) in [
        ("CPU for a request", "CPU for a request"),
        ("memory when just started", "memory when nobody asks"),
        (
            "start to first answer",
            "time from start to the first answer",
        ),
    ] {
        says.extend(all(what).map(|compared| figure(compared, names, noun)));
    }
    says.extend([left, right].into_iter().filter_map(spike));
    says.extend(
        [left, right]
            .into_iter()
            .filter_map(|side| failure(side, results.asked.failing)),
    );
    if let Some(cost) = &results.cost {
        says.extend(cost.curves.iter().map(|curve| bill(curve, &cost.prices)));
    }
    says
}

/// Whether the machine had other things to do, or the generator could not keep its time.
fn disturbed(results: &Results) -> Option<String> {
    let machine = &results.machine;
    let load: f64 = machine.load.split(' ').next()?.parse().ok()?;
    let cores = u32::try_from(machine.cores).unwrap_or(u32::MAX);
    let late = |side: &Side| side.median(|round| Some(round.generator_late_ms));
    let late = results.sides.iter().filter_map(late).fold(0.0, f64::max);
    (load > f64::from(cores) / 2.0 || late > 20.0).then(|| {
        format!(
            "This machine was busy with other things: load average {} on {cores} cores when it began, and the load \
             generator was {} ms late at p99. Absolute figures are worth little; repeat them on a quiet one.",
            number(load),
            number(late)
        )
    })
}

fn percent(ratio: f64) -> String {
    format!("{:.0} %", (ratio - 1.0).abs() * 100.0)
}

/// How much more or less, with its interval; ratios past 2 are told as such.
pub(super) fn difference(comparison: &Comparison, more: &str, less: &str) -> String {
    let Some((low, high)) = comparison.interval else {
        return "too few rounds to say than".to_owned();
    };
    let word = if comparison.ratio > 1.0 { more } else { less };
    if comparison.ratio > 2.0 {
        return format!(
            "{:.1} times as {} ({low:.1} to {high:.1}) as",
            comparison.ratio,
            base(more)
        );
    }
    if comparison.ratio < 0.5 {
        let (low, high, ratio) = (1.0 / high, 1.0 / low, 1.0 / comparison.ratio);
        return format!(
            "{ratio:.1} times as {} ({low:.1} to {high:.1}) as",
            base(less)
        );
    }
    let (mut low, mut high) = (percent(low), percent(high));
    if comparison.ratio < 1.0 {
        std::mem::swap(&mut low, &mut high);
    }
    format!(
        "{} {word} ({low} to {high}) than",
        percent(comparison.ratio)
    )
}

/// The word that "times as" takes.
fn base(word: &str) -> &str {
    match word {
        "slower" => "slow",
        "quicker" => "quick",
        "more" => "much",
        "less" => "little",
        other => other,
    }
}

fn undecided(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Same => "is the same on both, within what matters",
        Verdict::TooFew => "was measured too seldom to say",
        _ => "shows no difference that the noise does not cover",
    }
}

fn latency(compared: &Compared, names: [&str; 2], rate: f64, what: &str) -> String {
    let comparison = &compared.comparison;
    let at = format!("at {} journeys a second", number(rate));
    let figures = format!(
        "{} ms and {} ms",
        number(comparison.left),
        number(comparison.right)
    );
    if comparison.verdict.differs() {
        let how = difference(comparison, "slower", "quicker");
        format!(
            "{what} of {} is {how} that of {} {at}: {figures}.",
            names[1], names[0]
        )
    } else {
        format!("{what} {} {at}: {figures}.", undecided(comparison.verdict))
    }
}

fn endpoints(compared: &[Compared], names: [&str; 2]) -> Option<String> {
    let steps = || {
        compared
            .iter()
            .filter(|one| one.what.ends_with(", p50") && !one.what.starts_with("all"))
    };
    let told = |wanted: Verdict| {
        let found = steps().filter(|one| one.comparison.verdict == wanted);
        found
            .map(|one| one.what.trim_end_matches(", p50"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (slower, quicker) = (told(Verdict::More), told(Verdict::Less));
    let mut parts = Vec::new();
    if !slower.is_empty() {
        parts.push(format!("slower than {} in {slower}", names[0]));
    }
    if !quicker.is_empty() {
        parts.push(format!("quicker than {} in {quicker}", names[0]));
    }
    steps().next()?;
    Some(if parts.is_empty() {
        "In no single step is there a difference that the noise does not cover.".to_owned()
    } else {
        format!(
            "Step by step, {} is {}; in the others no difference is certain.",
            names[1],
            parts.join(", and ")
        )
    })
}

/// Highest rates are found by one search each, so only brackets that are apart count as different.
fn capacity(found: [&Capacity; 2], names: [&str; 2], objective_ms: f64) -> Option<String> {
    let [left, right] = found;
    if left.tried.is_empty() || right.tried.is_empty() {
        return None;
    }
    let above = |capacity: &Capacity| capacity.not_held.unwrap_or(f64::INFINITY);
    let rates = format!(
        "{} holds {} and {} {} right answers a second with p99 under {} ms",
        names[0],
        number(left.answers),
        names[1],
        number(right.answers),
        number(objective_ms)
    );
    let apart = |low: &Capacity, high: &Capacity| high.journeys > above(low) * (1.0 + LEAST_EFFECT);
    Some(if left.journeys <= 0.0 && right.journeys <= 0.0 {
        format!(
            "Neither holds any rate that was tried with p99 under {} ms.",
            number(objective_ms)
        )
    } else if apart(left, right) || apart(right, left) {
        format!(
            "{rates}: {:.2} times as many.",
            (left.answers / right.answers).max(right.answers / left.answers)
        )
    } else {
        format!("{rates}: no difference that the search could tell.")
    })
}

fn figure(compared: &Compared, names: [&str; 2], noun: &str) -> String {
    let comparison = &compared.comparison;
    let unit = compared.unit;
    let figures = format!(
        "{} {unit} and {} {unit}",
        number(comparison.left),
        number(comparison.right)
    );
    if comparison.verdict.differs() {
        let how = difference(comparison, "more", "less");
        format!(
            "The {noun}: {} takes {how} {} ({figures}).",
            names[1], names[0]
        )
    } else {
        format!("The {noun} {}: {figures}.", undecided(comparison.verdict))
    }
}

fn spike(side: &Side) -> Option<String> {
    let course = &side.spike;
    let first = course.runs.first()?;
    let starts = match &side.target.place {
        Where::Serverless => format!(" {} instances were started for it.", course.cold_starts),
        _ => String::new(),
    };
    let failed = if course.failed > 0 {
        format!(" {} of {} requests failed.", course.failed, course.requests)
    } else {
        String::new()
    };
    Some(format!(
        "From idle into a spike, {} answered half within {} ms and 99 of 100 within {} ms, \
         the last after {} ms.{starts}{failed}",
        side.target.name,
        number(first.p50),
        number(first.p99),
        number(first.max)
    ))
}

fn failure(side: &Side, part: &str) -> Option<String> {
    let course = side.failure.as_ref()?;
    let touched = course
        .seconds
        .iter()
        .filter(|second| second.failed > 0)
        .count();
    let name = &side.target.name;
    Some(if course.failed == 0 {
        format!("When {part} of {name} crashed under load, no request failed.")
    } else {
        format!(
            "When {part} of {name} crashed under load, {} of {} requests failed, in {touched} of {} seconds.",
            course.failed,
            course.requests,
            course.seconds.len()
        )
    })
}

fn bill(curve: &Curve, prices: &Prices) -> String {
    let (shape, dated) = (curve.shape, &prices.dated);
    let (Some(first), Some(last)) = (curve.points.first(), curve.points.last()) else {
        return String::new();
    };
    let cheaper = |point: &crate::cost::Point| {
        if point.functions.total() < point.services.total() {
            "functions"
        } else {
            "services"
        }
    };
    let at = |point: &crate::cost::Point| {
        let (services, functions) = (point.services.total(), point.functions.total());
        format!(
            "${} to ${} for the services",
            number(functions),
            number(services)
        )
    };
    match curve.break_even.as_slice() {
        [] => format!(
            "With {shape} traffic the {} are cheaper from {} to {} requests a month, at prices of {dated}.",
            cheaper(first),
            short(first.requests),
            short(last.requests)
        ),
        [one] => format!(
            "With {shape} traffic the {} are cheaper up to about {} requests a month, the {} beyond. \
             With next to none, the functions cost {}.",
            cheaper(first),
            short(*one),
            cheaper(last),
            at(first)
        ),
        several => format!(
            "With {shape} traffic the {} are cheaper with few requests and the {} with many; they cost the same at {}.",
            cheaper(first),
            cheaper(last),
            several
                .iter()
                .map(|requests| short(*requests))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

/// What was not measured, or not as it is elsewhere.
pub fn limits(sides: &[Side; 2]) -> Vec<String> {
    let mut limits = vec![
        "One machine: generator, shop and database share its cores, and the network is a loopback.".to_owned(),
        "Nobody thinks between steps, so that a rate of journeys is a rate of requests. Connections last.".to_owned(),
        "What ends within a round takes its CPU time with it; CPU is counted in hundredths of a second.".to_owned(),
    ];
    if sides
        .iter()
        .any(|side| side.target.place == Where::Serverless)
    {
        limits.push(
            "API Gateway, Lambda and SQS are an emulation on this machine, whose CPU and memory are told apart. A \
             function's instance here starts as a process; AWS adds the time of a micro VM and a download, and gives \
             CPU by memory. At AWS there is a network between all of it."
                .to_owned(),
        );
    }
    if sides
        .iter()
        .any(|side| matches!(side.target.place, Where::Url(_)))
    {
        limits.push(
            "Of a shop elsewhere, only what can be seen from outside is measured.".to_owned(),
        );
    }
    for side in sides {
        if matches!(side.target.place, Where::Url(_)) {
            limits.push(format!(
                "Scale-out of {}: it runs elsewhere, and how many copies run there can't be chosen from here.",
                side.target.name
            ));
        }
    }
    if sides.iter().any(|side| side.scale_out.is_some()) {
        limits.push(
            "Scale-out to more machines: copies share the cores of this one, and a database, the gateway and the host \
             of the functions are one each. A function with as many instances as it may have lets invocations wait \
             here; Lambda refuses them (429) past the reserved concurrency."
                .to_owned(),
        );
    }
    limits.push(
        "Costs are a model: measured CPU, memory and durations at list prices, with the assumptions of the price \
         file. They leave out people, support plans, builds and what is the same for both and small."
            .to_owned(),
    );
    limits
}
