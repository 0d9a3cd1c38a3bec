//! What each architecture costs a month at AWS, from what was measured and a file of prices. Pure functions.

mod bill;
mod breakeven;
mod measured;
mod prices;
mod traffic;

pub use bill::{Bill, Options, fargate, functions, lambda, load_balancer, services};
pub use breakeven::{Curve, Point, WhatIf, break_even, curve, curves, what_ifs};
pub use measured::{Function, Measured, Service};
pub use prices::{Assumptions, Prices, Tier, tiered};
pub use traffic::{HOURS_A_MONTH, Shape, Traffic};
