//! A charge: one attempt to take an intent's money, successful or not.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use crate::{
    identifier,
    intent::{Intent, decode},
    listing::Window,
    method::{Decline, PaymentMethod},
};

/// One attempt on a card.
#[derive(Debug, Clone)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) payment_intent: String,
    pub(crate) amount: i64,
    pub(crate) amount_captured: i64,
    /// Given back or, for an authorisation that was cancelled, released.
    pub(crate) amount_refunded: i64,
    pub(crate) captured: bool,
    pub(crate) currency: String,
    pub(crate) decline_code: Option<String>,
    pub(crate) payment_method: String,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created: i64,
}

impl Charge {
    /// An authorisation of an intent's amount, or a refusal of it.
    pub(crate) fn attempt(
        intent: &Intent,
        method: PaymentMethod,
        declined: Option<Decline>,
    ) -> Self {
        Self {
            id: identifier::fresh("ch"),
            payment_intent: intent.id.clone(),
            amount: intent.amount,
            amount_captured: 0,
            amount_refunded: 0,
            captured: false,
            currency: intent.currency.clone(),
            decline_code: declined.map(|decline| decline.code().to_owned()),
            payment_method: method.name().to_owned(),
            description: intent.description.clone(),
            metadata: intent.metadata.clone(),
            created: identifier::now(),
        }
    }

    /// Takes `amount` of what is authorised; the rest is released.
    pub(crate) fn capture(&mut self, amount: i64) {
        self.captured = true;
        self.amount_captured = amount;
    }

    /// What can still be given back.
    pub(crate) fn refundable(&self) -> i64 {
        self.amount_captured - self.amount_refunded
    }

    fn status(&self) -> &'static str {
        if self.decline_code.is_some() {
            "failed"
        } else {
            "succeeded"
        }
    }

    /// The charge as Stripe's API shows it.
    pub(crate) fn view(&self) -> Value {
        let failed = self.decline_code.is_some();
        let whole = if self.captured {
            self.amount_captured
        } else {
            self.amount
        };
        json!({
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded,
            "captured": self.captured,
            "created": self.created,
            "currency": self.currency,
            "description": self.description,
            "failure_code": failed.then_some("card_declined"),
            "livemode": false,
            "metadata": self.metadata,
            "outcome": {
                "network_status": if failed { "declined_by_network" } else { "approved_by_network" },
                "reason": self.decline_code,
                "type": if failed { "issuer_declined" } else { "authorized" },
            },
            "paid": !failed,
            "payment_intent": self.payment_intent,
            "payment_method": self.payment_method,
            "refunded": !failed && self.amount_refunded == whole,
            "status": self.status(),
        })
    }

    /// The charge with this id.
    pub(crate) async fn find(
        id: &str,
        database: impl SqliteExecutor<'_>,
    ) -> Result<Option<Self>, sqlx::Error> {
        let row = sqlx::query("SELECT * FROM charges WHERE id = $1")
            .bind(id)
            .fetch_optional(database)
            .await?;
        row.as_ref().map(Self::from_row).transpose()
    }

    /// A window of the charges, of one intent or of all, newest first.
    pub(crate) async fn list(
        intent: Option<&str>,
        window: &Window,
        database: impl SqliteExecutor<'_>,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT * FROM charges
             WHERE ($1 IS NULL OR payment_intent = $1)
               AND ($2 IS NULL OR seq < (SELECT seq FROM charges WHERE id = $2))
             ORDER BY seq DESC
             LIMIT $3",
        )
        .bind(intent)
        .bind(&window.starting_after)
        .bind(window.rows())
        .fetch_all(database)
        .await?;
        rows.iter().map(Self::from_row).collect()
    }

    pub(crate) async fn insert(&self, database: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO charges (id, payment_intent, amount, amount_captured, captured, currency, status,
                                  decline_code, payment_method, description, metadata, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        )
        .bind(&self.id)
        .bind(&self.payment_intent)
        .bind(self.amount)
        .bind(self.amount_captured)
        .bind(self.captured)
        .bind(&self.currency)
        .bind(self.status())
        .bind(&self.decline_code)
        .bind(&self.payment_method)
        .bind(&self.description)
        .bind(json!(self.metadata).to_string())
        .bind(self.created)
        .execute(database)
        .await?;
        Ok(())
    }

    /// Records that an authorisation was captured.
    pub(crate) async fn save_capture(
        &self,
        database: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE charges SET captured = 1, amount_captured = $2 WHERE id = $1 AND captured = 0",
        )
        .bind(&self.id)
        .bind(self.amount_captured)
        .execute(database)
        .await?;
        Ok(())
    }

    /// Records that an authorisation was given up: nothing was taken, so all of it is back.
    pub(crate) async fn release(
        id: &str,
        database: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        sqlx::query("UPDATE charges SET amount_refunded = amount WHERE id = $1 AND captured = 0")
            .bind(id)
            .execute(database)
            .await?;
        Ok(())
    }

    /// Gives `amount` back if that much was taken and not given back yet; says whether it was.
    pub(crate) async fn give_back(
        &self,
        amount: i64,
        database: &mut SqliteConnection,
    ) -> Result<bool, sqlx::Error> {
        let updated = sqlx::query(
            "UPDATE charges SET amount_refunded = amount_refunded + $2
             WHERE id = $1 AND captured = 1 AND amount_refunded + $2 <= amount_captured",
        )
        .bind(&self.id)
        .bind(amount)
        .execute(database)
        .await?;
        Ok(updated.rows_affected() == 1)
    }

    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            payment_intent: row.try_get("payment_intent")?,
            amount: row.try_get("amount")?,
            amount_captured: row.try_get("amount_captured")?,
            amount_refunded: row.try_get("amount_refunded")?,
            captured: row.try_get("captured")?,
            currency: row.try_get("currency")?,
            decline_code: row.try_get("decline_code")?,
            payment_method: row.try_get("payment_method")?,
            description: row.try_get("description")?,
            metadata: decode(row.try_get("metadata")?)?,
            created: row.try_get("created")?,
        })
    }
}
