//! Bodies of one JSON value a line (NDJSON).

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use bothways_domain::{
    Error,
    import::{ImportLine, MAX_LINES},
};

use super::body;
use crate::{Problem, header};

/// An NDJSON body of at most [`MAX_LINES`] lines, blank ones not counted.
#[derive(Debug)]
pub struct Lines(Bytes);

impl<S: Send + Sync> FromRequest<S> for Lines {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let lines = Self(body::read(request, header::NDJSON).await?);
        if lines.numbered().take(MAX_LINES + 1).count() > MAX_LINES {
            let detail = format!("an import has at most {MAX_LINES} lines");
            return Err(Error::invalid("", detail).into());
        }
        Ok(lines)
    }
}

impl Lines {
    /// The lines that are not blank, with their numbers, which count blank ones, too.
    fn numbered(&self) -> impl Iterator<Item = (u32, &[u8])> {
        let lines = self.0.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        (1..).zip(lines).filter(|(_, line)| !line.is_empty())
    }

    /// Each line made into something, or into what is wrong with it.
    pub fn parse<T>(&self, parse: impl Fn(&[u8]) -> Result<T, Error>) -> Vec<ImportLine<T>> {
        let line = |(line, bytes)| ImportLine {
            line,
            value: parse(bytes).map_err(|error| describe(&error)),
        };
        self.numbered().map(line).collect()
    }
}

/// What is wrong with a line, in one line.
fn describe(error: &Error) -> String {
    let Error::Validation(errors) = error else {
        return error.to_string();
    };
    let each: Vec<_> = errors
        .iter()
        .map(|error| match error.pointer.as_str() {
            "" => error.detail.clone(),
            pointer => format!("{pointer}: {}", error.detail),
        })
        .collect();
    each.join("; ")
}
