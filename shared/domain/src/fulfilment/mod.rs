//! Fulfilment: what becomes of an order after it is bought. Its goods are shipped and delivered when that is due,
//! and its buyer gets a receipt.

mod port;
mod use_cases;

pub use port::{DueReceipt, FulfilmentStore, MailError, Mailer, Shipment, Stage};
pub use use_cases::{FulfilmentParts, FulfilmentPolicy, FulfilmentUseCases};
