//! The shop's stores over SQLite: a file per context, shared by any number of processes.
//!
//! `store-postgres` has the same files with the same names; comparing the two shows what differs between
//! the databases. Here that is mostly locking: every write is a `BEGIN IMMEDIATE` transaction, of which a file
//! has one at a time.
//!
//! A bound `LIMIT` is written `LIMIT $1 + 0`: SQLite looks at what a bare parameter there is bound to, and prepares the
//! statement anew each time it is bound (`sqlite3ExprIsInteger`), which takes several times as long as doing it.

mod cart;
mod checkout;
mod column;
mod connect;
mod connections;
mod error;
mod fulfilment;
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
pub use connect::{Database, connect};
pub use fulfilment::Shipments;
pub use identity::Identities;
pub use inventory::Inventory;
pub use outbox::ContextOutbox;
pub use product::Products;
