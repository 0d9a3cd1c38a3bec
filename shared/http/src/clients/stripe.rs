//! The payment provider: Stripe's `PaymentIntents` API, or whatever speaks it, such as the bundled sandbox.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::{Method, StatusCode};
use bothways_domain::{
    Money, Result,
    checkout::{IntentId, IntentStatus, PaymentError, PaymentProvider},
    id::{OrderId, Token},
};
use reqwest::Client;
use serde::Deserialize;

use super::outside::{ClientError, LazyClient, base_url, chain};
use crate::header;

/// The API version spoken: the last in which an intent takes cards, and nothing that redirects, unless told otherwise.
const VERSION: &str = "2022-11-15";

/// Takes money through an API like Stripe's.
#[derive(Debug, Clone)]
pub struct StripePayments {
    base: String,
    key: Token,
    http: LazyClient,
}

/// The part of a payment intent that matters here.
#[derive(Debug, Deserialize)]
struct Intent {
    id: String,
    status: String,
    last_payment_error: Option<ApiError>,
}

#[derive(Debug, Deserialize)]
struct Failure {
    error: ApiError,
}

#[derive(Debug, Default, Deserialize)]
struct ApiError {
    #[serde(rename = "type", default)]
    kind: String,
    code: Option<String>,
    decline_code: Option<String>,
    message: Option<String>,
}

/// What the provider answered, other than a status or an outage.
enum Refusal {
    /// The card was refused.
    Declined(String),
    /// The intent is not in a state for this.
    UnexpectedState,
    /// It was given back before.
    AlreadyRefunded,
    Error(PaymentError),
}

impl From<PaymentError> for Refusal {
    fn from(error: PaymentError) -> Self {
        Self::Error(error)
    }
}

fn unknown(reason: impl Into<String>) -> PaymentError {
    PaymentError::Unknown(reason.into().into())
}

impl ApiError {
    /// The decline code, or the most that is said in its place.
    fn decline(self) -> String {
        let code = self.decline_code.or(self.code);
        code.unwrap_or_else(|| "card_declined".to_owned())
    }

    fn into_refusal(self, status: StatusCode) -> Refusal {
        let code = self.code.as_deref().unwrap_or_default();
        match (self.kind.as_str(), code, status) {
            ("card_error", _, _) => Refusal::Declined(self.decline()),
            (_, "payment_intent_unexpected_state", _) => Refusal::UnexpectedState,
            (_, "charge_already_refunded", _) => Refusal::AlreadyRefunded,
            // A request that is wrong whoever sends it. All else (a wrong key, a limit, a fault) may pass.
            ("invalid_request_error", _, StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND) => {
                let message = self.message.unwrap_or_default();
                Refusal::Error(PaymentError::Refused { message })
            }
            _ => {
                let message = self.message.unwrap_or_default();
                Refusal::Error(unknown(format!("{status}: {message}")))
            }
        }
    }
}

impl Intent {
    fn into_status(self) -> Result<IntentStatus, PaymentError> {
        Ok(match self.status.as_str() {
            "requires_confirmation" => IntentStatus::Unconfirmed,
            "processing" => IntentStatus::Processing,
            "requires_payment_method" => IntentStatus::Declined {
                code: self.last_payment_error.unwrap_or_default().decline(),
            },
            // The shop has no page on which a shopper could prove themselves to their bank.
            "requires_action" => IntentStatus::Declined {
                code: "authentication_required".to_owned(),
            },
            "requires_capture" => IntentStatus::Authorised,
            "succeeded" => IntentStatus::Captured,
            "canceled" => IntentStatus::Cancelled,
            other => return Err(unknown(format!("a payment intent is '{other}'"))),
        })
    }
}

impl StripePayments {
    /// The provider at the base URL `url`, which knows the shop by its secret `key` and answers within `timeout`.
    pub fn new(url: &str, key: &str, timeout: Duration) -> Result<Self, ClientError> {
        Ok(Self {
            base: base_url(url)?,
            key: Token::presented(key),
            http: LazyClient::new(timeout),
        })
    }

    fn http(&self) -> Result<&Client, PaymentError> {
        let made = self.http.get();
        made.map_err(|error| PaymentError::Unknown(error.into()))
    }

    async fn ask<T: for<'de> Deserialize<'de>>(
        &self,
        method: Method,
        path: &str,
        form: &[(&str, &str)],
        idempotency_key: Option<&str>,
    ) -> Result<T, Refusal> {
        let url = format!("{}/v1/{path}", self.base);
        let mut request = self
            .http()?
            .request(method.clone(), url)
            .bearer_auth(self.key.reveal())
            .header("stripe-version", VERSION);
        if method == Method::POST {
            request = request.form(form);
        }
        if let Some(key) = idempotency_key {
            request = request.header(header::IDEMPOTENCY_KEY, key);
        }
        let no_answer = |error: reqwest::Error| unknown(chain(&error));
        let response = request.send().await.map_err(no_answer)?;
        let status = response.status();
        let body = response.bytes().await.map_err(no_answer)?;
        if status.is_success() {
            let parsed = serde_json::from_slice(&body);
            return Ok(parsed.map_err(|error| PaymentError::Unknown(error.into()))?);
        }
        match serde_json::from_slice::<Failure>(&body) {
            Ok(failure) => Err(failure.error.into_refusal(status)),
            Err(_) => Err(unknown(status.to_string()).into()),
        }
    }

    /// Does something to an intent. Where its state does not allow that, the state is the answer.
    async fn act(&self, intent: &IntentId, action: &str) -> Result<IntentStatus, PaymentError> {
        let path = format!("payment_intents/{intent}/{action}");
        match self.ask::<Intent>(Method::POST, &path, &[], None).await {
            Ok(intent) => intent.into_status(),
            Err(Refusal::Declined(code)) => Ok(IntentStatus::Declined { code }),
            Err(Refusal::UnexpectedState | Refusal::AlreadyRefunded) => self.status(intent).await,
            Err(Refusal::Error(error)) => Err(error),
        }
    }
}

/// A refusal that makes no sense for the request.
fn senseless(refusal: Refusal) -> PaymentError {
    match refusal {
        Refusal::Error(error) => error,
        Refusal::Declined(code) => unknown(format!("a card error out of place: {code}")),
        Refusal::UnexpectedState => unknown("an unexpected state out of place"),
        Refusal::AlreadyRefunded => unknown("a refund out of place"),
    }
}

#[async_trait]
impl PaymentProvider for StripePayments {
    async fn create(
        &self,
        order: &OrderId,
        amount: Money,
        payment_method: &str,
    ) -> Result<IntentId, PaymentError> {
        let (units, currency) = (
            amount.amount().to_string(),
            amount.currency().as_str().to_lowercase(),
        );
        let form = [
            ("amount", units.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            ("confirm", "false"),
            ("payment_method", payment_method),
            ("metadata[order_id]", order.as_str()),
        ];
        let key = Some(order.as_str());
        let created: Result<Intent, _> =
            self.ask(Method::POST, "payment_intents", &form, key).await;
        match created {
            Ok(intent) => Ok(IntentId(intent.id)),
            // Some methods are refused as soon as they are named.
            Err(Refusal::Declined(code)) => Err(PaymentError::Refused { message: code }),
            Err(refusal) => Err(senseless(refusal)),
        }
    }

    async fn confirm(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.act(intent, "confirm").await
    }

    async fn status(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        let path = format!("payment_intents/{intent}");
        let asked: Result<Intent, _> = self.ask(Method::GET, &path, &[], None).await;
        asked.map_err(senseless)?.into_status()
    }

    async fn capture(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.act(intent, "capture").await
    }

    async fn cancel(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.act(intent, "cancel").await
    }

    async fn refund(&self, order: &OrderId, intent: &IntentId) -> Result<(), PaymentError> {
        let form = [
            ("payment_intent", intent.0.as_str()),
            ("metadata[order_id]", order.as_str()),
        ];
        let key = format!("{order}-refund");
        let refunded: Result<serde_json::Value, _> =
            self.ask(Method::POST, "refunds", &form, Some(&key)).await;
        match refunded {
            Ok(_) | Err(Refusal::AlreadyRefunded) => Ok(()),
            Err(refusal) => Err(senseless(refusal)),
        }
    }
}
