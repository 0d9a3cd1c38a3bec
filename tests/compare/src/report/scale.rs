//! What is shown and said of the scale-out.

use std::{collections::BTreeSet, fmt::Write as _};

use super::{
    html,
    meaning::difference,
    svg::{Row, bars, escape, number},
};
use crate::{
    results::{Copies, Latency, Results, ScaleRound, Scaled, Side, count},
    shop::Where,
    statistics::{Comparison, Verdict},
};

/// From this share of its cores in use, the machine counts as what limited a rate: not all of them, as a round begins with
/// few at work and ends with few.
const CORES_FULL: f64 = 0.85;

/// Rate and tail by the number of copies, and what of the machine was in use.
pub(super) fn section(results: &Results) -> Option<String> {
    let scaled = || {
        results
            .sides
            .iter()
            .filter_map(|side| side.scale_out.as_ref())
    };
    let all = || scaled().flat_map(|scale_out| &scale_out.steps);
    let numbers: BTreeSet<usize> = all().map(|step| step.copies).collect();
    let rows = |of: &dyn Fn(&Copies) -> Vec<f64>| -> Vec<Row> {
        let row = |copies: &usize| Row {
            label: match copies {
                1 => "1 copy".to_owned(),
                _ => format!("{copies} copies"),
            },
            values: results.sides.each_ref().map(|side| {
                let steps = side.scale_out.iter().flat_map(|all| &all.steps);
                let step = steps.into_iter().find(|step| step.copies == *copies);
                step.map(of).unwrap_or_default()
            }),
        };
        numbers.iter().map(row).collect()
    };
    let answers = rows(&|step| {
        step.median(|round| Some(round.answers))
            .into_iter()
            .collect()
    });
    let late = rows(&|step| {
        let quantiles: [fn(&Latency) -> f64; 3] = [|all| all.p50, |all| all.p90, |all| all.p99];
        let median = |of: fn(&Latency) -> f64| step.median(|round| Some(of(&round.steady)));
        quantiles.into_iter().filter_map(median).collect()
    });
    let steady = scaled().next()?.steady;
    let lead = format!(
        "Copies are replicas of each service that shoppers wait for, or instances that each function has at most. Right \
         answers a second when more is offered than the side holds; below, the latency at {} journeys a second, half of \
         the highest rate that the weaker side holds. All copies share this machine's cores.",
        number(steady)
    );
    let tail = format!(
        "<p class=lead style='margin:1.1rem 0 0'>Half, nine of ten and 99 of 100 at {} journeys a second</p>",
        number(steady)
    );
    let body = bars(&answers, "answers/s", "Right answers a second by copies")
        + &tail
        + &bars(&late, "ms", "Latency by copies, p50, p90 and p99")
        + &table(results);
    Some(html::section("Scale-out on this machine", &lead, &body))
}

fn table(results: &Results) -> String {
    let mut rows = String::new();
    let sides = results.sides.iter().zip(["l", "r"]).enumerate();
    for (index, (side, class)) in sides {
        let Some(scale_out) = &side.scale_out else {
            continue;
        };
        for step in &scale_out.steps {
            let median = |of: fn(&ScaleRound) -> Option<f64>| step.median(of);
            let text = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
            let cores = median(|round| round.cores_busy.map(|busy| busy * 100.0));
            let failed: u64 = step
                .rounds
                .iter()
                .map(|round| round.steady_failed + round.above_failed)
                .sum();
            let found = results
                .scaled
                .iter()
                .find(|one| one.side == index && one.to == step.copies);
            let against = |of: fn(&Scaled) -> &Option<Comparison>| {
                let comparison = found.and_then(|one| of(one).as_ref());
                comparison.map_or_else(
                    || "–".to_owned(),
                    |one| format!("{:.2}, {}", one.ratio, html::verdict(one.verdict).1),
                )
            };
            let _ = write!(
                rows,
                "<tr><td class={class}>{}, {}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
                 <td>{}</td><td>{failed}</td><td>{}</td></tr>",
                escape(&side.target.name),
                step.copies,
                text(median(|round| Some(round.offered))),
                text(median(|round| Some(round.answers))),
                against(|one| &one.answers),
                cores.map_or_else(|| "–".to_owned(), |busy| format!("{busy:.0} %")),
                text(median(|round| Some(round.steady.p99))),
                against(|one| &one.p99),
                text(step.instances.map(|running| count(running as u64))),
            );
        }
    }
    format!(
        "<div class=scroll><table><tr><th>side, copies<th>offered/s<th>answers/s<th>to one copy<th>cores busy\
         <th>p99, ms<th>to one copy<th>failed<th>instances</tr>{rows}</table></div>"
    )
}

/// The sentences: what more copies did, and whether the machine let them.
pub(super) fn meaning(results: &Results) -> impl Iterator<Item = String> {
    let effects = results.scaled.iter().filter_map(|one| effect(results, one));
    effects.chain(results.sides.iter().filter_map(machine))
}

/// What copies are of a side.
fn copies(side: &Side, count: usize) -> String {
    match (&side.target.place, count) {
        (Where::Serverless, 1) => "at most 1 instance of each function".to_owned(),
        (Where::Serverless, _) => format!("at most {count} instances of each function"),
        (_, 1) => "1 replica of each service".to_owned(),
        _ => format!("{count} replicas of each service"),
    }
}

/// What more copies do for a side's rate and tail.
fn effect(results: &Results, scaled: &Scaled) -> Option<String> {
    let side = &results.sides[scaled.side];
    let steady = side.scale_out.as_ref().map_or(0.0, |all| all.steady);
    let (name, to, from) = (&side.target.name, copies(side, scaled.to), scaled.from);
    let told = |comparison: &Comparison, unit: &str, what: &str| {
        let how = match comparison.verdict {
            Verdict::More | Verdict::Less => {
                format!("is {} with {from}", difference(comparison, "more", "less"))
            }
            Verdict::Same => format!("is the same as with {from}, within what matters"),
            Verdict::TooFew => format!("was measured too seldom to compare with {from}"),
            Verdict::Undecided => {
                format!("shows no difference from {from} that the noise does not cover")
            }
        };
        let (one, more) = (number(comparison.left), number(comparison.right));
        format!("{what} {how} ({one} and {more} {unit})")
    };
    let most = format!("the most that {name} answers");
    let answers = scaled.answers.as_ref();
    let most = answers.map(|one| told(one, "right answers a second", &most));
    let late = format!("its p99 at {} journeys a second", number(steady));
    let late = scaled.p99.as_ref().map(|one| told(one, "ms", &late));
    let said: Vec<String> = [most, late].into_iter().flatten().collect();
    (!said.is_empty()).then(|| format!("With {to}, {}.", said.join("; ")))
}

/// Whether it was the machine that limited a side's rate: its limit is not the architecture's.
fn machine(side: &Side) -> Option<String> {
    let steps = &side.scale_out.as_ref()?.steps;
    let answers = |step: &&Copies| step.median(|round| Some(round.answers)).unwrap_or_default();
    let best = steps
        .iter()
        .max_by(|a, b| answers(a).total_cmp(&answers(b)))?;
    let kept_up = best.rounds.iter().filter(|round| round.kept_up).count();
    let name = &side.target.name;
    let at = format!(
        "Where {name} answered most ({} a second, with {})",
        number(answers(&best)),
        copies(side, best.copies)
    );
    let busy = best.median(|round| round.cores_busy);
    let percent =
        busy.map(|busy| format!("{:.0} % of this machine's cores were in use", busy * 100.0));
    Some(match (busy, percent) {
        (Some(busy), Some(percent)) if busy >= CORES_FULL => format!(
            "{at}, {percent}, the load generator's part included: that is the machine's limit and not the \
             architecture's, and copies on more machines may do what copies here can't."
        ),
        (_, percent) if kept_up * 2 > best.rounds.len() => format!(
            "{at}, it kept up with what was meant to be too much{}: its limit with so many copies was not reached.",
            percent.map_or_else(String::new, |percent| format!(", and {percent}"))
        ),
        (Some(_), Some(percent)) => {
            format!(
                "{at}, {percent}: some of its processor was left, so that this is not the machine's limit alone."
            )
        }
        _ => format!(
            "{at}, it is not known how much of the machine was in use, so the limit may be the machine's."
        ),
    })
}
