//! Differences that are there are found, and those that aren't, aren't. Seeded: the same each time.

use bothways_compare::statistics::{CONFIDENCE, LEAST_ROUNDS, Verdict, compare, median, turns};
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// About normal: the sum of twelve dice.
fn normal(rng: &mut StdRng) -> f64 {
    (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0
}

/// Rounds of something that takes `truth`, on a machine that gets slower and is disturbed now and then.
fn rounds(rng: &mut StdRng, truth: (f64, f64), noise: f64, count: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for (turn, is_right) in turns(count).enumerate() {
        let drift = 1.0 + 0.02 * f64::from(u32::try_from(turn).unwrap());
        let disturbed = if rng.random::<f64>() < 0.03 { 3.0 } else { 1.0 };
        let noise = (noise * normal(rng)).exp() * drift * disturbed;
        if is_right {
            right.push(truth.1 * noise);
        } else {
            left.push(truth.0 * noise);
        }
    }
    (left, right)
}

/// How many of 1000 comparisons say what is asked.
fn share(truth: (f64, f64), noise: f64, count: usize, said: fn(Verdict) -> bool) -> usize {
    let mut rng = StdRng::seed_from_u64(7);
    (0..1000)
        .filter(|_| {
            let (left, right) = rounds(&mut rng, truth, noise, count);
            said(compare(&left, &right).unwrap().verdict)
        })
        .count()
}

#[test]
fn the_same_twice_is_almost_never_called_different() {
    for noise in [0.01, 0.05, 0.2, 0.5] {
        for count in [LEAST_ROUNDS, 12, 20] {
            let called = share((10.0, 10.0), noise, count, Verdict::differs);
            assert!(
                called <= 20,
                "{called} of 1000 with noise {noise}, {count} rounds"
            );
        }
    }
}

#[test]
fn a_fifth_slower_is_found_and_its_direction_is_right() {
    for (count, noise, least) in [(LEAST_ROUNDS, 0.03, 700), (16, 0.05, 850), (20, 0.1, 800)] {
        let found = share((10.0, 12.0), noise, count, |verdict| {
            verdict == Verdict::More
        });
        assert!(
            found >= least,
            "{found} of 1000 with noise {noise}, {count} rounds"
        );
        let found = share((12.0, 10.0), noise, count, |verdict| {
            verdict == Verdict::Less
        });
        assert!(found >= least, "{found} of 1000 the other way");
    }
}

#[test]
fn what_is_too_small_to_matter_is_not_called_different_however_sure_it_is() {
    let called = share((10.0, 10.2), 0.001, 20, Verdict::differs);
    assert!(called <= 20, "{called} of 1000");
    let same = share((10.0, 10.05), 0.005, 20, |verdict| verdict == Verdict::Same);
    assert!(same >= 800, "{same} of 1000");
}

#[test]
fn the_interval_covers_the_truth_as_often_as_it_says() {
    let mut rng = StdRng::seed_from_u64(3);
    let covered = (0..2000).filter(|_| {
        let (left, right) = rounds(&mut rng, (5.0, 6.0), 0.1, 12);
        let (low, high) = compare(&left, &right).unwrap().interval.unwrap();
        (low..=high).contains(&1.2)
    });
    let share = f64::from(u32::try_from(covered.count()).unwrap()) / 2000.0;
    assert!(share > CONFIDENCE - 0.01, "{share}");
}

#[test]
fn too_few_rounds_say_nothing() {
    let seven = compare(&[1.0; 7], &[9.0; 7]).unwrap();
    assert_eq!((seven.verdict, seven.interval), (Verdict::TooFew, None));
    let eight = compare(&[1.0; 8], &[9.0; 8]).unwrap();
    assert_eq!(eight.verdict, Verdict::More);
    assert!((eight.ratio - 9.0).abs() < 1e-9);
    assert!(compare(&[], &[]).is_none());
    assert!(compare(&[0.0; 9], &[1.0; 9]).is_none(), "no figures");
}

#[test]
fn sides_take_turns_so_that_a_drift_falls_on_both() {
    let turns: String = turns(4)
        .map(|right| if right { 'B' } else { 'A' })
        .collect();
    assert_eq!(turns, "ABBAABBA");
    assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
    assert_eq!(median(&[]), None);
}
