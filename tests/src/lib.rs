//! What the black-box suites share: a client that speaks the public contract, builders for test
//! data, polling, the payment provider's ledger, and starting and ending the shops under test.
//!
//! Nothing here knows the project's crates: a shop is a URL, and processes are started by name.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test support library reports by panicking: that is how a test fails"
)]

mod ask;
mod buyer;
mod containers;
mod control;
mod failpoint;
mod harness;
mod launcher;
mod ledger;
mod page;
pub mod photo;
mod poll;
mod post_office;
mod product;
mod shop;
mod unique;

pub use ask::{Ask, Reply, entries, members, token_part};
pub use buyer::{Cart, Checkout, Order, User, address};
pub use containers::Containers;
pub use control::{Control, Process};
pub use failpoint::FailPoint;
pub use harness::{Area, Case, Suite, runtime, seeded_shop};
pub use launcher::{Launcher, Options};
pub use ledger::{Intent, Ledger};
pub use page::{Browser, Form, Page, set_cookies};
pub use poll::{PICTURES, RECOVERY, SEARCH_LAG, SOON, eventually};
pub use post_office::{Mail, PostOffice};
pub use product::{Product, ProductBuilder, money};
pub use shop::{Access, Shop};
pub use unique::{email, id, key, price, word};
