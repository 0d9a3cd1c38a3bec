//! A browser without JavaScript: pages, links, forms and cookies, as far as the storefront needs it.

use std::{collections::BTreeMap, sync::Mutex};

use reqwest::Method;

use crate::{ask::Reply, shop::Shop};

/// Somebody looking at the storefront. Keeps cookies and follows redirects.
pub struct Browser {
    shop: Shop,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page as it was shown.
pub struct Page {
    /// The path it was found under after redirects, with its query.
    pub path: String,
    /// The answer.
    pub reply: Reply,
    /// Its HTML.
    pub html: String,
}

/// A form of a page, filled in as the page came.
#[derive(Debug, Clone, Default)]
pub struct Form {
    /// Where it goes.
    pub action: String,
    /// How it goes: `get` or `post`.
    pub method: String,
    /// Names and values in order.
    pub fields: Vec<(String, String)>,
}

impl Browser {
    /// A browser nobody has used yet.
    pub fn new(shop: &Shop) -> Self {
        Self {
            shop: shop.clone(),
            cookies: Mutex::default(),
        }
    }

    /// The cookies it holds, as they go into a request.
    pub fn cookies(&self) -> String {
        let cookies = self.cookies.lock().expect("no panic inside");
        let pairs: Vec<String> = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// Opens a path.
    pub async fn open(&self, path: &str) -> Page {
        self.follow(self.request(&Method::GET, path, None).await, path)
            .await
    }

    /// Sends a form from a page, as a click on its button does.
    pub async fn submit(&self, form: &Form) -> Page {
        if form.method == "get" {
            let url = reqwest::Url::parse_with_params(
                &format!("{}{}", self.shop.url(), form.action),
                &form.fields,
            );
            let url = url.expect("a form leads somewhere");
            return self.open(&path_of(&url)).await;
        }
        let reply = self
            .request(&Method::POST, &form.action, Some(&form.fields))
            .await;
        self.follow(reply, &form.action).await
    }

    /// One request without following redirects.
    pub async fn request(
        &self,
        method: &Method,
        path: &str,
        fields: Option<&[(String, String)]>,
    ) -> Reply {
        let mut ask = self.shop.ask(method, path).header("accept", "text/html");
        let cookies = self.cookies();
        if !cookies.is_empty() {
            ask = ask.header("cookie", cookies);
        }
        if let Some(fields) = fields {
            ask = ask
                .header("origin", self.shop.url())
                .header("referer", format!("{}/", self.shop.url()))
                .header("sec-fetch-site", "same-origin")
                .form(fields);
        }
        let reply = ask.send().await;
        self.keep_cookies(&reply);
        reply
    }

    fn keep_cookies(&self, reply: &Reply) {
        let mut cookies = self.cookies.lock().expect("no panic inside");
        for cookie in set_cookies(reply) {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((&cookie, ""));
            let Some((name, value)) = pair.split_once('=') else {
                continue;
            };
            if value.is_empty() || attributes.to_ascii_lowercase().contains("max-age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    async fn follow(&self, reply: Reply, path: &str) -> Page {
        let (mut reply, mut path) = (reply, path.to_owned());
        for _ in 0..5 {
            if !(300..400).contains(&reply.status) {
                break;
            }
            let here = reqwest::Url::parse(&format!("{}{path}", self.shop.url())).expect("a URL");
            let to = here
                .join(reply.must_header("location"))
                .expect("a redirect leads somewhere");
            assert_eq!(to.origin(), here.origin(), "a redirect stays in the shop");
            path = path_of(&to);
            reply = self.request(&Method::GET, &path, None).await;
        }
        Page {
            html: reply.text(),
            path,
            reply,
        }
    }
}

/// The cookies an answer sets, with their attributes.
pub fn set_cookies(reply: &Reply) -> Vec<String> {
    let all = reply.headers.get_all("set-cookie");
    all.iter()
        .filter_map(|value| value.to_str().ok())
        .map(str::to_owned)
        .collect()
}

fn path_of(url: &reqwest::Url) -> String {
    let query = url
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    format!("{}{query}", url.path())
}

impl Page {
    /// The text between tags, with entities decoded and white space evened out.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut rest = self.html.as_str();
        while let Some((before, after)) = rest.split_once('<') {
            text.push_str(before);
            text.push(' ');
            rest = after.split_once('>').map_or("", |(_, rest)| rest);
        }
        text.push_str(rest);
        decode(&text)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    }

    /// Its forms in order.
    pub fn forms(&self) -> Vec<Form> {
        let mut forms = Vec::new();
        for part in self.html.split("<form").skip(1) {
            let (tag, inside) = part.split_once('>').unwrap_or((part, ""));
            let inside = inside.split("</form").next().unwrap_or_default();
            let attributes = attributes(tag);
            let said = |name: &str| attributes.get(name).cloned().unwrap_or_default();
            let action = match said("action") {
                empty if empty.is_empty() => self.path.clone(),
                action => action,
            };
            let method = said("method").to_ascii_lowercase();
            let method = if method.is_empty() {
                "get".to_owned()
            } else {
                method
            };
            forms.push(Form {
                action,
                method,
                fields: fields(inside),
            });
        }
        forms
    }

    /// The form that posts these fields, and perhaps more.
    #[track_caller]
    pub fn form_with(&self, names: &[&str]) -> Form {
        let forms = self.forms();
        let found = forms
            .iter()
            .find(|form| names.iter().all(|name| form.has(name)));
        found
            .cloned()
            .unwrap_or_else(|| panic!("{} has no form with {names:?}: {forms:#?}", self.path))
    }

    /// The form that leads to this path.
    #[track_caller]
    pub fn form_to(&self, action: &str) -> Form {
        let forms = self.forms();
        let found = forms.iter().find(|form| form.action.contains(action));
        found
            .cloned()
            .unwrap_or_else(|| panic!("{} has no form to {action}: {forms:#?}", self.path))
    }

    /// The values of an attribute anywhere on the page, e.g. `href`.
    pub fn all(&self, attribute: &str) -> Vec<String> {
        let tags = self
            .html
            .split('<')
            .skip(1)
            .filter_map(|part| part.split('>').next());
        tags.filter_map(|tag| attributes(tag).remove(attribute))
            .collect()
    }
}

impl Form {
    /// Whether it has such a field.
    pub fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// Fills in a field, which has to be there.
    #[track_caller]
    #[must_use]
    pub fn fill(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(known, _)| known == name);
        let Some((_, filled)) = field else {
            panic!("no field {name}: {:?}", self.fields)
        };
        value.clone_into(filled);
        self
    }
}

fn fields(inside: &str) -> Vec<(String, String)> {
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut select: Option<String> = None;
    for part in inside.split('<').skip(1) {
        let (tag, text) = part.split_once('>').unwrap_or((part, ""));
        let kind = tag.split_whitespace().next().unwrap_or_default();
        let attributes = attributes(tag);
        let value = attributes.get("value").cloned();
        match (kind, attributes.get("name").cloned()) {
            ("input", Some(name)) if sends(&attributes) => {
                fields.push((name, value.unwrap_or_default()));
            }
            ("textarea", Some(name)) => fields.push((name, decode(text))),
            ("select", Some(name)) => select = Some(name),
            ("option", _) => choose(&mut fields, select.as_deref(), &attributes, value, text),
            ("/select", _) => select = None,
            _ => {}
        }
    }
    fields
}

/// Whether a browser sends this input along without anybody touching it.
fn sends(attributes: &BTreeMap<String, String>) -> bool {
    match attributes.get("type").map(String::as_str) {
        Some("checkbox" | "radio") => attributes.contains_key("checked"),
        Some("submit" | "button" | "reset" | "image") => false,
        _ => true,
    }
}

/// A select sends its first option, or the one that is marked.
fn choose(
    fields: &mut Vec<(String, String)>,
    select: Option<&str>,
    attributes: &BTreeMap<String, String>,
    value: Option<String>,
    text: &str,
) {
    let Some(name) = select else { return };
    let value = value.unwrap_or_else(|| decode(text).trim().to_owned());
    match fields.iter_mut().find(|(known, _)| known == name) {
        None => fields.push((name.to_owned(), value)),
        Some((_, chosen)) if attributes.contains_key("selected") => *chosen = value,
        Some(_) => {}
    }
}

fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag
        .split_once(char::is_whitespace)
        .map_or("", |(_, rest)| rest)
        .trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let (value, after) = match after.trim_start().strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => ("", after),
        };
        if !name.is_empty() && name != "/" {
            found.insert(name.to_ascii_lowercase(), decode(value));
        }
        rest = after.trim_start();
    }
    found
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn decode(text: &str) -> String {
    let mut decoded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        decoded.push_str(before);
        let entity = after
            .split_once(';')
            .and_then(|(name, rest)| Some((character(name)?, rest)));
        let (character, after) = entity.unwrap_or(('&', after));
        decoded.push(character);
        rest = after;
    }
    decoded + rest
}

fn character(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some(' '),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}
