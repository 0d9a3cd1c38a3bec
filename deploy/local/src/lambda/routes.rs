//! Which route of an HTTP API a request takes ("Working with routes for HTTP APIs").

use std::collections::BTreeMap;
use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::template::model::RouteSpec;

/// One segment of a route's path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(String),
    /// `{name}`: exactly one segment.
    Variable(String),
    /// `{name+}`: one or more segments, last only.
    Greedy(String),
}

/// A route, parsed.
#[derive(Debug)]
pub(crate) struct Route {
    /// As API Gateway writes it in events: `ANY /api/carts/{proxy+}` or `$default`.
    pub(crate) key: String,
    /// Logical id of the function.
    pub(crate) function: String,
    /// Integration timeout.
    pub(crate) timeout: Duration,
    method: Option<String>,
    /// `None` for `$default`.
    segments: Option<Vec<Segment>>,
}

/// The routes of one API.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Most specific first.
    routes: Vec<Route>,
}

/// A request's route and what its variables matched.
#[derive(Debug)]
pub(crate) struct Matched<'a> {
    /// The route.
    pub(crate) route: &'a Route,
    /// Values of the path variables, percent-decoded.
    pub(crate) parameters: BTreeMap<String, String>,
}

impl Routes {
    /// Parses and orders the routes; two with the same key, or a malformed path, is an error.
    pub(crate) fn new(specs: &[RouteSpec]) -> Result<Self, String> {
        let mut routes = specs
            .iter()
            .map(Route::parse)
            .collect::<Result<Vec<_>, _>>()?;
        routes.sort_by_key(Route::specificity);
        for pair in routes.windows(2) {
            if pair[0].key == pair[1].key {
                return Err(format!("two functions share the route {}", pair[0].key));
            }
        }
        Ok(Self { routes })
    }

    /// The most specific route for a request. `path` is as sent, without the query.
    pub(crate) fn find(&self, method: &str, path: &str) -> Option<Matched<'_>> {
        self.routes.iter().find_map(|route| {
            let parameters = route.matches(method, path)?;
            Some(Matched { route, parameters })
        })
    }
}

impl Route {
    fn parse(spec: &RouteSpec) -> Result<Self, String> {
        let segments = match spec.path.as_str() {
            "$default" => None,
            path => Some(parse_path(path)?),
        };
        let key = match (&segments, &spec.method) {
            (None, _) => "$default".to_owned(),
            (_, method) => format!("{} {}", method.as_deref().unwrap_or("ANY"), spec.path),
        };
        Ok(Self {
            key,
            function: spec.function.clone(),
            timeout: spec.timeout,
            method: spec.method.clone(),
            segments,
        })
    }

    /// Orders routes: a full match before a greedy one before `$default`; among those, literal
    /// segments before variables from the left, and a named method before `ANY`.
    fn specificity(&self) -> (u8, Vec<u8>, bool, String) {
        let kinds: Vec<u8> = self
            .segments
            .iter()
            .flatten()
            .map(|segment| match segment {
                Segment::Literal(_) => 0,
                Segment::Variable(_) => 1,
                Segment::Greedy(_) => 2,
            })
            .collect();
        let class = match &self.segments {
            None => 2,
            Some(_) if kinds.last() == Some(&2) => 1,
            Some(_) => 0,
        };
        (class, kinds, self.method.is_none(), self.key.clone())
    }

    fn matches(&self, method: &str, path: &str) -> Option<BTreeMap<String, String>> {
        if self.method.as_deref().is_some_and(|own| own != method) {
            return None;
        }
        let mut parameters = BTreeMap::new();
        let Some(segments) = &self.segments else {
            return Some(parameters);
        };
        let mut rest = path.strip_prefix('/');
        for segment in segments {
            let remaining = rest?;
            let (head, tail) = match remaining.split_once('/') {
                Some((head, tail)) => (head, Some(tail)),
                None => (remaining, None),
            };
            match segment {
                Segment::Literal(literal) if literal == head => {}
                Segment::Variable(name) if !head.is_empty() => {
                    parameters.insert(name.clone(), decoded(head));
                }
                Segment::Greedy(name) if !remaining.is_empty() => {
                    parameters.insert(name.clone(), decoded(remaining));
                    return Some(parameters);
                }
                _ => return None,
            }
            rest = tail;
        }
        rest.is_none().then_some(parameters)
    }
}

/// Percent-decodes; what isn't UTF-8 afterwards is replaced.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn parse_path(path: &str) -> Result<Vec<Segment>, String> {
    let inner = path
        .strip_prefix('/')
        .ok_or_else(|| format!("the route path {path} lacks its /"))?;
    let segments: Vec<Segment> = inner
        .split('/')
        .map(|segment| {
            match segment
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                None => Segment::Literal(segment.to_owned()),
                Some(name) => match name.strip_suffix('+') {
                    Some(name) => Segment::Greedy(name.to_owned()),
                    None => Segment::Variable(name.to_owned()),
                },
            }
        })
        .collect();
    let greedy = segments
        .iter()
        .position(|segment| matches!(segment, Segment::Greedy(_)));
    if greedy.is_some_and(|at| at + 1 != segments.len()) {
        return Err(format!(
            "the route path {path} has a greedy variable before its end"
        ));
    }
    Ok(segments)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(keys: &[&str]) -> Routes {
        let specs: Vec<RouteSpec> = keys
            .iter()
            .map(|key| {
                let (method, path) = key.split_once(' ').unwrap_or(("ANY", key));
                RouteSpec {
                    method: Some(method.to_owned()).filter(|method| method != "ANY"),
                    path: path.to_owned(),
                    function: (*key).to_owned(),
                    timeout: Duration::from_secs(30),
                }
            })
            .collect();
        Routes::new(&specs).unwrap()
    }

    fn key<'a>(routes: &'a Routes, method: &str, path: &str) -> Option<&'a str> {
        routes
            .find(method, path)
            .map(|matched| matched.route.key.as_str())
    }

    #[test]
    fn the_most_specific_route_wins_as_in_the_documentation() {
        let routes = routes(&[
            "$default",
            "ANY /{proxy+}",
            "GET /pets/{proxy+}",
            "GET /pets/dog/{id}",
            "GET /pets/dog/1",
        ]);
        assert_eq!(key(&routes, "GET", "/pets/dog/1"), Some("GET /pets/dog/1"));
        assert_eq!(
            key(&routes, "GET", "/pets/dog/2"),
            Some("GET /pets/dog/{id}")
        );
        assert_eq!(
            key(&routes, "GET", "/pets/cat/1"),
            Some("GET /pets/{proxy+}")
        );
        assert_eq!(key(&routes, "POST", "/test/5"), Some("ANY /{proxy+}"));
        assert_eq!(key(&routes, "POST", "/pets/dog/1"), Some("ANY /{proxy+}"));
        assert_eq!(key(&routes, "GET", "/"), Some("$default"));
    }

    #[test]
    fn a_greedy_variable_needs_at_least_one_character() {
        let routes = routes(&["ANY /api/search", "ANY /api/search/{proxy+}", "$default"]);
        assert_eq!(key(&routes, "GET", "/api/search"), Some("ANY /api/search"));
        assert_eq!(key(&routes, "GET", "/api/search/"), Some("$default"));
        assert_eq!(
            key(&routes, "GET", "/api/search/suggest"),
            Some("ANY /api/search/{proxy+}")
        );
        assert_eq!(key(&routes, "GET", "/api/searching"), Some("$default"));
    }

    #[test]
    fn variables_are_decoded_and_a_named_method_beats_any() {
        let routes = routes(&["ANY /a/{id}", "GET /a/{id}", "POST /b/{rest+}"]);
        assert_eq!(key(&routes, "GET", "/a/1"), Some("GET /a/{id}"));
        assert_eq!(key(&routes, "PUT", "/a/1"), Some("ANY /a/{id}"));
        assert_eq!(key(&routes, "GET", "/b/1"), None);
        let matched = routes.find("POST", "/b/x%20y/z").unwrap();
        assert_eq!(matched.parameters["rest"], "x y/z");
    }

    #[test]
    fn two_functions_cannot_share_a_route() {
        let spec = RouteSpec {
            method: None,
            path: "/a".to_owned(),
            function: "f".to_owned(),
            timeout: Duration::from_secs(30),
        };
        assert!(Routes::new(&[spec.clone(), spec]).is_err());
    }
}
