//! A payment intent: its states, its row, and how Stripe shows it.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use crate::{error::StripeError, form::Params, listing::Window};

/// Where an intent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresCapture,
    Succeeded,
    Canceled,
}

/// What confirming does: authorise only, or take the money at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CaptureMethod {
    Automatic,
    Manual,
}

/// An intent to take a payment.
#[derive(Debug, Clone)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) amount: i64,
    pub(crate) amount_received: i64,
    pub(crate) currency: String,
    pub(crate) capture_method: CaptureMethod,
    pub(crate) status: Status,
    pub(crate) payment_method: Option<String>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) last_payment_error: Option<Value>,
    pub(crate) cancellation_reason: Option<String>,
    pub(crate) canceled_at: Option<i64>,
    pub(crate) client_secret: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created: i64,
}

const STATUSES: [Status; 5] = [
    Status::RequiresPaymentMethod,
    Status::RequiresConfirmation,
    Status::RequiresCapture,
    Status::Succeeded,
    Status::Canceled,
];

impl Status {
    /// The word for it in Stripe's API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::RequiresPaymentMethod => "requires_payment_method",
            Self::RequiresConfirmation => "requires_confirmation",
            Self::RequiresCapture => "requires_capture",
            Self::Succeeded => "succeeded",
            Self::Canceled => "canceled",
        }
    }

    fn stored(name: &str) -> Result<Self, sqlx::Error> {
        let found = STATUSES.into_iter().find(|status| status.name() == name);
        found.ok_or_else(|| sqlx::Error::Decode(format!("unknown status {name}").into()))
    }
}

impl CaptureMethod {
    fn name(self) -> &'static str {
        match self {
            Self::Automatic => "automatic",
            Self::Manual => "manual",
        }
    }

    /// Takes `capture_method`, by default automatic.
    pub(crate) fn of(params: &mut Params) -> Result<Self, StripeError> {
        let choices = [Self::Automatic, Self::Manual].map(|method| (method.name(), method));
        Ok(params
            .choice("capture_method", &choices)?
            .unwrap_or(Self::Automatic))
    }
}

impl Intent {
    /// The intent as Stripe's API shows it.
    pub(crate) fn view(&self) -> Value {
        let capturable = if self.status == Status::RequiresCapture {
            self.amount
        } else {
            0
        };
        json!({
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": capturable,
            "amount_received": self.amount_received,
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method.name(),
            "client_secret": self.client_secret,
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": false,
            "metadata": self.metadata,
            "next_action": null,
            "payment_method": self.payment_method,
            "payment_method_types": ["card"],
            "status": self.status.name(),
        })
    }

    /// The intent with this id.
    pub(crate) async fn find(
        id: &str,
        database: impl SqliteExecutor<'_>,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM payment_intents WHERE id = $1")
            .bind(id)
            .fetch_optional(database)
            .await?;
        row.as_ref().map(Self::from_row).transpose()
    }

    /// A window of all intents, newest first.
    pub(crate) async fn list(
        window: &Window,
        database: impl SqliteExecutor<'_>,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT * FROM payment_intents
             WHERE $1 IS NULL OR seq < (SELECT seq FROM payment_intents WHERE id = $1)
             ORDER BY seq DESC
             LIMIT $2",
        )
        .bind(&window.starting_after)
        .bind(window.rows())
        .fetch_all(database)
        .await?;
        rows.iter().map(Self::from_row).collect()
    }

    pub(crate) async fn insert(&self, database: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO payment_intents (id, amount, currency, capture_method, status, payment_method,
                                          client_secret, description, metadata, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(&self.id)
        .bind(self.amount)
        .bind(&self.currency)
        .bind(self.capture_method.name())
        .bind(self.status.name())
        .bind(&self.payment_method)
        .bind(&self.client_secret)
        .bind(&self.description)
        .bind(json!(self.metadata).to_string())
        .bind(self.created)
        .execute(database)
        .await?;
        Ok(())
    }

    /// Writes what the intent became, if it still is in state `from`; says whether it was.
    pub(crate) async fn advance(
        &self,
        from: Status,
        database: &mut SqliteConnection,
    ) -> Result<bool, sqlx::Error> {
        let updated = sqlx::query(
            "UPDATE payment_intents
             SET status = $3, amount_received = $4, payment_method = $5, latest_charge = $6,
                 last_payment_error = $7, cancellation_reason = $8, canceled_at = $9
             WHERE id = $1 AND status = $2",
        )
        .bind(&self.id)
        .bind(from.name())
        .bind(self.status.name())
        .bind(self.amount_received)
        .bind(&self.payment_method)
        .bind(&self.latest_charge)
        .bind(self.last_payment_error.as_ref().map(Value::to_string))
        .bind(&self.cancellation_reason)
        .bind(self.canceled_at)
        .execute(database)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let capture_method = match row.try_get("capture_method")? {
            "manual" => CaptureMethod::Manual,
            _ => CaptureMethod::Automatic,
        };
        let last_payment_error: Option<&str> = row.try_get("last_payment_error")?;
        Ok(Self {
            id: row.try_get("id")?,
            amount: row.try_get("amount")?,
            amount_received: row.try_get("amount_received")?,
            currency: row.try_get("currency")?,
            capture_method,
            status: Status::stored(row.try_get("status")?)?,
            payment_method: row.try_get("payment_method")?,
            latest_charge: row.try_get("latest_charge")?,
            last_payment_error: last_payment_error.map(decode).transpose()?,
            cancellation_reason: row.try_get("cancellation_reason")?,
            canceled_at: row.try_get("canceled_at")?,
            client_secret: row.try_get("client_secret")?,
            description: row.try_get("description")?,
            metadata: decode(row.try_get("metadata")?)?,
            created: row.try_get("created")?,
        })
    }
}

/// Reads a column that holds JSON.
pub(crate) fn decode<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, sqlx::Error> {
    serde_json::from_str(json).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}
