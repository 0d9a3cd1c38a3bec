//! Conditions of the template, and what depends on them: resources, and values chosen by `Fn::If`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::intrinsics::{Resolver, plain_text};

/// The declared conditions, and what they came to.
pub(super) struct Conditions<'a> {
    declared: Map<String, Value>,
    resolver: &'a Resolver,
    known: BTreeMap<String, bool>,
}

impl<'a> Conditions<'a> {
    /// The section `Conditions`; parameters have their values in `resolver`. The errors name what can't be decided.
    pub(super) fn read(
        declared: Map<String, Value>,
        resolver: &'a Resolver,
    ) -> Result<Self, Vec<String>> {
        let mut conditions = Self {
            declared,
            resolver,
            known: BTreeMap::new(),
        };
        let names: Vec<String> = conditions.declared.keys().cloned().collect();
        let mut problems = Vec::new();
        for name in names {
            if let Err(problem) = conditions.decide(&name, 0) {
                problems.push(format!("Conditions.{name}: {problem}"));
            }
        }
        if problems.is_empty() {
            Ok(conditions)
        } else {
            Err(problems)
        }
    }

    fn decide(&mut self, name: &str, depth: usize) -> Result<bool, String> {
        if let Some(known) = self.known.get(name) {
            return Ok(*known);
        }
        let declared = self.declared.get(name).cloned();
        let declared = declared.ok_or_else(|| format!("there is no condition {name}"))?;
        let holds = self.evaluate(&declared, depth)?;
        self.known.insert(name.to_owned(), holds);
        Ok(holds)
    }

    fn evaluate(&mut self, condition: &Value, depth: usize) -> Result<bool, String> {
        // Conditions that refer to one another in a circle.
        if depth > 32 {
            return Err("conditions are nested too deeply".to_owned());
        }
        let single = condition.as_object().filter(|map| map.len() == 1);
        let (function, argument) = single
            .and_then(|map| map.iter().next())
            .ok_or("a condition function was expected")?;
        let list = || argument.as_array().cloned().unwrap_or_default();
        match function.as_str() {
            "Condition" => {
                let name = argument.as_str().ok_or("Condition needs a name")?;
                self.decide(name, depth + 1)
            }
            "Fn::Equals" => match list().as_slice() {
                [one, other] => Ok(self.text(one)? == self.text(other)?),
                _ => Err("Fn::Equals needs two values".to_owned()),
            },
            "Fn::Not" => match list().as_slice() {
                [negated] => Ok(!self.evaluate(negated, depth + 1)?),
                _ => Err("Fn::Not needs one condition".to_owned()),
            },
            "Fn::And" | "Fn::Or" => {
                let all = list()
                    .iter()
                    .map(|part| self.evaluate(part, depth + 1))
                    .collect::<Result<Vec<_>, _>>()?;
                Ok(if function == "Fn::And" {
                    all.iter().all(|holds| *holds)
                } else {
                    all.iter().any(|holds| *holds)
                })
            }
            other => Err(format!(
                "the local host does not support the condition {other}"
            )),
        }
    }

    fn text(&self, value: &Value) -> Result<String, String> {
        plain_text(&self.resolver.resolve(value)?)
    }

    /// Whether a resource is there: its `Condition`, which is taken from it, holds or it has none.
    pub(super) fn keep(&self, resource: &mut Value) -> Result<bool, String> {
        let condition = resource
            .as_object_mut()
            .and_then(|resource| resource.remove("Condition"));
        match condition {
            None => Ok(true),
            Some(name) => self.holds(name.as_str().unwrap_or_default()),
        }
    }

    fn holds(&self, name: &str) -> Result<bool, String> {
        let known = self.known.get(name).copied();
        known.ok_or_else(|| format!("there is no condition {name}"))
    }

    /// Replaces each `Fn::If` by what it chooses; `None` when that is `AWS::NoValue`, which removes what it is the
    /// value of.
    pub(super) fn choose(&self, value: Value) -> Result<Option<Value>, String> {
        match value {
            Value::Object(mut map) => {
                if map.len() == 1 {
                    if let Some(choice) = map.remove("Fn::If") {
                        return self.chosen(choice);
                    }
                    if map.get("Ref").is_some_and(|name| name == "AWS::NoValue") {
                        return Ok(None);
                    }
                }
                let mut chosen = Map::new();
                for (key, value) in map {
                    if let Some(value) = self.choose(value)? {
                        chosen.insert(key, value);
                    }
                }
                Ok(Some(Value::Object(chosen)))
            }
            Value::Array(items) => {
                let items = items.into_iter().map(|item| self.choose(item));
                let items: Vec<Option<Value>> = items.collect::<Result<_, _>>()?;
                Ok(Some(Value::Array(items.into_iter().flatten().collect())))
            }
            plain => Ok(Some(plain)),
        }
    }

    fn chosen(&self, choice: Value) -> Result<Option<Value>, String> {
        let parts = match choice {
            Value::Array(parts) => <[Value; 3]>::try_from(parts).ok(),
            _ => None,
        };
        let Some([condition, then, otherwise]) = parts else {
            return Err("Fn::If needs a condition and two values".to_owned());
        };
        let holds = self.holds(condition.as_str().unwrap_or_default())?;
        self.choose(if holds { then } else { otherwise })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::intrinsics::to_json;
    use super::*;

    fn object(yaml: &str) -> Map<String, Value> {
        let yaml = serde_norway::from_str(yaml).unwrap();
        to_json(yaml).unwrap().as_object().unwrap().clone()
    }

    fn resolver() -> Resolver {
        let mut resolver = Resolver::default();
        for (name, value) in [("Url", ""), ("Least", "0")] {
            resolver.refs.insert(name.to_owned(), json!(value));
        }
        resolver
    }

    const DECLARED: &str = "
Proxied: !And [!Condition Own, !Not [!Equals [!Ref Least, '0']]]
Own: !Equals [!Ref Url, '']
Either: !Or [!Condition Proxied, !Condition Own]
";

    #[test]
    fn conditions_are_decided_whatever_their_order() {
        let resolver = resolver();
        let conditions = Conditions::read(object(DECLARED), &resolver).ok().unwrap();
        assert!(conditions.holds("Own").unwrap());
        assert!(!conditions.holds("Proxied").unwrap());
        assert!(conditions.holds("Either").unwrap());
        assert!(conditions.holds("Nobody").is_err());
    }

    #[test]
    fn what_is_chosen_takes_the_place_of_the_choice() {
        let resolver = resolver();
        let conditions = Conditions::read(object(DECLARED), &resolver).ok().unwrap();
        let value = object(
            "
a: !If [Own, !If [Proxied, x, y], z]
b: !If [Proxied, 1, !Ref AWS::NoValue]
c: [!If [Proxied, 1, !Ref AWS::NoValue], 2]
",
        );
        let chosen = conditions.choose(Value::Object(value)).unwrap();
        assert_eq!(chosen, Some(json!({"a": "y", "c": [2]})));
    }

    #[test]
    fn what_cannot_be_decided_is_named() {
        let resolver = resolver();
        for (declared, named) in [
            ("A: !Condition B", "B"),
            ("A: !Condition A", "too deeply"),
            ("A: !Equals [!Ref Missing, '']", "Missing"),
            ("A: !Contains [[a], b]", "Fn::Contains"),
        ] {
            let problems = Conditions::read(object(declared), &resolver).err().unwrap();
            assert!(problems[0].contains(named), "{declared}: {problems:?}");
        }
    }
}
