//! A refund: money of a captured charge given back.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sqlx::{Row as _, SqliteConnection, SqliteExecutor, sqlite::SqliteRow};

use crate::{intent::decode, listing::Window};

/// Money given back; the sandbox's issuers take it at once.
#[derive(Debug, Clone)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) charge: String,
    pub(crate) payment_intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) created: i64,
}

impl Refund {
    /// The refund as Stripe's API shows it.
    pub(crate) fn view(&self) -> Value {
        json!({
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "charge": self.charge,
            "created": self.created,
            "currency": self.currency,
            "metadata": self.metadata,
            "payment_intent": self.payment_intent,
            "reason": self.reason,
            "status": "succeeded",
        })
    }

    /// Whether there is a refund with this id.
    pub(crate) async fn exists(
        id: &str,
        database: impl SqliteExecutor<'_>,
    ) -> Result<bool, sqlx::Error> {
        let row = sqlx::query("SELECT 1 FROM refunds WHERE id = $1")
            .bind(id)
            .fetch_optional(database)
            .await?;
        Ok(row.is_some())
    }

    /// A window of the refunds, of one intent or of all, newest first.
    pub(crate) async fn list(
        intent: Option<&str>,
        window: &Window,
        database: impl SqliteExecutor<'_>,
    ) -> Result<Vec<Self>, sqlx::Error> {
        let rows = sqlx::query(
            "SELECT * FROM refunds
             WHERE ($1 IS NULL OR payment_intent = $1)
               AND ($2 IS NULL OR seq < (SELECT seq FROM refunds WHERE id = $2))
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
            "INSERT INTO refunds (id, charge, payment_intent, amount, currency, reason, metadata, created)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&self.id)
        .bind(&self.charge)
        .bind(&self.payment_intent)
        .bind(self.amount)
        .bind(&self.currency)
        .bind(&self.reason)
        .bind(json!(self.metadata).to_string())
        .bind(self.created)
        .execute(database)
        .await?;
        Ok(())
    }

    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: row.try_get("id")?,
            charge: row.try_get("charge")?,
            payment_intent: row.try_get("payment_intent")?,
            amount: row.try_get("amount")?,
            currency: row.try_get("currency")?,
            reason: row.try_get("reason")?,
            metadata: decode(row.try_get("metadata")?)?,
            created: row.try_get("created")?,
        })
    }
}
