//! Query parameters.

use std::{convert::Infallible, fmt::Display, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use bothways_domain::{Error, Result, error::Violations, paging::Paging};

/// The query's parameters. Those a resource does not know are ignored; an empty one counts as absent, since that is how
/// forms send what was left out.
#[derive(Debug)]
pub struct Query(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// The parameters of a query string.
    pub fn parse(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let given = pairs.filter(|(_, value)| !value.is_empty());
        Self(
            given
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }

    /// The parameter's first value.
    pub fn text(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// All values of a parameter that may repeat.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The parameter read as a `T`, which `what` describes.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &str, what: &str) -> Result<Option<T>> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        let parsed = text.parse().map(Some);
        parsed.map_err(|_| Error::invalid(format!("?{name}"), format!("{name} is {what}")))
    }

    /// The page asked for.
    pub fn paging(&self) -> Result<Paging> {
        let mut broken = Violations::default();
        let page = broken.take(self.parsed("page", "a whole number from 1"));
        let per_page = broken.take(self.parsed("per_page", "a whole number from 1 to 100"));
        broken.finish()?;
        Paging::parse(page.flatten(), per_page.flatten())
    }
}
