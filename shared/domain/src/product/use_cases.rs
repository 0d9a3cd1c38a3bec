//! The rules of the product context.
