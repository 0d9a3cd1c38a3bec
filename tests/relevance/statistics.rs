//! How sure a mean over few queries is. Random numbers are seeded, so equal answers give equal figures.

use rand::{RngExt as _, SeedableRng as _, rngs::StdRng};

/// How many samples are drawn.
const SAMPLES: usize = 10_000;
const SEED: u64 = 1;

/// Two settings, query by query.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) before: f64,
    pub(crate) after: f64,
    pub(crate) difference: f64,
    /// In which the difference lies with 95 % (paired bootstrap).
    pub(crate) interval: (f64, f64),
    /// How likely so large a difference is if the settings are equally good (two-sided randomisation test).
    pub(crate) chance: f64,
    pub(crate) better: usize,
    pub(crate) worse: usize,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are at most some thousands"
)]
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len().max(1) as f64;
    values.sum::<f64>() / count
}

/// The mean, and the percentile bootstrap interval in which it lies with 95 %.
pub(crate) fn interval(values: &[f64]) -> (f64, (f64, f64)) {
    let mut random = StdRng::seed_from_u64(SEED);
    let mut means: Vec<_> = (0..SAMPLES)
        .map(|_| mean((0..values.len()).map(|_| values[random.random_range(0..values.len())])))
        .collect();
    means.sort_by(f64::total_cmp);
    let bounds = (means[SAMPLES / 40], means[SAMPLES - 1 - SAMPLES / 40]);
    (mean(values.iter().copied()), bounds)
}

/// Compares the values of the same queries.
pub(crate) fn paired(before: &[f64], after: &[f64]) -> Pair {
    let differences: Vec<_> = before.iter().zip(after).map(|(a, b)| b - a).collect();
    let (difference, interval) = interval(&differences);
    let mut random = StdRng::seed_from_u64(SEED);
    let by_chance = (0..SAMPLES).filter(|_| {
        let signed = differences.iter();
        let signed = signed.map(|value| if random.random() { *value } else { -value });
        mean(signed).abs() >= difference.abs() - f64::EPSILON
    });
    // One more of each, so that the estimate is never 0 (Phipson & Smyth 2010).
    let chance = (by_chance.count() + 1, SAMPLES + 1);
    #[expect(clippy::cast_precision_loss, reason = "there are ten thousand")]
    let chance = chance.0 as f64 / chance.1 as f64;
    Pair {
        before: mean(before.iter().copied()),
        after: mean(after.iter().copied()),
        difference,
        interval,
        chance,
        better: differences.iter().filter(|value| **value > 0.0).count(),
        worse: differences.iter().filter(|value| **value < 0.0).count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_lies_in_its_interval_and_sure_things_have_none() {
        let (mean, (low, high)) = interval(&[0.0, 1.0, 1.0, 0.0, 1.0, 0.5]);
        assert!(low < mean && mean < high && low >= 0.0 && high <= 1.0);
        let (sure, bounds) = interval(&[0.5; 9]);
        assert!((sure - 0.5).abs() < 1e-12 && (bounds.1 - bounds.0).abs() < 1e-12);
    }

    #[test]
    fn a_steady_gain_is_no_chance_and_noise_is() {
        let before = [0.4; 30];
        let gain = paired(&before, &[0.5; 30]);
        assert!(gain.chance < 0.001 && gain.interval.0 > 0.0);
        assert_eq!((gain.better, gain.worse), (30, 0));
        let alternating: Vec<_> = (0..30)
            .map(|n| 0.4 + 0.1 * f64::from(n % 2 * 2 - 1))
            .collect();
        let noise = paired(&before, &alternating);
        assert!(noise.chance > 0.5 && noise.interval.0 < 0.0 && noise.interval.1 > 0.0);
        assert!(paired(&before, &before).chance > 0.99);
    }
}
