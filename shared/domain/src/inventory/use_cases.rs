//! The rules of the inventory context.
