//! Shipments and receipts: what is due, and who works on it.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    fulfilment::{DueReceipt, FulfilmentStore, Shipment, Stage},
    id::OrderId,
    time::Timestamp,
};
use sqlx::sqlite::SqliteRow;

use crate::{
    Database, column,
    error::{Attempt, write},
};

/// The shipments and receipts of the shop.
#[derive(Debug, Clone)]
pub struct Shipments {
    database: Database,
}

fn shipment(row: &SqliteRow) -> Attempt<Shipment> {
    Ok(Shipment {
        order: column::parsed(row, "order_id", OrderId::parse)?,
        stage: column::parsed(row, "stage", Stage::parse)?,
        attempts: column::count(row, "attempts")?,
    })
}

fn due_receipt(row: &SqliteRow) -> Attempt<DueReceipt> {
    Ok(DueReceipt {
        order: column::parsed(row, "order_id", OrderId::parse)?,
        attempts: column::count(row, "receipt_attempts")?,
        since: column::time(row, "noted_at")?,
    })
}

impl Shipments {
    /// The shipments in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_note(&self, order: &OrderId, ship_at: Timestamp, now: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let noted = sqlx::query(
            "INSERT INTO shipments (order_id, stage, due_at, noted_at, receipt_due_at)
             VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(order.as_str())
        .bind(Stage::Packing.as_str())
        .bind(ship_at.as_millis())
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(noted == 1)
    }

    async fn try_take_shipments(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Attempt<Vec<Shipment>> {
        let mut transaction = self.database.begin().await?;
        let rows = sqlx::query(
            "UPDATE shipments SET due_at = $2
             WHERE order_id IN (
                 SELECT order_id FROM shipments
                 WHERE due_at <= $1
                 ORDER BY due_at
                 LIMIT $3 + 0
             )
             RETURNING order_id, stage, attempts",
        )
        .bind(now.as_millis())
        .bind(lease_until.as_millis())
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        rows.iter().map(shipment).collect()
    }

    async fn try_moved(
        &self,
        order: &OrderId,
        from: Stage,
        to: Stage,
        due_at: Option<Timestamp>,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query(
            "UPDATE shipments SET stage = $3, attempts = 0, due_at = $4
             WHERE order_id = $1 AND stage = $2",
        )
        .bind(order.as_str())
        .bind(from.as_str())
        .bind(to.as_str())
        .bind(due_at.map(Timestamp::as_millis))
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_postpone_shipment(
        &self,
        order: &OrderId,
        stage: Stage,
        attempts: u32,
        due_at: Timestamp,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query(
            "UPDATE shipments SET attempts = $3, due_at = $4
             WHERE order_id = $1 AND stage = $2",
        )
        .bind(order.as_str())
        .bind(stage.as_str())
        .bind(i64::from(attempts))
        .bind(due_at.as_millis())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_take_receipt(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Attempt<Option<DueReceipt>> {
        let mut transaction = self.database.begin().await?;
        let row = sqlx::query(
            "UPDATE shipments SET receipt_due_at = $2
             WHERE order_id IN (
                 SELECT order_id FROM shipments
                 WHERE receipt_due_at <= $1
                 ORDER BY receipt_due_at
                 LIMIT 1
             )
             RETURNING order_id, receipt_attempts, noted_at",
        )
        .bind(now.as_millis())
        .bind(lease_until.as_millis())
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        row.as_ref().map(due_receipt).transpose()
    }

    async fn try_receipt_settled(&self, order: &OrderId) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("UPDATE shipments SET receipt_due_at = NULL WHERE order_id = $1")
            .bind(order.as_str())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_postpone_receipt(
        &self,
        order: &OrderId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query(
            "UPDATE shipments SET receipt_attempts = $2, receipt_due_at = $3
             WHERE order_id = $1 AND receipt_due_at IS NOT NULL",
        )
        .bind(order.as_str())
        .bind(i64::from(attempts))
        .bind(due_at.as_millis())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }
}

#[async_trait]
impl FulfilmentStore for Shipments {
    async fn note(&self, order: &OrderId, ship_at: Timestamp, now: Timestamp) -> Result<bool> {
        write(move || self.try_note(order, ship_at, now)).await
    }

    async fn take_shipments(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
        limit: u32,
    ) -> Result<Vec<Shipment>> {
        write(move || self.try_take_shipments(now, lease_until, limit)).await
    }

    async fn moved(
        &self,
        order: &OrderId,
        from: Stage,
        to: Stage,
        due_at: Option<Timestamp>,
    ) -> Result<()> {
        write(move || self.try_moved(order, from, to, due_at)).await
    }

    async fn postpone_shipment(
        &self,
        order: &OrderId,
        stage: Stage,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()> {
        write(move || self.try_postpone_shipment(order, stage, attempts, due_at)).await
    }

    async fn take_receipt(
        &self,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<DueReceipt>> {
        write(move || self.try_take_receipt(now, lease_until)).await
    }

    async fn receipt_settled(&self, order: &OrderId) -> Result<()> {
        write(move || self.try_receipt_settled(order)).await
    }

    async fn postpone_receipt(
        &self,
        order: &OrderId,
        attempts: u32,
        due_at: Timestamp,
    ) -> Result<()> {
        write(move || self.try_postpone_receipt(order, attempts, due_at)).await
    }
}
