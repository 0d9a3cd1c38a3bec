//! Figures for people, and for programs.

use std::{fmt::Write as _, time::Duration};

use serde_json::{Value, json};

use crate::{
    arrivals::Spacing,
    figures::{Figures, QUANTILES, Timing, per_second},
    run::{Plan, Progress},
};

/// Later than this, the generator is not keeping its own time, and says so.
const LATE: Duration = Duration::from_millis(20);

/// What a run measured, with what was offered, for programs. Times are microseconds if their name says so, else seconds.
pub fn json(name: &str, url: &str, plan: &Plan, figures: &Figures) -> Value {
    json!({
        "generator": concat!("bothways-load ", env!("CARGO_PKG_VERSION")),
        "target": { "name": name, "url": url },
        "plan": {
            "shape": plan.shape.to_string(),
            "seconds": plan.length.as_secs_f64(),
            "at_most": plan.at_most,
            "spacing": spacing(plan.spacing),
            "journeys": plan.mix,
            "think": plan.thinks.iter().map(|think| json!({
                "step": think.step, "from_seconds": think.from.as_secs_f64(), "to_seconds": think.to.as_secs_f64(),
            })).collect::<Vec<_>>(),
            "patience_seconds": plan.patience.as_secs_f64(),
            "places": plan.places,
            "grace_seconds": plan.grace.as_secs_f64(),
            "seed": plan.seed,
        },
        "figures": figures,
    })
}

fn spacing(spacing: Spacing) -> &'static str {
    match spacing {
        Spacing::Even => "even",
        Spacing::Random => "random",
    }
}

/// A length of time in milliseconds.
pub(crate) fn millis(length: Duration) -> String {
    let millis = length.as_secs_f64() * 1000.0;
    if millis < 100.0 {
        format!("{millis:.2}")
    } else {
        format!("{millis:.0}")
    }
}

fn times(timing: &Timing) -> String {
    let mut text = String::new();
    for (_, share) in QUANTILES {
        let _ = write!(text, " {:>9}", millis(timing.quantile(share)));
    }
    let _ = write!(text, " {:>9}", millis(timing.max()));
    text
}

fn heading(first: &str, second: &str, third: &str) -> String {
    let mut text = format!("{first:<12} {second:>9} {third:>9}");
    for (name, _) in QUANTILES {
        let _ = write!(text, " {:>9}", format!("{name} ms"));
    }
    text + &format!(" {:>9}\n", "max ms")
}

/// What a run measured, for people.
pub fn table(name: &str, url: &str, plan: &Plan, figures: &Figures) -> String {
    let (way, for_seconds) = (spacing(plan.spacing), plan.length.as_secs_f64());
    let mut text = format!(
        "{name} · {url} · {} for {for_seconds} s, {way} · seed {}\n",
        plan.shape, plan.seed
    );
    let _ = writeln!(
        text,
        "{} journeys offered, {} started, {} completed, {} failed, {} unfinished · {:.1} right answers a second over {:.1} s{}\n",
        figures.offered,
        figures.started,
        figures.completed(),
        figures.failed(),
        figures.unfinished(),
        figures.rate(),
        figures.elapsed.as_secs_f64(),
        if figures.interrupted {
            " · interrupted"
        } else {
            ""
        },
    );
    text += &heading("step", "right", "failed");
    for (step, requests) in &figures.steps {
        let _ = writeln!(
            text,
            "{step:<12} {:>9} {:>9}{}",
            requests.right,
            requests.failed(),
            times(&requests.micros)
        );
    }
    let all = &figures.all;
    let _ = writeln!(
        text,
        "{:<12} {:>9} {:>9}{}\n",
        "all",
        all.right,
        all.failed(),
        times(&all.micros)
    );
    text += &heading("journey", "completed", "not");
    for (name, journeys) in &figures.journeys {
        let not = journeys.failed + journeys.unfinished;
        let _ = writeln!(
            text,
            "{name:<12} {:>9} {not:>9}{}",
            journeys.completed,
            times(&journeys.waited_micros)
        );
    }
    if !figures.samples.is_empty() {
        text += "\nfailures, with the first of each kind\n";
    }
    for (step, requests) in &figures.steps {
        for (kind, count) in &requests.failures {
            let place = format!("{step}: {kind}");
            let sample = figures.samples.get(&place).map_or("", String::as_str);
            let _ = writeln!(text, "{count:>9}  {place} · {sample}");
        }
    }
    text + &warnings(figures)
}

/// What has to be known before these figures are taken for the shop's.
fn warnings(figures: &Figures) -> String {
    let late = figures.late_micros.quantile(0.99);
    let mut text = format!(
        "\nthe generator was {} ms late at p99, {} ms at most\n",
        millis(late),
        millis(figures.late_micros.max())
    );
    if late > LATE {
        text += "  these latencies are partly the generator's own: offer less, or give it more CPU (`load ceiling`)\n";
    }
    if figures.held_back > 0 {
        let _ = writeln!(
            text,
            "  {} arrivals waited for a place (`--places`); their waiting is counted",
            figures.held_back
        );
    }
    if figures.offered > figures.started {
        let _ = writeln!(
            text,
            "  {} never found one, and are in no latency",
            figures.offered - figures.started
        );
    }
    text
}

/// A run while it goes on, in a line. `before` is the line before it, so that rates are of now.
pub fn line(now: &Progress, before: Option<&Progress>) -> String {
    let span = before.map_or(now.elapsed, |before| {
        now.elapsed.saturating_sub(before.elapsed)
    });
    let answers = now.right - before.map_or(0, |before| before.right);
    format!(
        "{:>4} s · {:.1} journeys/s due, {} started, {} under way · {:.0} answers/s · p50 {} p90 {} p99 {} max {} ms · {} failed",
        now.elapsed.as_secs(),
        now.offered,
        now.started,
        now.under_way,
        per_second(answers, span),
        millis(now.timing.quantile(0.5)),
        millis(now.timing.quantile(0.9)),
        millis(now.timing.quantile(0.99)),
        millis(now.timing.max()),
        now.failed,
    )
}
