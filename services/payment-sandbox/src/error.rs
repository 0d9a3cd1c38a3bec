//! Errors in Stripe's shape: `{"error": {"type", "code", "message", "param", …}}`.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};

/// An error as a client sees it.
#[derive(Debug, Clone)]
pub(crate) struct StripeError(Box<Refusal>);

#[derive(Debug, Clone)]
struct Refusal {
    status: StatusCode,
    detail: Detail,
}

/// What stands under `error`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Detail {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decline_code: Option<&'static str>,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    param: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    charge: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_intent: Option<Value>,
}

impl StripeError {
    fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status,
            detail: Detail {
                kind,
                code: None,
                decline_code: None,
                message: message.into(),
                param: None,
                charge: None,
                payment_intent: None,
            },
        }))
    }

    /// The request itself is wrong.
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid_request_error", message)
    }

    /// One parameter is wrong.
    pub(crate) fn parameter(
        code: &'static str,
        param: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self::invalid(message).code(code).for_param(param)
    }

    /// The object of the URL does not exist.
    pub(crate) fn no_such_object(kind: &str, id: &str, param: &str) -> Self {
        Self::no_such_parameter(kind, id, param).status(StatusCode::NOT_FOUND)
    }

    /// The object a parameter names does not exist.
    pub(crate) fn no_such_parameter(kind: &str, id: &str, param: &str) -> Self {
        Self::parameter("resource_missing", param, format!("No such {kind}: '{id}'"))
    }

    /// The intent is in a state this can't be done in.
    pub(crate) fn unexpected_state(message: impl Into<String>, intent: Value) -> Self {
        let mut error = Self::invalid(message).code("payment_intent_unexpected_state");
        error.0.detail.payment_intent = Some(intent);
        error
    }

    /// The issuer refused.
    pub(crate) fn declined(decline_code: &'static str, message: &str, charge: &str) -> Self {
        let mut error = Self::new(StatusCode::PAYMENT_REQUIRED, "card_error", message);
        error.0.detail.code = Some("card_declined");
        error.0.detail.decline_code = Some(decline_code);
        error.0.detail.charge = Some(charge.to_owned());
        error
    }

    /// The idempotency key belongs to another request.
    pub(crate) fn idempotency(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "idempotency_error", message)
    }

    /// The request with this idempotency key is still running.
    pub(crate) fn key_in_use(key: &str) -> Self {
        let message = format!(
            "There is currently another in-progress request using this Idempotent Key (that probably means you \
             submitted twice, and the other request is still going through): {key}. Please try again later."
        );
        Self::new(StatusCode::CONFLICT, "idempotency_error", message).code("idempotency_key_in_use")
    }

    /// The key is missing or wrong.
    pub(crate) fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_request_error", message)
    }

    /// Nothing is at this address.
    pub(crate) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!("Unrecognized request URL ({method}: {path}).");
        Self::new(StatusCode::NOT_FOUND, "invalid_request_error", message)
    }

    /// More was sent than is read.
    pub(crate) fn too_large() -> Self {
        Self::invalid("The request is too large.").status(StatusCode::PAYLOAD_TOO_LARGE)
    }

    /// A fault of the provider.
    pub(crate) fn provider_fault() -> Self {
        let message = "An error occurred on the sandbox's side. Nothing was done.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "api_error", message)
    }

    fn code(mut self, code: &'static str) -> Self {
        self.0.detail.code = Some(code);
        self
    }

    /// Names the parameter the error is about.
    pub(crate) fn for_param(mut self, param: impl Into<String>) -> Self {
        self.0.detail.param = Some(param.into());
        self
    }

    fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    /// Shows the intent the error is about.
    pub(crate) fn with_intent(mut self, intent: Value) -> Self {
        self.0.detail.payment_intent = Some(intent);
        self
    }

    /// The HTTP status.
    pub(crate) fn http_status(&self) -> StatusCode {
        self.0.status
    }

    /// What stands under `error`, as an intent's `last_payment_error` repeats it.
    pub(crate) fn detail(&self) -> &Detail {
        &self.0.detail
    }

    /// The whole body.
    pub(crate) fn body(&self) -> Value {
        json!({ "error": self.0.detail })
    }
}

impl From<sqlx::Error> for StripeError {
    fn from(error: sqlx::Error) -> Self {
        tracing::error!(%error, "the database failed");
        Self::provider_fault()
    }
}

impl IntoResponse for StripeError {
    fn into_response(self) -> Response {
        (self.http_status(), Json(self.body())).into_response()
    }
}
