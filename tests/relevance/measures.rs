//! The measures, per query.

use std::collections::HashMap;

use crate::{Outcome, judged::JudgedSet, run::Run};

/// The names of the measures, in order.
pub(crate) const MEASURES: [&str; 3] = ["nDCG@10", "P@10", "recall@100"];
/// How many products are asked for of each query.
pub(crate) const DEPTH: usize = 100;
const TOP: usize = 10;

/// By measure, a value per query.
#[derive(Debug)]
pub(crate) struct Measured(pub(crate) [Vec<f64>; 3]);

impl Measured {
    /// Measures the answers to a set's queries.
    pub(crate) fn of(set: &JudgedSet, run: &Run) -> Outcome<Self> {
        let mut measured = [const { Vec::new() }; 3];
        for query in &set.queries {
            let answer = run.answer(&set.name, &query.id);
            let answer = answer
                .ok_or_else(|| format!("there is no answer to {} of {}", query.text, set.name))?;
            measured[0].push(ndcg(answer, &query.gains));
            measured[1].push(precision(answer, &query.gains));
            measured[2].push(recall(answer, &query.gains));
        }
        Ok(Self(measured))
    }
}

fn gain(gains: &HashMap<String, f64>, product: &str) -> f64 {
    gains.get(product).copied().unwrap_or(0.0)
}

fn discounted(gains: impl Iterator<Item = f64>) -> f64 {
    let places = gains.take(TOP).zip(2_u32..);
    places
        .map(|(gain, place)| gain / f64::from(place).log2())
        .sum()
}

/// Discounted cumulative gain of the first ten by that of the best order of all judged products.
fn ndcg(answer: &[String], gains: &HashMap<String, f64>) -> f64 {
    let mut ideal: Vec<_> = gains.values().copied().collect();
    ideal.sort_by(|a, b| b.total_cmp(a));
    discounted(answer.iter().map(|product| gain(gains, product))) / discounted(ideal.into_iter())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "there are at most some thousands"
)]
fn share(part: usize, whole: usize) -> f64 {
    part as f64 / whole.max(1) as f64
}

fn right(answer: &[String], depth: usize, gains: &HashMap<String, f64>) -> usize {
    let seen = answer.iter().take(depth);
    seen.filter(|product| gain(gains, product) > 0.0).count()
}

/// How many of the first ten have any gain.
fn precision(answer: &[String], gains: &HashMap<String, f64>) -> f64 {
    share(right(answer, TOP, gains), TOP)
}

/// How many of the products with any gain are among the first hundred.
fn recall(answer: &[String], gains: &HashMap<String, f64>) -> f64 {
    let all = gains.values().filter(|gain| **gain > 0.0).count();
    share(right(answer, DEPTH, gains), all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn measures_are_those_of_the_textbook() {
        let gains = HashMap::from([("a", 2.0), ("b", 1.0), ("c", 0.0), ("d", 1.0)]);
        let gains = gains.into_iter().map(|(id, gain)| (id.to_owned(), gain));
        let gains: HashMap<_, _> = gains.collect();
        let answer = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let best = answer(&["a", "b", "d"]);
        assert!(near(ndcg(&best, &gains), 1.0) && near(recall(&best, &gains), 1.0));
        assert!(near(precision(&best, &gains), 0.3));
        let other = answer(&["c", "unjudged", "a"]);
        let ideal = 2.0 + 1.0 / 3_f64.log2() + 0.5;
        assert!(near(ndcg(&other, &gains), 1.0 / ideal));
        assert!(near(recall(&other, &gains), 1.0 / 3.0));
        assert!(near(ndcg(&[], &gains), 0.0));
    }
}
