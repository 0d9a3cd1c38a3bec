//! Buckets of the template, kept on disk, with an S3-compatible endpoint for the functions' own client
//! and notifications to queues.

mod actions;
mod api;
pub(crate) mod bucket;
mod condition;
mod listing;
mod multipart;
mod notification;
mod object;
mod xml;

pub(crate) use api::router;
