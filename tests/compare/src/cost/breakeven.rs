//! Cost over traffic, where the architectures cost the same, and what would be if something were different.

use serde::Serialize;

use super::{
    bill::{Bill, Options, both},
    measured::Measured,
    prices::Prices,
    traffic::{Shape, Traffic},
};

/// Requests a month from which to which curves go, as powers of ten.
const DECADES: (u32, u32) = (3, 10);
/// Points of a curve in each decade.
const POINTS: u32 = 8;

/// A month with so many requests.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// Requests in it.
    pub requests: f64,
    /// What the services cost.
    pub services: Bill,
    /// What the functions cost.
    pub functions: Bill,
}

/// Cost over traffic of one shape.
#[derive(Debug, Clone, Serialize)]
pub struct Curve {
    /// The shape.
    pub shape: Shape,
    /// From few requests to many.
    pub points: Vec<Point>,
    /// Requests a month at which both cost the same.
    pub break_even: Vec<f64>,
}

/// Something different, and what it does.
#[derive(Debug, Clone, Serialize)]
pub struct WhatIf {
    /// What is different.
    pub what: &'static str,
    /// Dollars a month for services and functions at 10⁶, 10⁷, 10⁸ and 10⁹ requests of daily traffic.
    pub totals: Vec<(f64, f64)>,
    /// Where both cost the same, with daily traffic.
    pub break_even: Vec<f64>,
}

fn totals(measured: &Measured, traffic: &Traffic, prices: &Prices, options: Options) -> (f64, f64) {
    let (services, functions) = both(measured, traffic, prices, options);
    (services.total(), functions.total())
}

fn steps() -> impl Iterator<Item = f64> {
    (DECADES.0 * POINTS..=DECADES.1 * POINTS)
        .map(|step| 10_f64.powf(f64::from(step) / f64::from(POINTS)))
}

/// Requests a month at which both cost the same, fewest first.
pub fn break_even(
    measured: &Measured,
    shape: Shape,
    prices: &Prices,
    options: Options,
) -> Vec<f64> {
    let difference = |requests: f64| {
        let (services, functions) = totals(measured, &Traffic { shape, requests }, prices, options);
        services - functions
    };
    let all: Vec<f64> = steps().collect();
    let mut found = Vec::new();
    for pair in all.windows(2) {
        let (mut low, mut high) = (pair[0], pair[1]);
        let cheaper_at_low = difference(low) > 0.0;
        if cheaper_at_low == (difference(high) > 0.0) {
            continue;
        }
        // Halving the ratio 40 times is far finer than any price is known.
        for _ in 0..40 {
            let middle = (low * high).sqrt();
            if (difference(middle) > 0.0) == cheaper_at_low {
                low = middle;
            } else {
                high = middle;
            }
        }
        found.push((low * high).sqrt());
    }
    found
}

/// Cost over traffic of a shape.
pub fn curve(measured: &Measured, shape: Shape, prices: &Prices, options: Options) -> Curve {
    let points = steps().map(|requests| {
        let (services, functions) = both(measured, &Traffic { shape, requests }, prices, options);
        Point {
            requests,
            services,
            functions,
        }
    });
    Curve {
        shape,
        points: points.collect(),
        break_even: break_even(measured, shape, prices, options),
    }
}

/// Cost over traffic of every shape.
pub fn curves(measured: &Measured, prices: &Prices) -> Vec<Curve> {
    Shape::ALL
        .map(|shape| curve(measured, shape, prices, Options::default()))
        .into()
}

/// What would be if something were different.
pub fn what_ifs(measured: &Measured, prices: &Prices) -> Vec<WhatIf> {
    let plain = Options::default();
    let memory = |memory| Options { memory, ..plain };
    [
        ("as it is", plain),
        ("functions with half the memory", memory(0.5)),
        ("functions with twice the memory", memory(2.0)),
        (
            "functions kept ready for the busiest hour",
            Options {
                provisioned: true,
                ..plain
            },
        ),
        (
            "services on Spot",
            Options {
                spot: true,
                ..plain
            },
        ),
        (
            "one task of each service",
            Options {
                least_tasks: Some(1.0),
                ..plain
            },
        ),
    ]
    .into_iter()
    .map(|(what, options)| WhatIf {
        what,
        totals: [1e6, 1e7, 1e8, 1e9]
            .map(|requests| {
                let shape = Shape::Daily;
                totals(measured, &Traffic { shape, requests }, prices, options)
            })
            .into(),
        break_even: break_even(measured, Shape::Daily, prices, options),
    })
    .collect()
}
