//! A readable page of the `OpenAPI` document: plain HTML, without scripts.

use std::fmt::Write as _;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};
use utoipa::openapi::OpenApi;

const STYLE: &str = include_str!("docs.css");
const METHODS: [&str; 4] = ["get", "put", "post", "delete"];

/// The page, and the Content-Security-Policy that lets its one style sheet through and nothing else.
pub(crate) struct Page {
    pub(crate) html: String,
    pub(crate) policy: String,
}

impl Page {
    /// The page of `document`.
    pub(crate) fn of(document: &OpenApi) -> Self {
        let document = serde_json::to_value(document).unwrap_or_default();
        let hash = BASE64_STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
        Self {
            html: page(&document),
            policy: format!(
                "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; \
                 frame-ancestors 'none'"
            ),
        }
    }
}

/// Text that can't become markup.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}

fn members(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn elements(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn page(document: &Value) -> String {
    let info = &document["info"];
    let (title, version) = (escape(text(info, "title")), escape(text(info, "version")));
    let description = escape(text(info, "description"));
    let sections: String = elements(&document["tags"])
        .map(|tag| section(document, tag))
        .collect();
    let mut parts = String::new();
    for name in elements(&document["tags"]).map(|tag| escape(text(tag, "name"))) {
        let _ = write!(parts, "<li><a href=\"#part-{name}\">{name}</a></li>");
    }
    let schemas: String = members(&document["components"]["schemas"])
        .map(|(name, schema)| described_schema(name, schema))
        .collect();
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title} API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><style>{STYLE}</style></head>\
         <body><header><h1>{title} API <small>{version}</small></h1><p>{description}</p>\
         <p><a href=\"/api/openapi.json\">The OpenAPI document</a> · <a href=\"/\">The shop</a></p>\
         <nav aria-label=\"Parts\"><ul>{parts}<li><a href=\"#schemas\">schemas</a></li></ul></nav></header>\
         <main>{sections}<h2 id=\"schemas\">Schemas</h2>{schemas}</main></body></html>"
    )
}

/// The operations of a tag.
fn section(document: &Value, tag: &Value) -> String {
    let name = text(tag, "name");
    let (id, title) = (escape(name), escape(text(tag, "description")));
    let mut html = format!("<h2 id=\"part-{id}\">{title}</h2>");
    for (path, item) in members(&document["paths"]) {
        for method in METHODS {
            let operation = &item[method];
            if elements(&operation["tags"]).any(|tag| tag == name) {
                html.push_str(&described_operation(method, path, operation));
            }
        }
    }
    html
}

fn described_operation(method: &str, path: &str, operation: &Value) -> String {
    let mut html = format!("<article><h3><b>{method}</b> {}</h3>", escape(path));
    for member in ["summary", "description"] {
        let said = text(operation, member);
        if !said.is_empty() {
            let _ = write!(html, "<p>{}</p>", escape(said));
        }
    }
    html.push_str("<table>");
    for parameter in elements(&operation["parameters"]) {
        let (name, place) = (text(parameter, "name"), text(parameter, "in"));
        let (kind, said) = (
            schema_name(&parameter["schema"]),
            text(parameter, "description"),
        );
        row(&mut html, &format!("{place} {name}"), &kind, said);
    }
    let body = &operation["requestBody"];
    for (media_type, content) in members(&body["content"]) {
        let said = text(body, "description");
        row(
            &mut html,
            media_type,
            &schema_name(&content["schema"]),
            said,
        );
    }
    for (status, response) in members(&operation["responses"]) {
        let content = members(&response["content"]).next();
        let kind = content.map_or_else(String::new, |(_, content)| schema_name(&content["schema"]));
        row(&mut html, status, &kind, text(response, "description"));
    }
    html + "</table></article>"
}

fn row(html: &mut String, name: &str, kind: &str, said: &str) {
    let (name, kind, said) = (escape(name), escape(kind), escape(said));
    let _ = write!(
        html,
        "<tr><td><code>{name}</code></td><td><code>{kind}</code></td><td>{said}</td></tr>"
    );
}

fn described_schema(name: &str, schema: &Value) -> String {
    let (id, said) = (escape(name), escape(text(schema, "description")));
    let mut html = format!("<article id=\"{id}\"><h3>{id}</h3><p>{said}</p><table>");
    let parts = std::iter::once(schema).chain(elements(&schema["allOf"]));
    for (member, kind) in parts.flat_map(|part| members(&part["properties"])) {
        row(
            &mut html,
            member,
            &schema_name(kind),
            text(kind, "description"),
        );
    }
    html + "</table></article>"
}

/// What a schema is called: the name it refers to, or its JSON type.
fn schema_name(schema: &Value) -> String {
    if let Some(name) = schema["$ref"]
        .as_str()
        .and_then(|path| path.rsplit('/').next())
    {
        return name.to_owned();
    }
    let alternatives: Vec<_> = ["oneOf", "anyOf", "allOf"]
        .into_iter()
        .flat_map(|member| elements(&schema[member]))
        .map(schema_name)
        .collect();
    if !alternatives.is_empty() {
        return alternatives.join(" | ");
    }
    let kinds: Vec<_> = match &schema["type"] {
        Value::String(kind) => vec![kind.as_str()],
        kinds => elements(kinds).filter_map(Value::as_str).collect(),
    };
    let kinds = kinds.join(" | ");
    match &schema["items"] {
        Value::Null => kinds,
        items => format!("{kinds} of {}", schema_name(items)),
    }
}
