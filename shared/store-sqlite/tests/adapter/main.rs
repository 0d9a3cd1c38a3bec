//! SQLite holds the contract of every store, and what is special about it.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod connect;
mod place;
mod processes;

mod contract {
    //! Every story of `store-contract`, each a test.

    use crate::place::Directory;

    bothways_store_contract::stories!(Directory);
}
