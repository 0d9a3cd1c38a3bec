//! YAML with `CloudFormation`'s short intrinsic tags to JSON, and resolution of the intrinsics.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Turns YAML into JSON, writing short tags in their long form (`!Ref X` → `{"Ref": "X"}`).
pub(super) fn to_json(yaml: serde_norway::Value) -> Result<Value, String> {
    use serde_norway::Value as Yaml;
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => serde_json::to_value(number).map_err(|e| e.to_string())?,
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => {
            Value::Array(items.into_iter().map(to_json).collect::<Result<_, _>>()?)
        }
        Yaml::Mapping(mapping) => {
            let mut map = Map::new();
            for (key, value) in mapping {
                map.insert(key_text(key)?, to_json(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            let name = tag.trim_start_matches('!').to_owned();
            let value = to_json(tagged.value)?;
            long_form(&name, &value)
        }
    })
}

/// YAML reads an unquoted `2012-10-17` key or `200` as something other than text.
fn key_text(key: serde_norway::Value) -> Result<String, String> {
    match to_json(key)? {
        Value::String(text) => Ok(text),
        other @ (Value::Number(_) | Value::Bool(_)) => Ok(other.to_string()),
        _ => Err("a mapping key is not text".to_owned()),
    }
}

fn long_form(name: &str, value: &Value) -> Value {
    match (name, value) {
        ("Ref" | "Condition", _) => json!({ name: value }),
        ("GetAtt", Value::String(dotted)) => {
            let (resource, attribute) = dotted.split_once('.').unwrap_or((dotted, ""));
            json!({ "Fn::GetAtt": [resource, attribute] })
        }
        _ => json!({ format!("Fn::{name}"): value }),
    }
}

/// The values references resolve to: parameters, pseudo parameters and the local resources.
#[derive(Debug, Default)]
pub(crate) struct Resolver {
    /// What `Ref NAME` gives.
    pub(super) refs: BTreeMap<String, Value>,
    /// What `Fn::GetAtt [RESOURCE, ATTRIBUTE]` gives.
    pub(super) attributes: BTreeMap<(String, String), Value>,
    /// What the secret of an ARN is.
    pub(super) secrets: BTreeMap<String, String>,
}

impl Resolver {
    /// Replaces every intrinsic in `value`, naming the one that can't be honoured.
    pub(super) fn resolve(&self, value: &Value) -> Result<Value, String> {
        match value {
            Value::Object(map) => {
                if let Some((name, argument)) = intrinsic(map) {
                    return self.evaluate(name, argument);
                }
                let mut resolved = Map::new();
                for (key, value) in map {
                    resolved.insert(key.clone(), self.resolve(value)?);
                }
                Ok(Value::Object(resolved))
            }
            Value::Array(items) => Ok(Value::Array(
                items
                    .iter()
                    .map(|item| self.resolve(item))
                    .collect::<Result<_, _>>()?,
            )),
            plain => Ok(plain.clone()),
        }
    }

    fn evaluate(&self, name: &str, argument: &Value) -> Result<Value, String> {
        match name {
            "Ref" => {
                let target = argument.as_str().ok_or("Ref needs a name")?;
                self.reference(target)
            }
            "Fn::GetAtt" => match argument.as_array().map(Vec::as_slice) {
                Some([Value::String(resource), Value::String(attribute)]) => {
                    self.attribute(resource, attribute)
                }
                _ => Err("Fn::GetAtt needs a resource and an attribute".to_owned()),
            },
            "Fn::Sub" => self.substitute(argument),
            "Fn::Join" => self.join(argument),
            other => Err(format!(
                "the local host does not support the intrinsic {other}"
            )),
        }
    }

    fn reference(&self, target: &str) -> Result<Value, String> {
        self.refs
            .get(target)
            .cloned()
            .ok_or_else(|| format!("{target} has no value on the local host"))
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<Value, String> {
        self.attributes
            .get(&(resource.to_owned(), attribute.to_owned()))
            .cloned()
            .ok_or_else(|| format!("{resource}.{attribute} has no value on the local host"))
    }

    fn substitute(&self, argument: &Value) -> Result<Value, String> {
        let (template, local) = match argument {
            Value::String(template) => (template.as_str(), Map::new()),
            Value::Array(pair) => match pair.as_slice() {
                [Value::String(template), Value::Object(local)] => {
                    (template.as_str(), local.clone())
                }
                _ => return Err("Fn::Sub needs text and a map".to_owned()),
            },
            _ => return Err("Fn::Sub needs text".to_owned()),
        };
        let mut text = String::new();
        let mut rest = template;
        while let Some(start) = rest.find("${") {
            text.push_str(&rest[..start]);
            let tail = &rest[start + 2..];
            let end = tail.find('}').ok_or("Fn::Sub has a ${ without }")?;
            let name = &tail[..end];
            if let Some(literal) = name.strip_prefix('!') {
                text.extend(["${", literal, "}"]);
            } else {
                text.push_str(&plain_text(&self.variable(name, &local)?)?);
            }
            rest = &tail[end + 1..];
        }
        text.push_str(rest);
        self.reveal(&text).map(Value::String)
    }

    /// Puts secrets in the place of `{{resolve:secretsmanager:ARN}}`. Only whole secrets are known here, not members of
    /// their JSON.
    fn reveal(&self, text: &str) -> Result<String, String> {
        let mut revealed = String::new();
        let mut rest = text;
        while let Some((before, reference)) = rest.split_once("{{resolve:") {
            let (reference, after) = reference
                .split_once("}}")
                .ok_or("a {{resolve: without }}")?;
            let secret = reference.strip_prefix("secretsmanager:");
            let secret = secret.and_then(|arn| self.secrets.get(arn));
            revealed.push_str(before);
            revealed.push_str(secret.ok_or_else(|| {
                format!("{{{{resolve:{reference}}}}} has no value on the local host")
            })?);
            rest = after;
        }
        revealed.push_str(rest);
        Ok(revealed)
    }

    fn variable(&self, name: &str, local: &Map<String, Value>) -> Result<Value, String> {
        if let Some(value) = local.get(name) {
            return self.resolve(value);
        }
        match name.split_once('.') {
            Some((resource, attribute)) => self.attribute(resource, attribute),
            None => self.reference(name),
        }
    }

    fn join(&self, argument: &Value) -> Result<Value, String> {
        let Some([Value::String(separator), items]) = argument.as_array().map(Vec::as_slice) else {
            return Err("Fn::Join needs a separator and a list".to_owned());
        };
        let items = self.resolve(items)?;
        let items = items.as_array().ok_or("Fn::Join needs a list")?;
        let texts = items
            .iter()
            .map(plain_text)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Value::String(texts.join(separator)))
    }
}

/// The name and argument when `map` is an intrinsic function in its long form.
fn intrinsic(map: &Map<String, Value>) -> Option<(&str, &Value)> {
    let (key, argument) = map.iter().next().filter(|_| map.len() == 1)?;
    (key == "Ref" || key.starts_with("Fn::")).then_some((key.as_str(), argument))
}

/// Text, or a number or flag written as text.
pub(super) fn plain_text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
        _ => Err("text was expected".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolver() -> Resolver {
        let mut resolver = Resolver::default();
        resolver.refs.insert("Name".to_owned(), json!("shop"));
        resolver
            .attributes
            .insert(("Queue".to_owned(), "Arn".to_owned()), json!("arn:q"));
        resolver
    }

    fn resolved(yaml: &str) -> Result<Value, String> {
        resolver().resolve(&to_json(serde_norway::from_str(yaml).unwrap()).unwrap())
    }

    #[test]
    fn short_and_long_forms_resolve_alike() {
        assert_eq!(resolved("a: !Ref Name").unwrap(), json!({"a": "shop"}));
        assert_eq!(resolved("a: {Ref: Name}").unwrap(), json!({"a": "shop"}));
        assert_eq!(
            resolved("a: !GetAtt Queue.Arn").unwrap(),
            json!({"a": "arn:q"})
        );
        assert_eq!(
            resolved("a: !Sub 'x-${Name}-${Queue.Arn}-${!Literal}'").unwrap(),
            json!({"a": "x-shop-arn:q-${Literal}"})
        );
        assert_eq!(
            resolved("a: !Join ['/', [b, !Ref Name]]").unwrap(),
            json!({"a": "b/shop"})
        );
    }

    #[test]
    fn a_secret_takes_the_place_of_its_dynamic_reference() {
        let mut resolver = resolver();
        let arn = "arn:aws:secretsmanager:r:a:secret:Key";
        resolver.refs.insert("Key".to_owned(), json!(arn));
        resolver.secrets.insert(arn.to_owned(), "sk_1".to_owned());
        let filled = |text: &str| resolver.resolve(&json!({ "Fn::Sub": text }));
        assert_eq!(
            filled("a {{resolve:secretsmanager:${Key}}} b").unwrap(),
            json!("a sk_1 b")
        );
        for unknown in ["{{resolve:ssm:name}}", "{{resolve:secretsmanager:${Key}"] {
            assert!(filled(unknown).unwrap_err().contains("resolve"));
        }
    }

    #[test]
    fn what_has_no_local_value_is_named() {
        assert!(resolved("a: !Ref Missing").unwrap_err().contains("Missing"));
        assert!(
            resolved("a: !ImportValue other")
                .unwrap_err()
                .contains("Fn::ImportValue")
        );
    }
}
