//! Parameters as Stripe takes them: form-encoded, with brackets for what is nested (`metadata[order_id]=…`).

use std::collections::BTreeMap;

use crate::error::StripeError;

/// Stripe's limits on metadata: keys, characters of a key, characters of a value.
const METADATA: (usize, usize, usize) = (50, 40, 500);

/// The parameters of one request; each is taken out once, and what is left over is refused.
#[derive(Debug)]
pub(crate) struct Params {
    entries: Vec<(String, String)>,
    canonical: String,
}

impl Params {
    /// Reads a query or a form body.
    pub(crate) fn parse(encoded: &[u8]) -> Result<Self, StripeError> {
        let malformed =
            |_| StripeError::invalid("Invalid request: the parameters are not form-encoded.");
        let entries: Vec<(String, String)> =
            serde_urlencoded::from_bytes(encoded).map_err(malformed)?;
        let mut sorted = entries.clone();
        sorted.sort();
        let canonical = serde_urlencoded::to_string(sorted)
            .map_err(|_| StripeError::invalid("Invalid request."))?;
        Ok(Self { entries, canonical })
    }

    /// The same text for the same parameters, in whatever order they came.
    pub(crate) fn canonical(&self) -> &str {
        &self.canonical
    }

    /// Takes a text. Errors: it is there but empty, or there twice.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, StripeError> {
        let (mut found, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut self.entries)
            .into_iter()
            .partition(|(key, _)| key == name);
        self.entries = rest;
        if found.len() > 1 {
            let message = format!("{name} was given more than once.");
            return Err(StripeError::parameter("parameter_invalid", name, message));
        }
        match found.pop() {
            Some((_, value)) if value.is_empty() => Err(StripeError::parameter(
                "parameter_invalid_empty",
                name,
                format!(
                    "You passed an empty string for '{name}'. We assume empty values are an attempt to unset a \
                     parameter; however '{name}' cannot be unset. You should remove '{name}' from your request or \
                     supply a non-empty value."
                ),
            )),
            found => Ok(found.map(|(_, value)| value)),
        }
    }

    /// Takes a text that has to be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, StripeError> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    /// Takes a whole number from 1 to `largest`.
    pub(crate) fn integer(&mut self, name: &str, largest: i64) -> Result<Option<i64>, StripeError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let invalid = |message| StripeError::parameter("parameter_invalid_integer", name, message);
        let number: i64 = text
            .parse()
            .map_err(|_| invalid(format!("Invalid integer: {text}")))?;
        match number {
            ..1 => Err(invalid(
                "This value must be greater than or equal to 1.".to_owned(),
            )),
            _ if number > largest => Err(invalid(format!(
                "This value must be less than or equal to {largest} (it currently is '{number}')."
            ))),
            _ => Ok(Some(number)),
        }
    }

    /// Takes one of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, StripeError> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let chosen = choices.iter().find(|(word, _)| *word == text);
        chosen.map(|(_, choice)| Some(*choice)).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            let message = format!("Invalid {name}: must be one of {}", words.join(", or "));
            StripeError::invalid(message).for_param(name)
        })
    }

    /// Takes `metadata[…]`; an empty value leaves its key out, as Stripe documents.
    pub(crate) fn metadata(&mut self) -> Result<BTreeMap<String, String>, StripeError> {
        let invalid = |message: String| Err(StripeError::invalid(message).for_param("metadata"));
        let mut metadata = BTreeMap::new();
        let mut rest = Vec::new();
        for (name, value) in std::mem::take(&mut self.entries) {
            let key = name
                .strip_prefix("metadata[")
                .and_then(|key| key.strip_suffix(']'))
                .filter(|key| !key.is_empty() && !key.contains(['[', ']']));
            match key {
                None => rest.push((name, value)),
                Some(_) if value.is_empty() => {}
                Some(key) => {
                    metadata.insert(key.to_owned(), value);
                }
            }
        }
        self.entries = rest;
        if metadata.len() > METADATA.0 {
            return invalid(format!(
                "You can only have up to {} metadata keys.",
                METADATA.0
            ));
        }
        if let Some(key) = metadata.keys().find(|key| key.chars().count() > METADATA.1) {
            return invalid(format!(
                "Metadata keys have up to {} characters: {key}",
                METADATA.1
            ));
        }
        if metadata
            .values()
            .any(|value| value.chars().count() > METADATA.2)
        {
            return invalid(format!(
                "Metadata values have up to {} characters.",
                METADATA.2
            ));
        }
        Ok(metadata)
    }

    /// Ends the reading. Errors: a parameter nobody took.
    pub(crate) fn finish(self) -> Result<(), StripeError> {
        match self.entries.into_iter().next() {
            None => Ok(()),
            Some((name, _)) => {
                let message = format!("Received unknown parameter: {name}");
                Err(StripeError::parameter("parameter_unknown", name, message))
            }
        }
    }
}

/// A parameter that has to be there isn't.
pub(crate) fn missing(name: &str) -> StripeError {
    let message = format!("Missing required param: {name}.");
    StripeError::parameter("parameter_missing", name, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(text: &str) -> Params {
        Params::parse(text.as_bytes()).expect("form-encoded")
    }

    #[test]
    fn order_does_not_change_the_canonical_text() {
        let one = params("amount=5&metadata%5Ba%5D=x");
        let other = params("metadata[a]=x&amount=5");
        assert_eq!(one.canonical(), other.canonical());
        assert_ne!(one.canonical(), params("amount=5").canonical());
    }

    #[test]
    fn brackets_that_make_no_key_stay_unknown() {
        for text in [
            "metadata=x",
            "metadata[]=x",
            "metadata[a][b]=x",
            "metadata[a=x",
        ] {
            let mut params = params(text);
            assert!(params.metadata().expect("valid").is_empty(), "{text}");
            assert!(params.finish().is_err(), "{text}");
        }
    }
}
