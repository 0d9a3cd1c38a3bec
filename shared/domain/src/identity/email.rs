//! E-mail addresses.

use crate::{Error, Result};

/// An address in lower case, of the form HTML's `<input type=email>` takes, up to 254 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress(String);

impl EmailAddress {
    const MAX: usize = 254;

    /// Takes an address, or says at `pointer` that it is none.
    pub fn parse(text: &str, pointer: &str) -> Result<Self> {
        let refuse = || Error::invalid(pointer, "this is no e-mail address");
        let (local, domain) = text.split_once('@').ok_or_else(refuse)?;
        let fits = text.len() <= Self::MAX && is_local_part(local) && is_domain(domain);
        if fits {
            Ok(Self(text.to_lowercase()))
        } else {
            Err(refuse())
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_local_part(local: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b);
    (1..=64).contains(&local.len()) && local.bytes().all(allowed)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    domain.split('.').all(is_label)
}
