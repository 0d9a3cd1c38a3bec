//! JSON bodies.

use axum::extract::{FromRequest, Request};
use bothways_domain::Error;
use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};
use serde_json::Value;
use serde_path_to_error::{Path, Segment};

use super::body;
use crate::{Problem, header};

/// A body that is a JSON object of this shape. What is no JSON is malformed; another shape is a broken rule at a
/// place that is named.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Serialize, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let body = body::read(request, header::JSON).await?;
        Ok(Self(parse(&body)?))
    }
}

/// Reads one JSON object.
pub(crate) fn parse<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T, Error> {
    let malformed = |detail: String| Error::MalformedRequest(detail);
    let text =
        std::str::from_utf8(bytes).map_err(|_| malformed("JSON is written in UTF-8".to_owned()))?;
    // Looked at whole before anything is made of it, so that torn JSON is never taken for a broken rule.
    serde_json::from_str::<IgnoredAny>(text)
        .map_err(|error| malformed(format!("no JSON: {error}")))?;
    if !text.trim_start().starts_with('{') {
        return Err(Error::invalid("", "a JSON object is expected"));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let said = error.inner().to_string();
        Error::invalid(pointer(error.path(), &said), without_position(&said))
    })?;
    if text.contains('[') {
        refuse_arrays_for_objects(text, &value)?;
    }
    Ok(value)
}

/// Serde takes an array for an object, its elements for members in the order of declaration; the contract doesn't.
/// What was read, written again, shows where that happened.
fn refuse_arrays_for_objects<T: Serialize>(text: &str, read: &T) -> Result<(), Error> {
    let given: Value = serde_json::from_str(text).map_err(Error::internal)?;
    let read = serde_json::to_value(read).map_err(Error::internal)?;
    match misplaced_array(&given, &read) {
        Some(pointer) => Err(Error::invalid(pointer, "a JSON object is expected")),
        None => Ok(()),
    }
}

/// The pointer to an array in `given` that became an object in `read`.
fn misplaced_array(given: &Value, read: &Value) -> Option<String> {
    let below = |step: String, given, read| {
        misplaced_array(given, read).map(|pointer| format!("/{step}{pointer}"))
    };
    match (given, read) {
        (Value::Array(_), Value::Object(_)) => Some(String::new()),
        (Value::Array(given), Value::Array(read)) => {
            let mut pairs = given.iter().zip(read).enumerate();
            pairs.find_map(|(index, (given, read))| below(index.to_string(), given, read))
        }
        (Value::Object(given), Value::Object(read)) => given
            .iter()
            .find_map(|(name, given)| below(escape(name), given, read.get(name)?)),
        _ => None,
    }
}

/// A member's name as a step of a JSON pointer.
fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

/// The JSON pointer (RFC 6901) to where reading stopped. A missing member has no place of its own, so its name is
/// taken from what is said of it.
fn pointer(path: &Path, said: &str) -> String {
    let mut pointer = String::new();
    for segment in path {
        let step = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => escape(key),
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
                &format!(r#"{{"name":"a",{DRAFT},"price":[1,"USD"]}}"#),
                "/price",
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
