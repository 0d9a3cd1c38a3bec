//! Schedules against the integral of their rate.

use std::time::Duration;

use bothways_load::arrivals::{Shape, Spacing};
use proptest::prelude::*;

fn even(shape: &str, seconds: u64) -> Vec<f64> {
    let shape: Shape = shape.parse().unwrap();
    let arrivals = shape.over(Duration::from_secs(seconds));
    arrivals
        .instants(Spacing::Even, 0)
        .map(|due| due.as_secs_f64())
        .collect()
}

fn between(instants: &[f64], from: f64, to: f64) -> usize {
    instants
        .iter()
        .filter(|at| (from..to).contains(*at))
        .count()
}

#[test]
fn a_constant_rate_is_a_metronome() {
    let instants = even("50", 60);
    assert_eq!(instants.len(), 3000);
    for (number, at) in (0..).zip(&instants) {
        assert!(
            (at - f64::from(number) / 50.0).abs() < 1e-6,
            "{number} at {at}"
        );
    }
}

#[test]
fn a_ramp_has_a_quarter_of_its_arrivals_in_its_first_half() {
    let instants = even("ramp:0..100", 10);
    assert_eq!(instants.len(), 500);
    assert_eq!(between(&instants, 0.0, 5.0 - 1e-6), 125);
    let down = even("ramp:100..0", 10);
    assert_eq!((down.len(), between(&down, 0.0, 5.0 - 1e-6)), (500, 375));
}

#[test]
fn a_spike_is_as_high_and_as_long_as_it_says_and_ends_with_the_run() {
    let instants = even("spike:10..200@20s+5s", 60);
    assert_eq!(between(&instants, 0.0, 20.0 - 1e-6), 200);
    assert_eq!(between(&instants, 20.0 - 1e-6, 25.0 - 1e-6), 1000);
    assert_eq!(between(&instants, 25.0 - 1e-6, 60.0), 350);
    assert_eq!(even("spike:10..200@58s+5s", 60).len(), 580 + 400);
    assert_eq!(even("spike:0..10@1m+5s", 30).len(), 0);
}

#[test]
fn a_day_is_quiet_at_night_and_busiest_in_the_evening() {
    let instants = even("day:10..110", 240);
    let hours: Vec<usize> = (0..24)
        .map(|hour| {
            between(
                &instants,
                f64::from(hour) * 10.0,
                f64::from(hour + 1) * 10.0,
            )
        })
        .collect();
    let (quietest, busiest) = (hours.iter().min().unwrap(), hours.iter().max().unwrap());
    assert!((100..=120).contains(quietest), "{hours:?}");
    assert!((1000..=1100).contains(busiest), "{hours:?}");
    assert!(
        hours[..6].contains(quietest) && hours[18..22].contains(busiest),
        "{hours:?}"
    );
}

fn shapes() -> impl Strategy<Value = Shape> {
    let rate = || 0.0..500.0_f64;
    prop_oneof![
        rate().prop_map(Shape::Constant),
        (rate(), rate()).prop_map(|(from, to)| Shape::Ramp { from, to }),
        (rate(), rate(), 0..20_000_u64, 1..20_000_u64).prop_map(|(base, peak, at, length)| {
            let (at, length) = (Duration::from_millis(at), Duration::from_millis(length));
            Shape::Spike {
                base,
                peak,
                at,
                length,
            }
        }),
        (rate(), rate()).prop_map(|(quiet, busy)| Shape::Day { quiet, busy }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_schedule_follows_the_sum_of_its_rate(shape in shapes(), millis in 100..30_000_u32) {
        let length = Duration::from_millis(millis.into());
        let arrivals = shape.over(length);
        let instants: Vec<Duration> = arrivals.clone().instants(Spacing::Even, 0).collect();
        prop_assert!(instants.is_sorted());
        prop_assert!(instants.iter().all(|due| *due <= length));
        // The sum, taken in small pieces from the rate alone.
        let (pieces, mut sum) = (4000, 0.0);
        for piece in 0..pieces {
            let middle = length.mul_f64((f64::from(piece) + 0.5) / f64::from(pieces));
            sum += arrivals.rate_at(middle) * length.as_secs_f64() / f64::from(pieces);
            let by = length.mul_f64(f64::from(piece + 1) / f64::from(pieces));
            // A piece may lie across the edge of a spike.
            let slack = 500.0 * length.as_secs_f64() / f64::from(pieces) + 0.01;
            prop_assert!((arrivals.by(by) - sum).abs() <= slack, "by {by:?}: {} for {sum}", arrivals.by(by));
            let came = u32::try_from(instants.partition_point(|due| *due < by)).unwrap();
            prop_assert!((f64::from(came) - sum).abs() <= slack + 1.01, "by {by:?}: {came} for {sum}");
        }
    }

    #[test]
    fn random_arrivals_are_as_many_as_the_rate_says_give_or_take_chance(shape in shapes(), seed in any::<u64>()) {
        let arrivals = shape.over(Duration::from_secs(20));
        let expected = arrivals.total();
        let came = u32::try_from(arrivals.instants(Spacing::Random, seed).count()).unwrap();
        // Six standard deviations of a Poisson count: once in a thousand million.
        prop_assert!((f64::from(came) - expected).abs() <= 6.0 * expected.sqrt() + 6.0, "{came} for {expected}");
    }
}

#[test]
fn random_arrivals_are_not_a_metronome_and_the_same_for_the_same_seed() {
    let shape = Shape::Constant(1000.0);
    let draw = |seed| {
        shape
            .over(Duration::from_secs(10))
            .instants(Spacing::Random, seed)
            .collect::<Vec<_>>()
    };
    let instants = draw(3);
    assert_eq!(instants, draw(3));
    assert_ne!(instants, draw(4));
    let gaps: Vec<f64> = instants
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]).as_secs_f64() * 1000.0)
        .collect();
    // Of an exponential distribution, 1/e lies above the mean.
    let long = gaps.iter().filter(|gap| **gap > 1.0).count();
    let above =
        f64::from(u32::try_from(long).unwrap()) / f64::from(u32::try_from(gaps.len()).unwrap());
    assert!((0.34..0.40).contains(&above), "{above}");
}

#[test]
fn what_is_no_rate_is_refused() {
    for text in [
        "",
        "-1",
        "nan",
        "1e9",
        "ramp:5",
        "ramp:5..x",
        "spike:1..2",
        "spike:1..2@3s",
        "spike:1..2@3+4s",
        "night:1..2",
    ] {
        assert!(text.parse::<Shape>().is_err(), "{text}");
    }
}
