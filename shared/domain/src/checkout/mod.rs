//! Checkout and orders: buying a cart, exactly once, whatever fails in between.

mod desk;
mod drive;
mod order;
mod payment;
mod port;
mod recovery;
mod request;
mod saga;
mod use_cases;

pub use desk::{DeskUseCases, Moved, OrderDesk};
pub use order::{Moment, Order, OrderItem, OrderRecord, OrderStatus};
pub use payment::{IntentId, IntentStatus, PaymentError, PaymentProvider};
pub use port::{
    Cancelling, CheckoutApi, CheckoutRecord, CheckoutStore, Claim, Claimed, Outcome, Placed,
    Progress, Refusal, Saga,
};
pub use recovery::RecoveryReport;
pub use request::{Address, CheckoutRequest};
pub use saga::{NoProbe, SagaProbe, Step};
pub use use_cases::{CheckoutParts, CheckoutUseCases, SagaPolicy};
