//! What a page says when something is wrong.

use askama::Template;
use axum::{
    extract::{OriginalUri, Request, State},
    http::{
        HeaderValue, Method, StatusCode,
        header::{ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER},
    },
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use bothways_domain::Error;
use bothways_http::{Problem, request};

use crate::{Pages, pages::Chrome, session::Visitor};

/// What a page may load: this shop's own files, and nothing else.
const POLICY: &str = "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// A page that can't be shown, and why.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
        }
    }

    pub(crate) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is nothing here. It may have been sold out of existence.",
        )
    }

    pub(crate) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "Something went wrong on our side.",
        )
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::NotFound(_) => Self::not_found(),
            Error::Forbidden => {
                Self::new(StatusCode::FORBIDDEN, "This page is for administrators.")
            }
            Error::Unauthenticated => Self::new(StatusCode::UNAUTHORIZED, "Please sign in first."),
            Error::Unavailable { what } => {
                let message = format!(
                    "We can't reach {what} right now. Everything else still works; please try again soon."
                );
                Self::new(StatusCode::SERVICE_UNAVAILABLE, message)
            }
            Error::Validation(errors) => {
                let all: Vec<_> = errors.iter().map(|error| error.detail.clone()).collect();
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, all.join("; "))
            }
            Error::RateLimited { .. } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries. Please wait a minute.",
            ),
            _ => {
                // The problem knows the status, and logs what is internal.
                let problem = Problem::from(error);
                let status = StatusCode::from_u16(problem.kind().status().as_u16())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                Self::new(status, problem.detail())
            }
        }
    }
}

impl IntoResponse for Failure {
    /// Only a mark: [`explain`] makes the page, which needs to know the visitor.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage {
    chrome: Chrome,
    status: u16,
    message: String,
    request_id: String,
}

/// Makes a page of every failure, and tells browsers what pages may do.
pub(crate) async fn explain(State(pages): State<Pages>, request: Request, next: Next) -> Response {
    let visitor = request.extensions().get::<Visitor>().cloned();
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let chrome = Chrome::new(&pages, visitor.as_ref(), "");
        let page = FailurePage {
            chrome,
            status: failure.status.as_u16(),
            message: failure.message,
            request_id: request::current_id(),
        };
        let headers = response.headers().clone();
        response = (failure.status, render(&page)).into_response();
        response.headers_mut().extend(headers);
        response.headers_mut().insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        if failure.status == StatusCode::SERVICE_UNAVAILABLE
            || failure.status == StatusCode::TOO_MANY_REQUESTS
        {
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
    }
    let headers = response.headers_mut();
    let is_page = headers
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers
            .entry(CONTENT_SECURITY_POLICY)
            .or_insert(HeaderValue::from_static(POLICY));
        headers
            .entry(CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("private, no-cache"));
    }
    response
}

/// A template as a page.
pub(crate) fn render(page: &impl Template) -> Html<String> {
    Html(page.render().unwrap_or_else(|error| {
        tracing::error!(%error, "a page could not be rendered");
        "<!doctype html><title>Sorry</title><p>This page could not be made.</p>".to_owned()
    }))
}

/// The answer to a path that nothing answers: a page for people, a problem for programs.
pub(crate) async fn unknown_path(OriginalUri(uri): OriginalUri, request: Request) -> Response {
    if is_for_programs(uri.path(), &request) {
        Problem::no_such_path().into_response()
    } else {
        Failure::not_found().into_response()
    }
}

/// The answer to a method that a page does not take.
pub(crate) async fn method_not_allowed(method: Method) -> Response {
    Failure::new(
        StatusCode::METHOD_NOT_ALLOWED,
        format!("This page does not take {method}."),
    )
    .into_response()
}

fn is_for_programs(path: &str, request: &Request) -> bool {
    let below = |prefix: &str| {
        path.strip_prefix(prefix)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let wants_json = request
        .headers()
        .get(ACCEPT)
        .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
    below("/api") || below("/.well-known") || below("/internal") || below("/media") || wants_json
}
