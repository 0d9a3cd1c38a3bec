//! Which endpoint is asked: of two taken by chance the one with less to do (power of two choices).

use std::sync::{Arc, atomic::Ordering};

use tokio::time::Instant;

use crate::{chance::Chance, endpoint::Endpoint, outlier::Standing};

/// An endpoint that a call asked already.
#[derive(Debug)]
pub(crate) struct Tried {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether there was no connection: it is no use to ask it again.
    pub(crate) refused: bool,
}

/// Chooses among `endpoints`, leaving out those tried already and those that are out while there are others; `None`
/// when there is none at all.
pub(crate) fn pick<'a>(
    endpoints: &'a [Arc<Endpoint>],
    tried: &[Tried],
    retriable: bool,
    chance: &mut Chance,
    now: Instant,
) -> Option<&'a Arc<Endpoint>> {
    if let [only] = endpoints {
        return Some(only);
    }
    let rank = |endpoint: &Arc<Endpoint>| Rank::of(endpoint, tried, retriable, now);
    let ranked: Vec<_> = endpoints.iter().map(|one| (rank(one), one)).collect();
    let best = ranked.iter().map(|(rank, _)| *rank).min()?;
    let best = ranked.iter().filter(|(rank, _)| *rank == best);
    less_busy(
        &best.map(|(_, endpoint)| *endpoint).collect::<Vec<_>>(),
        chance,
    )
}

/// Whether there is another endpoint fit to be asked beside those tried.
pub(crate) fn has_other(endpoints: &[Arc<Endpoint>], tried: &[Tried], now: Instant) -> bool {
    let fresh = |endpoint: &Arc<Endpoint>| Rank::of(endpoint, tried, true, now) == Rank::Fresh;
    endpoints.len() > 1 && endpoints.iter().any(fresh)
}

/// Who is asked first, from the first to the last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    /// Not tried yet, and fit.
    Fresh,
    /// Not tried yet; it said it stops, but may still serve, or be back.
    Leaving,
    /// Tried, and fit.
    Tried,
    /// Not tried yet, and out.
    Out,
    /// Tried, and out or not reached.
    Last,
}

impl Rank {
    fn of(endpoint: &Arc<Endpoint>, tried: &[Tried], retriable: bool, now: Instant) -> Self {
        let before = tried
            .iter()
            .find(|one| Arc::ptr_eq(&one.endpoint, endpoint));
        let (untried, refused) = (before.is_none(), before.is_some_and(|one| one.refused));
        let idle = || endpoint.in_flight.load(Ordering::Relaxed) == 0;
        match endpoint.health().standing(retriable, now) {
            Standing::In if untried => Self::Fresh,
            Standing::Probation if untried && idle() => Self::Fresh,
            Standing::Leaving if untried => Self::Leaving,
            Standing::In if !refused => Self::Tried,
            _ if untried => Self::Out,
            _ => Self::Last,
        }
    }
}

fn less_busy<'a>(any: &[&'a Arc<Endpoint>], chance: &mut Chance) -> Option<&'a Arc<Endpoint>> {
    let first = chance.below(any.len());
    let one = *any.get(first)?;
    if any.len() == 1 {
        return Some(one);
    }
    let step = 1 + chance.below(any.len() - 1);
    let other = any[(first + step) % any.len()];
    let load = |endpoint: &Endpoint| endpoint.in_flight.load(Ordering::Relaxed);
    Some(if load(other) < load(one) { other } else { one })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn endpoints(count: usize) -> Vec<Arc<Endpoint>> {
        let names = (0..count).map(|number| format!("10.0.0.{number}:80"));
        names.map(|name| Arc::new(Endpoint::new(name))).collect()
    }

    fn tried(endpoint: &Arc<Endpoint>, refused: bool) -> Tried {
        let endpoint = endpoint.clone();
        Tried { endpoint, refused }
    }

    #[test]
    fn one_that_is_out_is_asked_before_one_that_could_not_be_reached_but_not_before_others() {
        let (all, now) = (endpoints(2), Instant::now());
        all[0].health().eject(now);
        let mut chance = Chance::new(5);
        for (refused, expected) in [(true, &all[0]), (false, &all[1])] {
            let before = [tried(&all[1], refused)];
            let picked = pick(&all, &before, true, &mut chance, now).expect("one");
            assert!(Arc::ptr_eq(picked, expected), "{refused}");
        }
    }

    #[test]
    fn endpoints_that_are_alike_get_alike() {
        let (all, now) = (endpoints(3), Instant::now());
        let mut chance = Chance::new(1);
        for _ in 0..3_000 {
            drop(
                pick(&all, &[], true, &mut chance, now)
                    .expect("one")
                    .enter(),
            );
        }
        for endpoint in &all {
            let share = endpoint.requests.load(Ordering::Relaxed);
            assert!((900..1_100).contains(&share), "{share} of 3000");
        }
    }

    #[test]
    fn one_that_never_answers_is_asked_little() {
        let (all, now) = (endpoints(3), Instant::now());
        let mut chance = Chance::new(2);
        let mut stuck = Vec::new();
        for _ in 0..1_000 {
            let endpoint = pick(&all, &[], true, &mut chance, now).expect("one");
            let flight = endpoint.enter();
            if Arc::ptr_eq(endpoint, &all[0]) {
                stuck.push(flight);
            }
        }
        assert!(stuck.len() <= 2, "{} are stuck", stuck.len());
    }

    #[test]
    fn one_on_probation_is_asked_one_thing_at_a_time() {
        let (all, now) = (endpoints(2), Instant::now());
        let mut chance = Chance::new(3);
        all[0].health().eject(now);
        let back = now + std::time::Duration::from_secs(5);
        let mut flights: Vec<_> = (0..100)
            .map(|_| {
                pick(&all, &[], true, &mut chance, back)
                    .expect("one")
                    .enter()
            })
            .collect();
        assert_eq!(all[0].in_flight.load(Ordering::Relaxed), 1);
        flights.clear();
        assert_eq!(all[1].in_flight.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn with_nobody_else_one_that_leaves_is_asked_before_one_that_was_tried_in_vain() {
        let (all, now) = (endpoints(3), Instant::now());
        all[0].health().eject(now);
        all[1].health().stops(now);
        let tried = [tried(&all[2], false)];
        let mut chance = Chance::new(4);
        for _ in 0..100 {
            let picked = pick(&all, &tried, true, &mut chance, now).expect("one");
            assert!(Arc::ptr_eq(picked, &all[1]));
        }
    }

    proptest! {
        #[test]
        fn somebody_is_asked_and_nobody_who_is_out_or_tried_while_others_are_not(
            out in prop::collection::vec(any::<bool>(), 1..8),
            tried in prop::collection::vec(any::<bool>(), 8),
            seed in any::<u64>(),
        ) {
            let (all, now) = (endpoints(out.len()), Instant::now());
            for (endpoint, out) in all.iter().zip(&out) {
                if *out {
                    endpoint.health().eject(now);
                }
            }
            let before: Vec<_> = all.iter().zip(&tried).filter(|(_, tried)| **tried).map(|(one, _)| super::tests::tried(one, false)).collect();
            let picked = pick(&all, &before, true, &mut Chance::new(seed), now).expect("one");
            let place = all.iter().position(|one| Arc::ptr_eq(one, picked)).expect("one of them");
            let better = out.iter().zip(&tried).any(|(out, tried)| !out && !tried);
            prop_assert!(!better || !(out[place] || tried[place]));
        }
    }
}
