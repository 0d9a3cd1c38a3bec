//! What handlers take out of requests. Whatever can't be taken is refused with the contract's problem.

mod body;
mod caller;
mod json;
mod key;
mod lines;
mod path;
mod query;

pub(crate) use body::{read as read_body, read_any as read_body_of_any};
pub(crate) use caller::identify;
pub use caller::{Who, bearer};
pub use json::Json;
pub use key::Key;
pub use lines::Lines;
pub use path::{PathIds, product_to_write};
pub use query::Query;

pub(crate) use json::parse as parse_json;
