//! The outbox of a context's database.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    event::{DeadLetter, Event, EventKind, Outbox, PendingEvent, Teller},
    id::EventId,
    paging::Page,
    time::Timestamp,
};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{
    Database, column,
    error::{Attempt, read, write},
};

/// The outbox of the context whose database this is.
#[derive(Debug, Clone)]
pub struct ContextOutbox {
    database: Database,
}

/// Adds events, within the transaction of what they tell of. They leave in the order given.
pub(crate) async fn append<'e>(
    connection: &mut SqliteConnection,
    events: impl IntoIterator<Item = &'e Event> + Send,
) -> Attempt<()> {
    let events: Vec<&Event> = events.into_iter().collect();
    for event in events {
        sqlx::query(
            "INSERT INTO outbox (event_id, kind, subject, occurred_at)
             VALUES ($1, $2, $3, $4)",
        )
        .bind(event.id.as_str())
        .bind(event.kind.as_str())
        .bind(event.subject.as_str())
        .bind(event.time.as_millis())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

fn pending_event(row: &SqliteRow) -> Attempt<PendingEvent> {
    let subject: String = row.try_get("subject")?;
    let event = Event::new(
        column::parsed(row, "event_id", EventId::parse)?,
        column::parsed(row, "kind", EventKind::parse)?,
        subject,
        column::time(row, "occurred_at")?,
    );
    Ok(PendingEvent {
        sequence: row.try_get("sequence")?,
        event,
        attempts: column::count(row, "attempts")?,
    })
}

fn dead_letter(row: &SqliteRow) -> Attempt<DeadLetter> {
    let PendingEvent {
        event, attempts, ..
    } = pending_event(row)?;
    let reason = row.try_get("reason")?;
    Ok(DeadLetter::new(event, attempts, reason))
}

impl ContextOutbox {
    /// The outbox in `database`, which is a product, an inventory, a checkout or a media database.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let leased = sqlx::query(
            "INSERT INTO outbox_lease (id, owner, lease_until) VALUES (1, $1, $2)
             ON CONFLICT (id) DO UPDATE SET owner = excluded.owner, lease_until = excluded.lease_until
             WHERE outbox_lease.owner = excluded.owner OR outbox_lease.lease_until <= $3",
        )
        .bind(owner)
        .bind(until.as_millis())
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(leased == 1)
    }

    /// A parked event holds up none that follow it: each only says that its subject has changed.
    async fn try_pending(&self, now: Timestamp, limit: u32) -> Attempt<Vec<PendingEvent>> {
        let query = sqlx::query(
            "SELECT sequence, event_id, kind, subject, occurred_at, attempts
             FROM outbox AS due
             WHERE NOT is_parked AND due_at <= $1
               AND NOT EXISTS (
                   SELECT 1 FROM outbox AS earlier
                   WHERE earlier.subject = due.subject AND earlier.sequence < due.sequence
                     AND NOT earlier.is_parked AND earlier.due_at > $1
               )
             ORDER BY sequence
             LIMIT $2 + 0",
        )
        .bind(now.as_millis())
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        rows.iter().map(pending_event).collect()
    }

    async fn try_tell(&self, event: &Event) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        append(&mut transaction, [event]).await?;
        Ok(transaction.commit().await?)
    }

    async fn try_delivered(&self, sequences: &[i64]) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("DELETE FROM outbox WHERE sequence IN (SELECT value FROM json_each($1))")
            .bind(serde_json::to_string(sequences)?)
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_failed(
        &self,
        sequence: i64,
        reason: &str,
        retry_at: Option<Timestamp>,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query(
            "UPDATE outbox
             SET attempts = attempts + 1, reason = $2, due_at = COALESCE($3, due_at), is_parked = $4
             WHERE sequence = $1",
        )
        .bind(sequence)
        .bind(reason)
        .bind(retry_at.map(Timestamp::as_millis))
        .bind(retry_at.is_none())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    /// What is here already leaves its place for a new one: sent from there again, it is no repetition to the queue.
    async fn try_park(&self, event: &Event, attempts: u32, reason: &str) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("DELETE FROM outbox WHERE event_id = $1")
            .bind(event.id.as_str())
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO outbox (event_id, kind, subject, occurred_at, attempts, is_parked, reason)
             VALUES ($1, $2, $3, $4, $5, TRUE, $6)
             ON CONFLICT (event_id) DO NOTHING",
        )
        .bind(event.id.as_str())
        .bind(event.kind.as_str())
        .bind(event.subject.as_str())
        .bind(event.time.as_millis())
        .bind(i64::from(attempts))
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_dead_letters(&self, limit: u32) -> Attempt<Page<DeadLetter>> {
        let query = sqlx::query(
            "SELECT sequence, event_id, kind, subject, occurred_at, attempts, reason
             FROM outbox
             WHERE is_parked
             ORDER BY occurred_at, event_id
             LIMIT $1 + 0",
        )
        .bind(i64::from(limit));
        let rows = self.database.fetch_all(query).await?;
        let query = sqlx::query("SELECT COUNT(*) AS total FROM outbox WHERE is_parked");
        let total = self.database.fetch_one(query).await?;
        Ok(Page {
            entries: rows.iter().map(dead_letter).collect::<Attempt<_>>()?,
            total: column::count(&total, "total")?.into(),
        })
    }

    /// The event has all its tries again, and its place among those of its subject.
    async fn try_replay(&self, id: &EventId, now: Timestamp) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        let replayed = sqlx::query(
            "UPDATE outbox SET attempts = 0, due_at = $2, is_parked = FALSE
             WHERE event_id = $1 AND is_parked",
        )
        .bind(id.as_str())
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(replayed == 1)
    }
}

#[async_trait]
impl Teller for ContextOutbox {
    async fn tell(&self, event: &Event) -> Result<()> {
        write(move || self.try_tell(event)).await
    }
}

#[async_trait]
impl Outbox for ContextOutbox {
    async fn lease(&self, owner: &str, now: Timestamp, until: Timestamp) -> Result<bool> {
        write(move || self.try_lease(owner, now, until)).await
    }

    async fn pending(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingEvent>> {
        read(move || self.try_pending(now, limit)).await
    }

    async fn delivered(&self, sequences: &[i64]) -> Result<()> {
        if sequences.is_empty() {
            return Ok(());
        }
        write(move || self.try_delivered(sequences)).await
    }

    async fn failed(&self, sequence: i64, reason: &str, retry_at: Option<Timestamp>) -> Result<()> {
        write(move || self.try_failed(sequence, reason, retry_at)).await
    }

    async fn park(&self, event: &Event, attempts: u32, reason: &str) -> Result<()> {
        write(move || self.try_park(event, attempts, reason)).await
    }

    async fn dead_letters(&self, limit: u32) -> Result<Page<DeadLetter>> {
        read(move || self.try_dead_letters(limit)).await
    }

    async fn replay(&self, id: &EventId, now: Timestamp) -> Result<bool> {
        write(move || self.try_replay(id, now)).await
    }
}
