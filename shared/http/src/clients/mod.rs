//! Clients: the same ports as the routers serve, over HTTP. An error a neighbour answers is the error it was there;
//! a neighbour that can't be reached is `Unavailable`.

mod cart;
mod checkout;
mod dead_letters;
mod desk;
mod identity;
mod import;
mod inventory;
mod media;
mod outside;
mod product;
mod push;
mod remote;
mod search;
mod stripe;

pub use cart::CartClient;
pub use checkout::CheckoutClient;
pub use dead_letters::DeadLetterClient;
pub use desk::DeskClient;
pub use identity::IdentityClient;
pub use inventory::InventoryClient;
pub use media::MediaClient;
pub use outside::{ClientError, LazyClient};
pub use product::ProductClient;
pub use push::PushSink;
pub use remote::Remote;
pub use search::SearchClient;
pub use stripe::StripePayments;
