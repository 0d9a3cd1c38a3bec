//! What the sandbox answers to, on one screen, and the handlers.

use axum::{
    Json, Router,
    body::{Body, Bytes},
    extract::{
        DefaultBodyLimit, Path, RawQuery, Request as HttpRequest, State, rejection::BytesRejection,
    },
    http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    app::Sandbox,
    auth,
    charge::Charge,
    error::StripeError,
    form::Params,
    idempotency::{self, Answer, Identity},
    identifier,
    intent::Intent,
    listing::Window,
    refund::Refund,
    request::Request,
};

type Reply = Result<Response, StripeError>;

/// Far more than any request of this API needs.
const LARGEST_BODY: usize = 64 * 1024;

/// Every address there is.
pub(crate) fn router(sandbox: Sandbox) -> Router {
    let authenticated = middleware::from_fn_with_state(sandbox.clone(), auth::require_key);
    Router::new()
        .route("/v1/payment_intents", get(list_intents).post(create_intent))
        .route("/v1/payment_intents/{id}", get(show_intent))
        .route("/v1/payment_intents/{id}/confirm", post(confirm_intent))
        .route("/v1/payment_intents/{id}/capture", post(capture_intent))
        .route("/v1/payment_intents/{id}/cancel", post(cancel_intent))
        .route("/v1/refunds", get(list_refunds).post(create_refund))
        .route("/v1/charges", get(list_charges))
        .method_not_allowed_fallback(unknown_url)
        .route_layer(authenticated)
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(ready))
        .fallback(unknown_url)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(CatchPanicLayer::custom(|_| {
            StripeError::provider_fault().into_response()
        }))
        .layer(middleware::from_fn(name_request))
        .with_state(sandbox)
}

async fn create_intent(State(sandbox): State<Sandbox>, asked: Asked) -> Reply {
    let (identity, params) = asked.read()?;
    sandbox.perform(identity, Request::create(params)?).await
}

async fn confirm_intent(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    asked: Asked,
) -> Reply {
    let (identity, params) = asked.read()?;
    sandbox
        .perform(identity, Request::confirm(id, params)?)
        .await
}

async fn capture_intent(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    asked: Asked,
) -> Reply {
    let (identity, params) = asked.read()?;
    sandbox
        .perform(identity, Request::capture(id, params)?)
        .await
}

async fn cancel_intent(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    asked: Asked,
) -> Reply {
    let (identity, params) = asked.read()?;
    sandbox
        .perform(identity, Request::cancel(id, params)?)
        .await
}

async fn create_refund(State(sandbox): State<Sandbox>, asked: Asked) -> Reply {
    let (identity, params) = asked.read()?;
    sandbox.perform(identity, Request::refund(params)?).await
}

async fn show_intent(
    State(sandbox): State<Sandbox>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Reply {
    params(query)?.finish()?;
    let intent = Intent::find(&id, sandbox.database.read()).await?;
    let missing = || StripeError::no_such_object("payment_intent", &id, "intent");
    Ok(Json(intent.ok_or_else(missing)?.view()).into_response())
}

async fn list_intents(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Reply {
    let (books, mut params) = (sandbox.database.read(), params(query)?);
    let window = Window::of(&mut params)?;
    params.finish()?;
    if let Some(id) = &window.starting_after {
        known(
            "payment_intent",
            id,
            Intent::find(id, books).await?.is_some(),
        )?;
    }
    let intents = Intent::list(&window, books).await?;
    let rows = intents.iter().map(Intent::view).collect();
    Ok(Json(window.view("/v1/payment_intents", rows)).into_response())
}

async fn list_refunds(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Reply {
    let (books, mut params) = (sandbox.database.read(), params(query)?);
    let (intent, window) = (params.text("payment_intent")?, Window::of(&mut params)?);
    params.finish()?;
    if let Some(id) = &window.starting_after {
        known("refund", id, Refund::exists(id, books).await?)?;
    }
    let refunds = Refund::list(intent.as_deref(), &window, books).await?;
    let rows = refunds.iter().map(Refund::view).collect();
    Ok(Json(window.view("/v1/refunds", rows)).into_response())
}

async fn list_charges(State(sandbox): State<Sandbox>, RawQuery(query): RawQuery) -> Reply {
    let (books, mut params) = (sandbox.database.read(), params(query)?);
    let (intent, window) = (params.text("payment_intent")?, Window::of(&mut params)?);
    params.finish()?;
    if let Some(id) = &window.starting_after {
        known("charge", id, Charge::find(id, books).await?.is_some())?;
    }
    let charges = Charge::list(intent.as_deref(), &window, books).await?;
    let rows = charges.iter().map(Charge::view).collect();
    Ok(Json(window.view("/v1/charges", rows)).into_response())
}

fn params(query: Option<String>) -> Result<Params, StripeError> {
    Params::parse(query.unwrap_or_default().as_bytes())
}

fn known(kind: &str, id: &str, exists: bool) -> Result<(), StripeError> {
    if exists {
        Ok(())
    } else {
        Err(StripeError::no_such_parameter(kind, id, "starting_after"))
    }
}

async fn ready(State(sandbox): State<Sandbox>) -> (StatusCode, Json<Value>) {
    match sandbox.database.ping().await {
        Ok(()) => (StatusCode::OK, Json(json!({ "status": "ready" }))),
        Err(error) => {
            tracing::error!(%error, "not ready");
            let body = json!({ "status": "unavailable", "missing": ["database"] });
            (StatusCode::SERVICE_UNAVAILABLE, Json(body))
        }
    }
}

async fn unknown_url(method: Method, uri: Uri) -> StripeError {
    StripeError::unknown_url(method.as_str(), uri.path())
}

/// Gives every response the `Request-Id` that Stripe's have.
async fn name_request(request: HttpRequest, next: Next) -> Response {
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::try_from(identifier::fresh("req")) {
        response.headers_mut().insert("request-id", id);
    }
    response
}

/// What a client sent to change something.
struct Asked {
    uri: Uri,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
}

impl<S: Send + Sync> axum::extract::FromRequest<S> for Asked {
    type Rejection = StripeError;

    async fn from_request(request: HttpRequest, state: &S) -> Result<Self, StripeError> {
        let (uri, headers) = (request.uri().clone(), request.headers().clone());
        let body = Bytes::from_request(request, state).await;
        Ok(Self { uri, headers, body })
    }
}

impl Asked {
    /// Reads what is asked and what the request is known by.
    fn read(self) -> Result<(Identity, Params), StripeError> {
        let body = self.body.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => StripeError::too_large(),
            _ => StripeError::invalid("Invalid request: the body could not be read."),
        })?;
        let kind = self
            .headers
            .get(header::CONTENT_TYPE)
            .map(HeaderValue::as_bytes);
        let form = kind.is_none_or(|kind| kind.starts_with(b"application/x-www-form-urlencoded"));
        if !form && !body.is_empty() {
            return Err(StripeError::invalid(
                "Invalid request (check that your POST content type is application/x-www-form-urlencoded).",
            ));
        }
        let params = Params::parse(&body)?;
        let identity = Identity::of(&self.headers, self.uri.path(), params.canonical())?;
        Ok((identity, params))
    }
}

impl Sandbox {
    /// Performs a request and answers, in time or not.
    async fn perform(&self, identity: Identity, request: Request) -> Reply {
        let sandbox = self.clone();
        // A task of its own: what was asked is done even if the client hangs up meanwhile.
        let performed = tokio::spawn(async move {
            idempotency::perform(&sandbox.database, &sandbox.in_flight, identity, request).await
        });
        let answer = performed
            .await
            .map_err(|_| StripeError::provider_fault())??;
        if answer.late {
            tokio::time::sleep(self.hold).await;
        }
        Ok(answer.into_response())
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.replayed {
            headers.insert("idempotent-replayed", HeaderValue::from_static("true"));
        }
        response
    }
}
