//! The rules of the checkout context.
