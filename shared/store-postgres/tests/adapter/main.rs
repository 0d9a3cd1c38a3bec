//! PostgreSQL holds the contract of every store, and what is special about it. These tests need a server:
//! `TEST_DATABASE_URL` names a database in which they may make schemas. Each makes its own and drops them.

#![expect(clippy::unwrap_used, reason = "these are tests")]

mod connect;
mod place;

mod contract {
    //! Every story of `store-contract`, each a test.

    use crate::place::Schemas;

    bothways_store_contract::stories!(Schemas);
}
