//! JSON bodies.

use axum::extract::{FromRequest, Request};
use bothways_domain::Error;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_path_to_error::{Path, Segment};

use super::body;
use crate::{Problem, header};

/// A body that is a JSON object of this shape. What is no JSON is malformed; another shape is a broken rule at a
/// place that is named.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = body::read(request, header::JSON).await?;
        Ok(Self(parse(&body)?))
    }
}

/// Reads one JSON object.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    let malformed = |detail: String| Error::MalformedRequest(detail);
    let text =
        std::str::from_utf8(bytes).map_err(|_| malformed("JSON is written in UTF-8".to_owned()))?;
    // Looked at whole before anything is made of it, so that torn JSON is never taken for a broken rule.
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| malformed(format!("no JSON: {error}")))?;
    // Arrays would pass for objects otherwise, their elements for members in the order of declaration.
    if !text.trim_start().starts_with('{') {
        return Err(Error::invalid("", "a JSON object is expected"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let said = error.inner().to_string();
        Error::invalid(pointer(error.path(), &said), without_position(&said))
    })
}

/// The JSON pointer (RFC 6901) to where reading stopped. A missing member has no place of its own, so its name is
/// taken from what is said of it.
fn pointer(path: &Path, said: &str) -> String {
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => key.replace('~', "~0").replace('/', "~1"),
            Segment::Enum { .. } | Segment::Unknown => continue,
        };
        pointer.push('/');
        pointer.push_str(&step);
    }
    if let Some(name) = said
        .strip_prefix("missing field `")
        .and_then(|rest| rest.split('`').next())
    {
        pointer.push('/');
        pointer.push_str(name);
    }
    pointer
}

/// A line and column mean nothing to whoever reads a pointer.
fn without_position(said: &str) -> &str {
    said.rfind(" at line ").map_or(said, |end| &said[..end])
}

#[cfg(test)]
mod tests {
    use bothways_domain::{FieldError, product::ProductDraft};

    use super::*;

    const DRAFT: &str = r#""brand":null,"category":[],"description":"""#;

    fn refused(body: &str) -> FieldError {
        match parse::<ProductDraft>(body.as_bytes()) {
            Err(Error::Validation(mut errors)) if errors.len() == 1 => errors.remove(0),
            other => panic!("{body}: {other:?}"),
        }
    }

    #[test]
    fn another_shape_is_named_where_it_is() {
        let price = r#""price":{"amount":1,"currency":"USD"}"#;
        let cases = [
            ("[]", ""),
            ("null", ""),
            (r#"["a"]"#, ""),
            ("{}", "/name"),
            (&format!(r#"{{"name":1,{DRAFT},{price}}}"#), "/name"),
            (&format!(r#"{{"nam/e~":1,{DRAFT},{price}}}"#), "/nam~1e~0"),
            (
                &format!(r#"{{"name":"a",{DRAFT},"price":{{"amount":1.5,"currency":"USD"}}}}"#),
                "/price/amount",
            ),
            (
                &format!(r#"{{"name":"a",{DRAFT},"price":{{"amount":1,"currency":"usd"}}}}"#),
                "/price/currency",
            ),
            (
                &format!(r#"{{"name":"a",{DRAFT},"price":{{"amount":1,"currency":"USD","x":1}}}}"#),
                "/price/x",
            ),
            (
                r#"{"name":"a","brand":null,"category":["b",2],"description":""}"#,
                "/category/1",
            ),
            (
                &format!(r#"{{"name":"a",{DRAFT},{price},"rating":7}}"#),
                "/rating",
            ),
        ];
        for (body, pointer) in cases {
            let error = refused(body);
            assert_eq!(error.pointer, pointer, "{body}: {}", error.detail);
            assert!(!error.detail.contains("line"), "{}", error.detail);
        }
    }

    #[test]
    fn what_is_no_json_is_malformed_whatever_else_is_wrong_with_it() {
        for body in [
            "",
            "{",
            r#"{"a":}"#,
            "{} {}",
            "nonsense",
            "{\"a\":\"\u{1}\"}",
        ] {
            let refused = parse::<ProductDraft>(body.as_bytes());
            assert!(matches!(refused, Err(Error::MalformedRequest(_))), "{body}");
        }
        let refused = parse::<ProductDraft>(b"{\"name\":\"\xff\"}");
        assert!(matches!(refused, Err(Error::MalformedRequest(_))));
    }
}
