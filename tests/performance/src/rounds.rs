//! What is measured in turns, and the ratio of it.

use bothways_compare::statistics::median;

/// One measurement of something.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// Requests a second.
    pub(crate) rate: f64,
    /// Microseconds of CPU for each.
    pub(crate) cpu: f64,
}

/// What one thing was like in each round.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readings(pub(crate) Vec<Reading>);

impl Readings {
    /// The median of the ratios to `other`, round by round.
    pub(crate) fn ratio(&self, other: &Self, of: fn(&Reading) -> f64) -> f64 {
        let pairs = self.0.iter().zip(&other.0);
        let ratios: Vec<_> = pairs.map(|(one, other)| of(one) / of(other)).collect();
        median(&ratios).unwrap_or(f64::NAN)
    }

    /// The same rounds with the CPU that `combine` makes of theirs and of `other`'s.
    pub(crate) fn with_cpu_of(&self, other: &Self, combine: fn(f64, f64) -> f64) -> Self {
        let pairs = self.0.iter().zip(&other.0);
        let combined = pairs.map(|(one, other)| Reading {
            rate: f64::NAN,
            cpu: combine(one.cpu, other.cpu),
        });
        Self(combined.collect())
    }

    /// The median.
    pub(crate) fn median(&self, of: fn(&Reading) -> f64) -> f64 {
        let all: Vec<_> = self.0.iter().map(of).collect();
        median(&all).unwrap_or(f64::NAN)
    }
}

/// Measures each of `things` once a round, every other round backwards, so that what drifts meets all alike.
pub(crate) fn in_turns<const N: usize>(
    rounds: usize,
    things: [&dyn Fn() -> Result<Reading, String>; N],
) -> Result<[Readings; N], String> {
    let mut readings = [const { Readings(Vec::new()) }; N];
    for round in 0..rounds {
        let forwards = 0..N;
        let order: Vec<_> = if round % 2 == 0 {
            forwards.collect()
        } else {
            forwards.rev().collect()
        };
        for thing in order {
            readings[thing].0.push(things[thing]()?);
        }
    }
    Ok(readings)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn every_other_round_goes_backwards_and_ratios_are_of_the_same_round() {
        let order = RefCell::new(String::new());
        let thing = |name: char, rate: f64| {
            let order = &order;
            move || {
                order.borrow_mut().push(name);
                let slower = u32::try_from(order.borrow().len()).map_or(0.0, f64::from);
                Ok(Reading {
                    rate: rate / slower,
                    cpu: 1.0,
                })
            }
        };
        let [a, b] = in_turns(3, [&thing('a', 100.0), &thing('b', 50.0)]).unwrap();
        assert_eq!(*order.borrow(), "abbaab");
        // 100/1 to 50/2, 100/4 to 50/3, 100/5 to 50/6.
        assert!((a.ratio(&b, |one| one.rate) - 2.4).abs() < 1e-9);
        assert!(a.ratio(&Readings::default(), |one| one.rate).is_nan());
        let both = a.with_cpu_of(&b, |a, b| a + b);
        assert_eq!(
            both.0.iter().map(|one| one.cpu).collect::<Vec<_>>(),
            [2.0; 3]
        );
    }

    #[test]
    fn what_can_t_be_measured_ends_it() {
        assert!(in_turns(1, [&|| Err("gone".to_owned())]).is_err());
    }
}
