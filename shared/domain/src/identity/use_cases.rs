//! The rules of the identity context.
