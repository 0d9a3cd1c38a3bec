//! What requests do to the books: the state machine of Stripe's payment intents.
//!
//! ```text
//! requires_payment_method ⇄ requires_confirmation → requires_capture → succeeded
//!            └──────────────────────┴───────────────────────┴──────→ canceled
//! ```
//!
//! Everything here runs inside the caller's transaction; an error leaves nothing to keep.

use axum::http::StatusCode;
use serde_json::Value;
use sqlx::SqliteConnection;

use crate::{
    charge::Charge,
    error::StripeError,
    identifier,
    intent::{CaptureMethod, Intent, Status},
    method::{Decline, Outcome, PaymentMethod},
    refund::Refund,
    request::{CreateIntent, CreateRefund, Request},
};

/// What was done, and how to answer.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
    /// The answer is to be held back until the client has given up.
    pub(crate) late: bool,
}

impl Done {
    fn with(body: Value) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            late: false,
        }
    }
}

impl Request {
    /// Does what is asked.
    pub(crate) async fn perform(
        self,
        database: &mut SqliteConnection,
    ) -> Result<Done, StripeError> {
        match self {
            Self::Create(create) => create.perform(database).await,
            Self::Confirm {
                intent,
                payment_method,
            } => {
                let intent = addressed(&intent, database).await?;
                confirm(intent, payment_method, database).await
            }
            Self::Capture { intent, amount } => {
                let intent = addressed(&intent, database).await?;
                capture(intent, amount, database).await
            }
            Self::Cancel { intent, reason } => {
                let intent = addressed(&intent, database).await?;
                cancel(intent, reason, database).await
            }
            Self::Refund(refund) => refund.perform(database).await,
        }
    }
}

/// The intent a URL names.
async fn addressed(id: &str, database: &mut SqliteConnection) -> Result<Intent, StripeError> {
    let intent = Intent::find(id, database).await?;
    intent.ok_or_else(|| StripeError::no_such_object("payment_intent", id, "intent"))
}

impl CreateIntent {
    async fn perform(self, database: &mut SqliteConnection) -> Result<Done, StripeError> {
        let id = identifier::fresh("pi");
        let status = match self.payment_method {
            Some(_) => Status::RequiresConfirmation,
            None => Status::RequiresPaymentMethod,
        };
        let intent = Intent {
            client_secret: identifier::fresh(&format!("{id}_secret")),
            id,
            amount: self.amount,
            amount_received: 0,
            currency: self.currency,
            capture_method: self.capture_method,
            status,
            payment_method: self.payment_method.map(|method| method.name().to_owned()),
            latest_charge: None,
            last_payment_error: None,
            cancellation_reason: None,
            canceled_at: None,
            description: self.description,
            metadata: self.metadata,
            created: identifier::now(),
        };
        intent.insert(database).await?;
        if self.confirm {
            confirm(intent, None, database).await
        } else {
            Ok(Done::with(intent.view()))
        }
    }
}

async fn confirm(
    intent: Intent,
    method: Option<PaymentMethod>,
    database: &mut SqliteConnection,
) -> Result<Done, StripeError> {
    let may = [Status::RequiresPaymentMethod, Status::RequiresConfirmation];
    expect_status(&intent, &may, "confirmed")?;
    let kept = intent.payment_method.as_deref();
    let Some(method) = method.or_else(|| kept.and_then(PaymentMethod::known)) else {
        let message = "You cannot confirm this PaymentIntent because it's missing a payment method. \
                       To confirm the PaymentIntent, provide a payment method with it or with the confirmation.";
        return Err(StripeError::unexpected_state(message, intent.view()));
    };
    match method.outcome() {
        Outcome::ProviderFault => Err(StripeError::provider_fault()),
        Outcome::Declined(decline) => refuse(intent, method, decline, database).await,
        Outcome::Authorised { late } => {
            let mut done = authorise(intent, method, database).await?;
            done.late = late;
            Ok(done)
        }
    }
}

async fn authorise(
    mut intent: Intent,
    method: PaymentMethod,
    database: &mut SqliteConnection,
) -> Result<Done, StripeError> {
    let from = intent.status;
    let mut charge = Charge::attempt(&intent, method, None);
    intent.payment_method = Some(method.name().to_owned());
    intent.latest_charge = Some(charge.id.clone());
    intent.last_payment_error = None;
    intent.status = match intent.capture_method {
        CaptureMethod::Manual => Status::RequiresCapture,
        CaptureMethod::Automatic => {
            charge.capture(intent.amount);
            intent.amount_received = intent.amount;
            Status::Succeeded
        }
    };
    charge.insert(database).await?;
    advance(&intent, from, database).await?;
    Ok(Done::with(intent.view()))
}

/// A decline is an answer, not a failure: the attempt stays in the books and the intent wants another method.
async fn refuse(
    mut intent: Intent,
    method: PaymentMethod,
    decline: Decline,
    database: &mut SqliteConnection,
) -> Result<Done, StripeError> {
    let from = intent.status;
    let charge = Charge::attempt(&intent, method, Some(decline));
    let error = StripeError::declined(decline.code(), decline.message(), &charge.id);
    intent.status = Status::RequiresPaymentMethod;
    intent.payment_method = None;
    intent.latest_charge = Some(charge.id.clone());
    intent.last_payment_error = Some(serde_json::json!(error.detail()));
    charge.insert(database).await?;
    advance(&intent, from, database).await?;
    let error = error.with_intent(intent.view());
    Ok(Done {
        status: error.http_status(),
        body: error.body(),
        late: false,
    })
}

async fn capture(
    mut intent: Intent,
    amount: Option<i64>,
    database: &mut SqliteConnection,
) -> Result<Done, StripeError> {
    expect_status(&intent, &[Status::RequiresCapture], "captured")?;
    let amount = amount.unwrap_or(intent.amount);
    if amount > intent.amount {
        return Err(StripeError::parameter(
            "amount_too_large",
            "amount_to_capture",
            format!(
                "The amount to capture ({amount}) is greater than the capturable amount ({}).",
                intent.amount
            ),
        ));
    }
    let mut charge = latest_charge(&intent, database).await?;
    charge.capture(amount);
    intent.status = Status::Succeeded;
    intent.amount_received = amount;
    charge.save_capture(database).await?;
    advance(&intent, Status::RequiresCapture, database).await?;
    Ok(Done::with(intent.view()))
}

async fn cancel(
    mut intent: Intent,
    reason: Option<&str>,
    database: &mut SqliteConnection,
) -> Result<Done, StripeError> {
    let may = [
        Status::RequiresPaymentMethod,
        Status::RequiresConfirmation,
        Status::RequiresCapture,
    ];
    expect_status(&intent, &may, "canceled")?;
    let from = intent.status;
    if from == Status::RequiresCapture {
        let charge = latest_charge(&intent, database).await?;
        Charge::release(&charge.id, database).await?;
    }
    intent.status = Status::Canceled;
    intent.cancellation_reason = reason.map(str::to_owned);
    intent.canceled_at = Some(identifier::now());
    advance(&intent, from, database).await?;
    Ok(Done::with(intent.view()))
}

impl CreateRefund {
    async fn perform(self, database: &mut SqliteConnection) -> Result<Done, StripeError> {
        let found = Intent::find(&self.payment_intent, &mut *database).await?;
        let intent = found.ok_or_else(|| {
            let id = &self.payment_intent;
            StripeError::no_such_parameter("payment_intent", id, "payment_intent")
        })?;
        if intent.status != Status::Succeeded {
            let message = format!(
                "This PaymentIntent ({}) does not have a successful charge to refund: it has a status of {}.",
                intent.id,
                intent.status.name()
            );
            return Err(StripeError::unexpected_state(message, intent.view()));
        }
        let charge = latest_charge(&intent, database).await?;
        let left = charge.refundable();
        let amount = self.amount.unwrap_or(left);
        if left == 0 {
            let message = format!("Charge {} has already been refunded.", charge.id);
            return Err(StripeError::parameter(
                "charge_already_refunded",
                "payment_intent",
                message,
            ));
        }
        if !charge.give_back(amount, database).await? {
            let message = format!(
                "Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
            );
            return Err(StripeError::parameter(
                "amount_too_large",
                "amount",
                message,
            ));
        }
        let refund = Refund {
            id: identifier::fresh("re"),
            charge: charge.id,
            payment_intent: intent.id,
            amount,
            currency: charge.currency,
            reason: self.reason.map(str::to_owned),
            metadata: self.metadata,
            created: identifier::now(),
        };
        refund.insert(database).await?;
        Ok(Done::with(refund.view()))
    }
}

fn expect_status(intent: &Intent, may: &[Status], what: &str) -> Result<(), StripeError> {
    if may.contains(&intent.status) {
        return Ok(());
    }
    let may: Vec<_> = may.iter().map(|status| status.name()).collect();
    let message = format!(
        "This PaymentIntent could not be {what} because it has a status of {}. Only a PaymentIntent with one of the \
         following statuses may be {what}: {}.",
        intent.status.name(),
        may.join(", ")
    );
    Err(StripeError::unexpected_state(message, intent.view()))
}

async fn advance(
    intent: &Intent,
    from: Status,
    database: &mut SqliteConnection,
) -> Result<(), StripeError> {
    if intent.advance(from, database).await? {
        return Ok(());
    }
    // Can't be while writers take turns; were it otherwise, the first one wins.
    let message = "This PaymentIntent was changed by another request at the same time.";
    Err(StripeError::unexpected_state(message, intent.view()))
}

/// The charge that an authorised or captured intent has.
async fn latest_charge(
    intent: &Intent,
    database: &mut SqliteConnection,
) -> Result<Charge, StripeError> {
    let id = intent.latest_charge.as_deref().unwrap_or_default();
    let charge = Charge::find(id, database).await?;
    charge.ok_or_else(|| {
        tracing::error!(intent = intent.id, "an intent without its charge");
        StripeError::provider_fault()
    })
}
