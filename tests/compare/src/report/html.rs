//! The report as a page: everything in one file, nothing fetched.

use std::{collections::BTreeSet, fmt::Write as _};

use bothways_load::journey::Step;

use super::{
    scale,
    svg::{Axis, Hue, Line, Mark, Plot, Row, bars, escape, number, short},
};
use crate::{
    cost::{Curve, Point},
    results::{Cost, Course, Results, Second, Side, count},
    simulation::{Check, Met},
    statistics::{LEAST_EFFECT, Verdict},
};

const STYLE: &str = include_str!("page.css");

/// The whole page.
pub fn html(results: &Results) -> String {
    let [left, right] = results
        .sides
        .each_ref()
        .map(|side| escape(&side.target.name));
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content='width=device-width, initial-scale=1'>\
         <title>{left} and {right}, side by side</title><style>{STYLE}</style><main><header>\
         <h1><span class=l>{left}</span> and <span class=r>{right}</span></h1>\
         <p>One shop, built both ways, under the same load. {} · {} cores · {} build</p></header>",
        escape(&results.asked.began),
        results.machine.cores,
        results.asked.build,
    );
    page += &summary(results);
    list(
        &mut page,
        "What this means",
        "By rules, from the figures below.",
        &results.meaning,
    );
    let charts = [
        endpoints(results),
        throughput(results),
        scale::section(results),
        spike(results),
        failure(results),
        parts(results),
        costs(results),
        simulated(results),
        table(results),
    ];
    page.extend(charts.into_iter().flatten());
    list(
        &mut page,
        "What was not measured",
        "Before anybody decides by these figures.",
        &results.limits,
    );
    page += &circumstances(results);
    page + "</main></html>\n"
}

pub(super) fn section(title: &str, lead: &str, body: &str) -> String {
    format!("<section><h2>{title}</h2><p class=lead>{lead}</p>{body}</section>")
}

fn list(page: &mut String, title: &str, lead: &str, items: &[String]) {
    if !items.is_empty() {
        let items: Vec<String> = items
            .iter()
            .map(|item| format!("<li>{}</li>", escape(item)))
            .collect();
        let items = items.concat();
        *page += &section(title, lead, &format!("<ul>{items}</ul>"));
    }
}

/// The figures that are looked for first.
fn summary(results: &Results) -> String {
    let [left, right] = &results.sides;
    let mut tiles = String::new();
    let mut tile = |what: &str, unit: &str, values: [Option<f64>; 2]| {
        if let [Some(left), Some(right)] = values {
            let _ = write!(
                tiles,
                "<div><small>{what}</small><b><span class=l>{}</span> · \
                 <span class=r>{}</span></b> <small>{unit}</small></div>",
                number(left),
                number(right)
            );
        }
    };
    let both = |of: &dyn Fn(&Side) -> Option<f64>| [of(left), of(right)];
    tile(
        "median answer",
        "ms",
        both(&|side| side.median(|round| Some(round.all.p50))),
    );
    tile(
        "slowest in a hundred",
        "ms",
        both(&|side| side.median(|round| Some(round.all.p99))),
    );
    let top = |side: &Side| (!side.capacity.tried.is_empty()).then_some(side.capacity.answers);
    tile("most answers a second", "in time", both(&top));
    let cpu =
        |side: &Side| side.median(|round| (!round.cpu_seconds.is_empty()).then(|| round.cpu_ms()));
    tile("CPU for a request", "ms", both(&cpu));
    let memory = |side: &Side| Some(side.idle.as_ref()?.memory_mb.values().sum());
    tile("memory when idle", "MB", both(&memory));
    format!("<div class=sum>{tiles}</div>")
}

fn endpoints(results: &Results) -> Option<String> {
    let row = |step: &Step| {
        let values = results.sides.each_ref().map(|side| {
            let of = |value: fn(&crate::results::Latency) -> f64| {
                side.median(|round| round.steps.get(step).map(value))
            };
            [
                of(|latency| latency.p50),
                of(|latency| latency.p90),
                of(|latency| latency.p99),
            ]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
        });
        (!values.iter().all(Vec::is_empty)).then(|| Row {
            label: step.name().to_owned(),
            values,
        })
    };
    let rows: Vec<Row> = Step::ALL.iter().filter_map(row).collect();
    let lead = format!(
        "At {} journeys a second: half, nine of ten and 99 of 100 are answered within so many milliseconds. \
         Medians of {} rounds.",
        number(results.asked.rate),
        results.sides[0].rounds.len()
    );
    let says = "Latency by step, p50, p90 and p99 for both sides";
    (!rows.is_empty()).then(|| section("Latency by step", &lead, &bars(&rows, "ms", says)))
}

/// A line for each side.
fn lines(results: &Results, points: impl Fn(&Side) -> Vec<(f64, f64)>) -> Vec<Line> {
    let pairs = Hue::BOTH.into_iter().zip(&results.sides);
    pairs
        .map(|(hue, side)| Line {
            hue,
            name: side.target.name.clone(),
            points: points(side),
            dashed: false,
            dots: true,
        })
        .filter(|line| !line.points.is_empty())
        .collect()
}

fn throughput(results: &Results) -> Option<String> {
    let mut lines = lines(results, |side| {
        let tried = side.capacity.tried.iter();
        tried
            .map(|tried| (tried.answers, tried.latency.p99))
            .filter(|point| point.0 > 0.0 && point.1 > 0.0)
            .collect()
    });
    for line in &mut lines {
        line.points.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let all = || lines.iter().flat_map(|line| &line.points);
    let plot = Plot {
        x: Axis::linear("right answers a second", all().map(|point| point.0)),
        y: Axis::log(
            "p99, ms",
            all()
                .map(|point| point.1)
                .chain([results.asked.objective_ms]),
        ),
        marks: vec![Mark::Y(results.asked.objective_ms, "objective".to_owned())],
        says: "Throughput against p99 latency for both sides".to_owned(),
        lines,
    };
    let lead = "Each dot is a rate that was offered for a while. Past its limit, a shop answers \
                less the more it is asked.";
    (!plot.lines.is_empty()).then(|| section("Throughput against latency", lead, &plot.svg()))
}

/// Percentiles second by second.
fn course(
    results: &Results,
    of: fn(&Side) -> Option<&Course>,
    marks: Vec<Mark>,
    says: &str,
) -> Option<Plot> {
    let mut all = Vec::new();
    for (name, median) in [("p99", false), ("p50", true)] {
        for mut line in lines(results, |side| {
            of(side).map_or(Vec::new(), |course| points(&course.seconds, median))
        }) {
            line.name = format!("{} {name}", line.name);
            line.dashed = median;
            line.dots = !median;
            all.push(line);
        }
    }
    let values = || all.iter().flat_map(|line| &line.points);
    let plot = Plot {
        x: Axis::linear("second of the run", values().map(|point| point.0)),
        y: Axis::log("ms", values().map(|point| point.1)),
        marks,
        says: says.to_owned(),
        lines: all.clone(),
    };
    (!plot.lines.is_empty()).then_some(plot)
}

fn points(seconds: &[Second], median: bool) -> Vec<(f64, f64)> {
    let mut second = 0.0;
    let mut points = Vec::new();
    for one in seconds {
        let value = if median { one.p50 } else { one.p99 };
        if value > 0.0 {
            points.push((second, value));
        }
        second += 1.0;
    }
    points
}

fn spike(results: &Results) -> Option<String> {
    let marks = vec![Mark::X(2.0, "everybody comes".to_owned())];
    let says = "Latency by second in a spike from idle";
    let plot = course(results, |side| Some(&side.spike), marks, says)?;
    let lead = format!(
        "Nobody for two seconds, then {} journeys a second at once. No function has an instance then; \
         services are always there.",
        number(results.asked.spike)
    );
    Some(section("A spike from idle", &lead, &plot.svg()))
}

fn failure(results: &Results) -> Option<String> {
    let marks = vec![Mark::X(3.0, format!("{} crashes", results.asked.failing))];
    let plot = course(
        results,
        |side| side.failure.as_ref(),
        marks,
        "Latency by second while a part crashes",
    )?;
    let failed: Vec<String> = results
        .sides
        .iter()
        .filter_map(|side| {
            let course = side.failure.as_ref()?;
            Some(format!(
                "{}: {} of {} requests failed",
                escape(&side.target.name),
                course.failed,
                course.requests
            ))
        })
        .collect();
    let lead = format!("At the fixed rate. {}.", failed.join("; "));
    Some(section("A part fails", &lead, &plot.svg()))
}

fn parts(results: &Results) -> Option<String> {
    let [left, right] = &results.sides;
    let names: BTreeSet<&String> = [left, right]
        .into_iter()
        .flat_map(|side| side.loaded_memory_mb.keys())
        .collect();
    let rows = |of: &dyn Fn(&Side, &str) -> Option<f64>| -> Vec<Row> {
        let row = |name: &&String| Row {
            label: (*name).clone(),
            values: [left, right].map(|side| of(side, name).into_iter().collect()),
        };
        names.iter().map(row).collect()
    };
    let cpu = |side: &Side, name: &str| {
        let spent: f64 = side
            .rounds
            .iter()
            .filter_map(|round| round.cpu_seconds.get(name))
            .sum();
        let requests: u64 = side.rounds.iter().map(|round| round.requests).sum();
        side.loaded_memory_mb
            .contains_key(name)
            .then(|| spent * 1000.0 / count(requests.max(1)))
    };
    let loaded = |side: &Side, name: &str| side.loaded_memory_mb.get(name).copied();
    if names.is_empty() {
        return None;
    }
    let cpu = section(
        "CPU for a request, by part",
        "Milliseconds of a core, spread over all requests of the mix. The local Lambda host stands in \
         for what AWS runs.",
        &bars(&rows(&cpu), "ms", "CPU for a request by part"),
    );
    let memory = section(
        "Memory under load, by part",
        "With what is shared between processes counted by share; functions with all their instances.",
        &bars(&rows(&loaded), "MB", "Memory under load by part"),
    );
    let idle = |side: &Side, name: &str| side.idle.as_ref()?.memory_mb.get(name).copied();
    let idle_rows = rows(&idle);
    let shares = [left, right].map(|side| {
        let share: f64 = side
            .idle
            .as_ref()
            .map_or(0.0, |idle| idle.cpu_share.values().sum());
        format!(
            "{} uses {} % of a core",
            escape(&side.target.name),
            number(share * 100.0)
        )
    });
    let idle = section(
        "Memory when nobody asks",
        &format!("Idle functions have no instance. {}.", shares.join(", ")),
        &bars(&idle_rows, "MB", "Idle memory by part"),
    );
    Some(cpu + &memory + &idle)
}

fn costs(results: &Results) -> Option<String> {
    let cost = results.cost.as_ref()?;
    let mut body = String::new();
    for curve in &cost.curves {
        let _ = write!(
            body,
            "<p class=lead style='margin:1.1rem 0 0'><b>{}</b> traffic</p>{}",
            curve.shape,
            cost_plot(curve)
        );
    }
    body += &what_ifs(cost);
    let lead = format!(
        "What was measured, at the prices of {} in {} as the price file has them.",
        escape(&cost.prices.dated),
        escape(&cost.prices.region)
    );
    Some(section("Cost over traffic", &lead, &body))
}

fn cost_plot(curve: &Curve) -> String {
    let line = |hue, name: &str, of: fn(&Point) -> f64| Line {
        hue,
        name: name.to_owned(),
        points: curve
            .points
            .iter()
            .map(|point| (point.requests, of(point)))
            .collect(),
        dashed: false,
        dots: false,
    };
    let lines = vec![
        line(Hue::Left, "services", |point| point.services.total()),
        line(Hue::Right, "functions", |point| point.functions.total()),
    ];
    let all = || lines.iter().flat_map(|line| &line.points);
    let mark = |requests: &f64| Mark::X(*requests, format!("the same at {}", short(*requests)));
    let plot = Plot {
        x: Axis {
            text: short,
            ..Axis::log("requests a month", all().map(|point| point.0))
        },
        y: Axis {
            text: |value| format!("${}", short(value)),
            ..Axis::log("dollars a month", all().map(|point| point.1))
        },
        marks: curve.break_even.iter().map(mark).collect(),
        says: format!(
            "Cost over {} traffic for services and functions",
            curve.shape
        ),
        lines,
    };
    plot.svg()
}

fn what_ifs(cost: &Cost) -> String {
    let mut rows = String::new();
    for what_if in &cost.what_ifs {
        let totals: Vec<String> = what_if
            .totals
            .iter()
            .map(|(services, functions)| {
                format!(
                    "<td><span class=l>{}</span> · <span class=r>{}</span></td>",
                    number(*services),
                    number(*functions)
                )
            })
            .collect();
        let totals = totals.concat();
        let even: Vec<String> = what_if
            .break_even
            .iter()
            .map(|requests| short(*requests))
            .collect();
        let even = if even.is_empty() {
            "–".to_owned()
        } else {
            even.join(", ")
        };
        let _ = write!(
            rows,
            "<tr><td>{}</td>{totals}<td>{even}</td></tr>",
            what_if.what
        );
    }
    format!(
        "<div class=scroll><table><tr><th>what if, with daily traffic: dollars a month\
         <th>1 M requests<th>10 M<th>100 M<th>1 bn\
         <th>the same at</tr>{rows}</table></div>"
    )
}

fn simulated(results: &Results) -> Option<String> {
    let scenario = results.cost.as_ref()?.simulated.as_ref()?;
    let line = |hue, name: &str, met: &Met| {
        let mut second = 0.0;
        let mut points = Vec::new();
        for running in &met.outcome.by_second {
            points.push((second, count(*running as u64)));
            second += 1.0;
        }
        Line {
            hue,
            name: name.to_owned(),
            points,
            dashed: false,
            dots: false,
        }
    };
    let lines = vec![
        line(Hue::Left, "tasks of services", &scenario.services),
        line(Hue::Right, "instances of functions", &scenario.functions),
    ];
    let all = || lines.iter().flat_map(|line| &line.points);
    let plot = Plot {
        x: Axis::linear("second", all().map(|point| point.0)),
        y: Axis::linear("running", all().map(|point| point.1)),
        marks: vec![Mark::X(count(scenario.at), "the spike".to_owned())],
        says: "Instances and tasks by second in a simulated spike".to_owned(),
        lines,
    };
    let met = |met: &Met| format!("{} s and {} s", number(met.p50), number(met.p99));
    let lead = format!(
        "Simulated with what was measured: from {} to {} requests a second for five minutes. Half and 99 of \
         100 are answered within {} by services that an autoscaler looks after by the minute, and \
         within {} by functions.",
        number(scenario.base),
        number(scenario.peak),
        met(&scenario.services),
        met(&scenario.functions)
    );
    let checked = checked(&results.cost.as_ref()?.checked);
    Some(section(
        "Scale-out past this machine",
        &lead,
        &(plot.svg() + &checked),
    ))
}

/// The simulation beside what the local host had, where both can be had.
fn checked(check: &Check) -> String {
    if check.functions.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for one in &check.functions {
        let _ = write!(
            rows,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&one.name),
            number(one.rate),
            one.measured,
            number(one.simulated)
        );
    }
    let verdict = if check.agrees() {
        "No function differs by more than one instance."
    } else {
        "Some function differs by more than one instance: don't build on the simulated figures."
    };
    format!(
        "<p class=lead style='margin:1.1rem 0 0'>Checked at the fixed rate, {} requests a second on this machine: \
         instances that the local host had, and that the simulation has at most with the same rate, durations and \
         starts. {verdict}</p><div class=scroll><table><tr><th>function<th>invocations/s<th>local host<th>simulation\
         </tr>{rows}</table></div>",
        number(check.requests)
    )
}

/// The class and the words of a verdict.
pub(super) fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::More => ("yes", "more"),
        Verdict::Less => ("yes", "less"),
        Verdict::Same => ("no", "the same"),
        Verdict::Undecided => ("no", "noise covers it"),
        Verdict::TooFew => ("no", "too few rounds"),
    }
}

fn table(results: &Results) -> Option<String> {
    let mut rows = String::new();
    for compared in &results.compared {
        let comparison = &compared.comparison;
        let interval = comparison.interval.map_or_else(
            || "–".to_owned(),
            |(low, high)| format!("{low:.2} to {high:.2}"),
        );
        let (class, verdict) = verdict(comparison.verdict);
        let _ = write!(
            rows,
            "<tr><td>{}, {}</td><td class=l>{}</td><td class=r>{}</td><td>{:.2}</td><td>{interval}</td>\
             <td>{}</td><td class={class}>{verdict}</td></tr>",
            escape(&compared.what),
            compared.unit,
            number(comparison.left),
            number(comparison.right),
            comparison.ratio,
            comparison.rounds
        );
    }
    let [left, right] = results
        .sides
        .each_ref()
        .map(|side| escape(&side.target.name));
    let lead = format!(
        "Medians of rounds that took turns; the ratio of {right} to {left} with its 99 % interval. A difference is \
         called one if the interval leaves out 1 and the ratio is off by {:.0} % or more.",
        LEAST_EFFECT * 100.0
    );
    let body = format!(
        "<div class=scroll><table><tr><th>figure<th>{left}<th>{right}<th>ratio<th>interval<th>rounds\
         <th>{right} is</tr>{rows}</table></div>"
    );
    (!rows.is_empty()).then(|| section("All comparisons", &lead, &body))
}

fn circumstances(results: &Results) -> String {
    let (asked, machine) = (&results.asked, &results.machine);
    let items = [
        format!("<code>{}</code>", escape(&asked.command)),
        format!(
            "began {}, took {} s",
            escape(&asked.began),
            number(asked.took_seconds)
        ),
        format!(
            "{} cores of {}, {} GB, Linux {}",
            machine.cores,
            escape(&machine.processor),
            number(machine.memory_gb),
            escape(&machine.kernel)
        ),
        format!(
            "load average at the start: {} (what else the machine was doing)",
            escape(&machine.load)
        ),
        format!(
            "database: {}; compare {} ({})",
            asked.database,
            asked.version,
            escape(asked.commit.as_deref().unwrap_or("no commit known"))
        ),
    ];
    let items = items.map(|item| format!("<li>{item}</li>")).concat();
    section(
        "Circumstances",
        "The JSON beside this page has every raw figure.",
        &format!("<ul>{items}</ul>"),
    )
}
