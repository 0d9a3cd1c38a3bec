//! Idempotency keys as Stripe documents them: the first answer is kept and given again.
//!
//! Kept is what an executed request was answered, whether it worked or was refused; not kept are requests that were
//! wrong in themselves, that met a running one with their key, or that failed on the sandbox's side. The record is
//! written in the transaction of what the request did, so that a crash loses both or neither.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::{HeaderMap, StatusCode};
use sqlx::{Connection as _, Row as _, Sqlite, SqliteConnection, Transaction};

use crate::{
    database::Database, error::StripeError, identifier, request::Request, transition::Done,
};

/// Stripe's limit, in characters.
const LONGEST_KEY: usize = 255;

/// What a request is known by.
#[derive(Debug)]
pub(crate) struct Identity {
    key: Option<String>,
    path: String,
    parameters: String,
}

/// How a request is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    /// It is the answer to an earlier request with the same key.
    pub(crate) replayed: bool,
    /// It is to be held back until the client has given up.
    pub(crate) late: bool,
}

/// The keys of requests that run right now. In memory on purpose: after a restart none runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight(Arc<Mutex<HashSet<String>>>);

/// A key's place among the running ones, given up when dropped.
struct Running {
    key: String,
    in_flight: InFlight,
}

impl InFlight {
    fn enter(&self, key: &str) -> Result<Running, StripeError> {
        let mut running = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if running.insert(key.to_owned()) {
            let (key, in_flight) = (key.to_owned(), self.clone());
            Ok(Running { key, in_flight })
        } else {
            Err(StripeError::key_in_use(key))
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let mut running = self
            .in_flight
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        running.remove(&self.key);
    }
}

impl Identity {
    /// Identifies a request to `path`. Errors: an `Idempotency-Key` that is too long or no text.
    pub(crate) fn of(
        headers: &HeaderMap,
        path: &str,
        parameters: &str,
    ) -> Result<Self, StripeError> {
        let key = headers.get("idempotency-key").map(|value| value.to_str());
        let key = key.transpose().map_err(|_| {
            StripeError::invalid("An idempotency key consists of visible ASCII characters.")
        })?;
        if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            let message = format!("An idempotency key has 1 to {LONGEST_KEY} characters.");
            return Err(StripeError::invalid(message));
        }
        Ok(Self {
            key: key.map(str::to_owned),
            path: path.to_owned(),
            parameters: parameters.to_owned(),
        })
    }
}

/// Performs a request, or gives the answer it had when it was made before.
pub(crate) async fn perform(
    database: &Database,
    in_flight: &InFlight,
    identity: Identity,
    request: Request,
) -> Result<Answer, StripeError> {
    let running = identity.key.as_deref().map(|key| in_flight.enter(key));
    let _running = running.transpose()?;
    let mut transaction = database.write().await?;
    if let Some(answer) = recorded(&identity, &mut transaction).await? {
        return Ok(answer);
    }
    let done = attempt(request, &mut transaction).await?;
    let answer = Answer {
        status: done.status,
        body: done.body.to_string(),
        replayed: false,
        late: done.late,
    };
    record(&identity, &answer, &mut transaction).await?;
    transaction.commit().await?;
    Ok(answer)
}

/// Performs a request; a refusal undoes what it began and is an answer like any other.
async fn attempt(
    request: Request,
    transaction: &mut Transaction<'static, Sqlite>,
) -> Result<Done, StripeError> {
    let mut attempt = transaction.begin().await?;
    match request.perform(&mut attempt).await {
        Ok(done) => {
            attempt.commit().await?;
            Ok(done)
        }
        Err(error) if error.http_status().is_server_error() => Err(error),
        Err(error) => {
            attempt.rollback().await?;
            Ok(Done {
                status: error.http_status(),
                body: error.body(),
                late: false,
            })
        }
    }
}

async fn recorded(
    identity: &Identity,
    database: &mut SqliteConnection,
) -> Result<Option<Answer>, StripeError> {
    let Some(key) = &identity.key else {
        return Ok(None);
    };
    let row = sqlx::query(
        "SELECT path, parameters, status, body FROM idempotent_requests WHERE key = $1",
    )
    .bind(key)
    .fetch_optional(database)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let path: &str = row.try_get("path")?;
    if path != identity.path {
        return Err(StripeError::idempotency(format!(
            "Keys for idempotent requests can only be used for the same endpoint they were first used for \
             ('{path}' vs '{}'). Try using a key other than '{key}' if you meant to execute a different request.",
            identity.path
        )));
    }
    if row.try_get::<&str, _>("parameters")? != identity.parameters {
        return Err(StripeError::idempotency(format!(
            "Keys for idempotent requests can only be used with the same parameters they were first used with. Try \
             using a key other than '{key}' if you meant to execute a different request."
        )));
    }
    let status: u16 = row.try_get("status")?;
    Ok(Some(Answer {
        status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        body: row.try_get("body")?,
        replayed: true,
        late: false,
    }))
}

async fn record(
    identity: &Identity,
    answer: &Answer,
    database: &mut SqliteConnection,
) -> Result<(), StripeError> {
    let Some(key) = &identity.key else {
        return Ok(());
    };
    sqlx::query(
        "INSERT INTO idempotent_requests (key, path, parameters, status, body, created)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(key)
    .bind(&identity.path)
    .bind(&identity.parameters)
    .bind(answer.status.as_u16())
    .bind(&answer.body)
    .bind(identifier::now())
    .execute(database)
    .await?;
    Ok(())
}
