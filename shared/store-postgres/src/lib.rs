//! The shop's stores over PostgreSQL: a database or a schema per context.
//!
//! `store-sqlite` has the same files with the same names; comparing the two shows what differs between
//! the databases. Here that is mostly locking: writes run side by side and lock the rows they depend on, rows
//! of a kind in the order of their ids, so that no two wait for each other. Many rows are written by one
//! statement over arrays, which costs one round trip.

mod cart;
mod checkout;
mod column;
mod connect;
mod connections;
mod error;
mod fulfilment;
mod grant;
mod identity;
mod inventory;
mod migrate;
mod order;
mod outbox;
mod product;
mod reservation;
mod saga;

pub use cart::Carts;
pub use checkout::Checkouts;
pub use connect::{Database, Passwords, connect, connect_later, connect_with};
pub use fulfilment::Shipments;
pub use identity::Identities;
pub use inventory::Inventory;
pub use outbox::ContextOutbox;
pub use product::Products;
