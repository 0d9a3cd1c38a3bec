//! The rules of the cart context.
