//! Whether two things differ, going by rounds that took turns.
//!
//! Each round of one side is paired with its neighbour of the other, so that what the machine did meanwhile falls on
//! both. The ratio's estimate is the Hodges–Lehmann one (the median of all pairwise means, of logarithms), its
//! interval the exact one of Wilcoxon's signed ranks: neither minds an outlier or asks for a normal distribution.

use serde::Serialize;

/// How sure an interval is. More than the usual 95 %, as a report looks at a dozen figures at once.
pub const CONFIDENCE: f64 = 0.99;
/// Differences smaller than this are of no consequence.
pub const LEAST_EFFECT: f64 = 0.05;
/// Fewer rounds cannot have an interval that sure.
pub const LEAST_ROUNDS: usize = 8;

/// What can be said of right to left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Right is more.
    More,
    /// Right is less.
    Less,
    /// The whole interval lies within the least effect: there is no difference that matters.
    Same,
    /// The noise covers whatever difference there is.
    Undecided,
    /// There are too few rounds to say.
    TooFew,
}

impl Verdict {
    /// Whether a difference was found.
    pub fn differs(self) -> bool {
        matches!(self, Self::More | Self::Less)
    }
}

/// Right to left.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// The median of left's rounds.
    pub left: f64,
    /// The median of right's rounds.
    pub right: f64,
    /// Right to left.
    pub ratio: f64,
    /// Between which the ratio lies.
    pub interval: Option<(f64, f64)>,
    /// Pairs of rounds.
    pub rounds: usize,
    /// What can be said.
    pub verdict: Verdict,
}

/// The middle of these; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        length if length % 2 == 1 => Some(sorted[middle]),
        _ => Some(f64::midpoint(sorted[middle - 1], sorted[middle])),
    }
}

/// Compares rounds of the same number; those in which either side has no figure (not positive) don't count.
pub fn compare(left: &[f64], right: &[f64]) -> Option<Comparison> {
    let pairs: Vec<(f64, f64)> = left
        .iter()
        .zip(right)
        .map(|(left, right)| (*left, *right))
        .filter(|(left, right)| *left > 0.0 && *right > 0.0)
        .collect();
    let logs: Vec<f64> = pairs
        .iter()
        .map(|(left, right)| (right / left).ln())
        .collect();
    let means = pairwise_means(&logs);
    let ratio = median(&means)?.exp();
    let interval = interval(&means, logs.len()).map(|(low, high)| (low.exp(), high.exp()));
    let side = |of: fn(&(f64, f64)) -> f64| median(&pairs.iter().map(of).collect::<Vec<_>>());
    Some(Comparison {
        left: side(|pair| pair.0)?,
        right: side(|pair| pair.1)?,
        ratio,
        interval,
        rounds: pairs.len(),
        verdict: verdict(ratio, interval),
    })
}

fn verdict(ratio: f64, interval: Option<(f64, f64)>) -> Verdict {
    let Some((low, high)) = interval else {
        return Verdict::TooFew;
    };
    let (more, less) = (1.0 + LEAST_EFFECT, 1.0 / (1.0 + LEAST_EFFECT));
    if low > 1.0 && ratio >= more {
        Verdict::More
    } else if high < 1.0 && ratio <= less {
        Verdict::Less
    } else if low >= less && high <= more {
        Verdict::Same
    } else {
        Verdict::Undecided
    }
}

/// The mean of every two, and of each with itself, in order (Walsh averages).
fn pairwise_means(values: &[f64]) -> Vec<f64> {
    let mut means = Vec::with_capacity(values.len() * (values.len() + 1) / 2);
    for (index, first) in values.iter().enumerate() {
        means.extend(
            values[index..]
                .iter()
                .map(|second| f64::midpoint(*first, *second)),
        );
    }
    means.sort_by(f64::total_cmp);
    means
}

/// The exact interval: as many means are cut off at either end as the signed-rank statistic is at most, so rarely.
fn interval(means: &[f64], count: usize) -> Option<(f64, f64)> {
    let mut tail = 0.0;
    let mut cut = 0_usize;
    for share in signed_ranks(count) {
        tail += share;
        if tail > (1.0 - CONFIDENCE) / 2.0 {
            break;
        }
        cut += 1;
    }
    let low = *means.get(cut.checked_sub(1)?)?;
    let high = *means.get(means.len() - cut)?;
    Some((low, high))
}

/// How probable each sum of signed ranks is, from 0 up, if there is no difference.
fn signed_ranks(count: usize) -> Vec<f64> {
    let mut shares = vec![1.0];
    for rank in 1..=count {
        let mut next = vec![0.0; shares.len() + rank];
        for (sum, share) in shares.iter().enumerate() {
            next[sum] += share / 2.0;
            next[sum + rank] += share / 2.0;
        }
        shares = next;
    }
    shares
}

/// The order in which sides take turns: A B B A A B B A …, so that a drift falls on both. `true` is right.
pub fn turns(rounds: usize) -> impl Iterator<Item = bool> {
    (0..rounds * 2).map(|turn| matches!(turn % 4, 1 | 2))
}
