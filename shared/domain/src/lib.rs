//! The shop itself: its words, its rules and its ports, independent of how it is deployed.
//!
//! Each bounded context is a module with its types, the port other parts call (`…Api`), the port
//! it needs from a database (`…Store`) and the one implementation of its rules (`…UseCases`).
//! Nothing here knows HTTP, SQL, AWS or an async runtime; time, ids and randomness are injected.

pub mod caller;
pub mod cart;
pub mod checkout;
pub mod error;
pub mod event;
pub mod fulfilment;
pub mod id;
pub mod identity;
pub mod import;
pub mod inventory;
pub mod media;
pub mod money;
pub mod paging;
pub mod pricing;
pub mod product;
pub mod search;
pub mod time;

pub use caller::Caller;
pub use error::{Error, FieldError, Result};
pub use money::{Currency, Money};
