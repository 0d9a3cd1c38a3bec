//! Reading a mapping of the template so that nothing in it goes unnoticed: every key is either
//! taken, listed as having a meaning only in a deployment, or refused by name.

use std::cell::RefCell;

use serde_json::{Map, Value};

use super::intrinsics::{Resolver, plain_text};

/// The state of one reading: how references resolve and what was refused so far.
pub(super) struct Reading<'a> {
    pub(super) resolver: &'a Resolver,
    refusals: RefCell<Vec<String>>,
}

impl<'a> Reading<'a> {
    pub(super) fn new(resolver: &'a Resolver) -> Self {
        Self {
            resolver,
            refusals: RefCell::default(),
        }
    }

    /// Notes something the local host can't honour.
    pub(super) fn refuse(&self, path: &str, reason: &str) {
        self.refusals.borrow_mut().push(format!("{path}: {reason}"));
    }

    /// Everything refused, in the template's order.
    pub(super) fn into_refusals(self) -> Vec<String> {
        self.refusals.into_inner()
    }

    /// The mapping `value` at `path`; anything else is refused and reads as empty.
    pub(super) fn section<'r>(&'r self, path: String, value: Value) -> Section<'r, 'a> {
        let map = match value {
            Value::Object(map) => map,
            Value::Null => Map::new(),
            _ => {
                self.refuse(&path, "a mapping was expected");
                Map::new()
            }
        };
        Section {
            reading: self,
            path,
            map,
        }
    }
}

/// One mapping, from which keys are taken until [`Section::finish`] refuses the rest.
pub(super) struct Section<'r, 'a> {
    pub(super) reading: &'r Reading<'a>,
    pub(super) path: String,
    map: Map<String, Value>,
}

impl<'r, 'a> Section<'r, 'a> {
    fn path_of(&self, key: &str) -> String {
        format!("{}.{key}", self.path)
    }

    pub(super) fn refuse(&self, key: &str, reason: &str) {
        self.reading.refuse(&self.path_of(key), reason);
    }

    /// Takes a value as it stands, references unresolved.
    pub(super) fn raw(&mut self, key: &str) -> Option<Value> {
        self.map.remove(key)
    }

    /// Takes a value and resolves its references.
    pub(super) fn value(&mut self, key: &str) -> Option<Value> {
        let raw = self.map.remove(key)?;
        match self.reading.resolver.resolve(&raw) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.refuse(key, &reason);
                None
            }
        }
    }

    fn parsed<T>(
        &mut self,
        key: &str,
        expected: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let parsed = parse(&value);
        if parsed.is_none() {
            self.refuse(key, &format!("{expected} was expected"));
        }
        parsed
    }

    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        self.parsed(key, "text", |value| plain_text(value).ok())
    }

    pub(super) fn number(&mut self, key: &str) -> Option<u64> {
        self.parsed(key, "a whole number", |value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_u64(),
        })
    }

    pub(super) fn flag(&mut self, key: &str) -> Option<bool> {
        self.parsed(key, "true or false", |value| match value {
            Value::String(text) => text.parse().ok(),
            other => other.as_bool(),
        })
    }

    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        self.parsed(key, "a list of texts", |value| {
            value
                .as_array()?
                .iter()
                .map(|item| plain_text(item).ok())
                .collect()
        })
        .unwrap_or_default()
    }

    /// Takes a nested mapping.
    pub(super) fn section(&mut self, key: &str) -> Option<Section<'r, 'a>> {
        let raw = self.map.remove(key)?;
        Some(self.reading.section(self.path_of(key), raw))
    }

    /// Takes a list of mappings.
    pub(super) fn sections(&mut self, key: &str) -> Vec<Section<'r, 'a>> {
        let path = self.path_of(key);
        let items = match self.map.remove(key) {
            Some(Value::Array(items)) => items,
            None => Vec::new(),
            Some(_) => {
                self.refuse(key, "a list was expected");
                Vec::new()
            }
        };
        items
            .into_iter()
            .enumerate()
            .map(|(index, item)| self.reading.section(format!("{path}.{index}"), item))
            .collect()
    }

    /// The keys not yet taken.
    pub(super) fn keys(&self) -> Vec<String> {
        self.map.keys().cloned().collect()
    }

    /// Refuses every key that was not taken and has a meaning outside a deployment.
    pub(super) fn finish(self, deployment_only: &[&str]) {
        for key in self.map.keys() {
            if !deployment_only.contains(&key.as_str()) {
                self.refuse(key, "the local host does not support this property");
            }
        }
    }
}
