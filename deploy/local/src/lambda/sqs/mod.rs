//! Queues of the template, kept on disk, with an SQS-compatible endpoint for the functions' own SDK.

mod actions;
mod api;
mod journal;
pub(crate) mod message;
pub(crate) mod queue;

pub(crate) use api::router;
