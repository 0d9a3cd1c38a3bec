//! Accounts, sessions and signing keys.

use async_trait::async_trait;
use bothways_domain::{
    Result,
    caller::Role,
    id::{SessionId, UserId, digest},
    identity::{
        EmailAddress, IdentityStore, PublicKey, RefreshToken, Rotation, SigningKey, User,
        UserRecord,
    },
    time::Timestamp,
};
use sqlx::{PgConnection, Row, postgres::PgRow};

use crate::{
    Database, column,
    error::{Attempt, read, write},
};

/// Tells the advisory locks that guard sign-ins from others.
const SIGN_IN_LOCK: i32 = 1;
/// Those that guard the signing keys.
const KEY_LOCK: i32 = 2;

/// The accounts of the shop.
#[derive(Debug, Clone)]
pub struct Identities {
    database: Database,
}

fn user(row: &PgRow) -> Attempt<User> {
    Ok(User {
        id: column::parsed(row, "id", UserId::parse)?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        role: column::parsed(row, "role", Role::parse)?,
        created_at: column::time(row, "created_at")?,
    })
}

fn signing_key(row: &PgRow) -> Attempt<SigningKey> {
    Ok(SigningKey {
        public: column::json(row, "public_key")?,
        secret: row.try_get("secret")?,
        created_at: column::time(row, "created_at")?,
    })
}

async fn add_token(connection: &mut PgConnection, token: &RefreshToken) -> Attempt<()> {
    sqlx::query("INSERT INTO refresh_tokens (digest, session_id, expires_at) VALUES ($1, $2, $3)")
        .bind(token.digest.as_str())
        .bind(token.session.as_str())
        .bind(token.expires_at.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

async fn end_session(
    connection: &mut PgConnection,
    session: &SessionId,
    now: Timestamp,
) -> Attempt<()> {
    sqlx::query("UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(session.as_str())
        .bind(now.as_millis())
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends an account's sessions but the `kept` one.
async fn end_sessions(
    connection: &mut PgConnection,
    user: &UserId,
    kept: Option<&SessionId>,
    now: Timestamp,
) -> Attempt<()> {
    sqlx::query(
        "UPDATE sessions SET revoked_at = $3
         WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL",
    )
    .bind(user.as_str())
    .bind(kept.map_or("", SessionId::as_str))
    .bind(now.as_millis())
    .execute(connection)
    .await?;
    Ok(())
}

impl Identities {
    /// The accounts in `database`.
    pub fn new(database: Database) -> Self {
        Self { database }
    }

    async fn try_create_user(&self, record: &UserRecord) -> Attempt<bool> {
        let user = &record.user;
        let mut transaction = self.database.begin().await?;
        let created = sqlx::query(
            "INSERT INTO users (id, email, name, role, password_hash, created_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (email) DO NOTHING",
        )
        .bind(user.id.as_str())
        .bind(user.email.as_str())
        .bind(user.name.as_str())
        .bind(user.role.as_str())
        .bind(record.password_hash.as_str())
        .bind(user.created_at.as_millis())
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(created == 1)
    }

    async fn try_user_by_email(&self, email: &EmailAddress) -> Attempt<Option<UserRecord>> {
        let query = sqlx::query(
            "SELECT id, email, name, role, password_hash, created_at FROM users WHERE email = $1",
        )
        .bind(email.as_str());
        let row = self.database.fetch_optional(query).await?;
        let record = |row: PgRow| {
            Ok(UserRecord {
                user: user(&row)?,
                password_hash: row.try_get("password_hash")?,
            })
        };
        row.map(record).transpose()
    }

    async fn try_user(&self, id: &UserId) -> Attempt<Option<User>> {
        let query =
            sqlx::query("SELECT id, email, name, role, created_at FROM users WHERE id = $1")
                .bind(id.as_str());
        let row = self.database.fetch_optional(query).await?;
        row.as_ref().map(user).transpose()
    }

    async fn try_set_role(&self, id: &UserId, role: Role) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("UPDATE users SET role = $2 WHERE id = $1")
            .bind(id.as_str())
            .bind(role.as_str())
            .execute(&mut *transaction)
            .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_failures(&self, email: &str, since: Timestamp) -> Attempt<u32> {
        let query = sqlx::query(
            "SELECT COUNT(*) AS failures FROM sign_in_failures
             WHERE address_digest = $1 AND failed_at >= $2",
        )
        .bind(digest(email))
        .bind(since.as_millis());
        let row = self.database.fetch_one(query).await?;
        column::count(&row, "failures")
    }

    async fn try_note_failure(
        &self,
        email: &str,
        now: Timestamp,
        since: Timestamp,
        limit: u32,
    ) -> Attempt<bool> {
        let mut transaction = self.database.begin().await?;
        // Counting and adding have to be one step, and there may be no row yet to lock.
        sqlx::query("SELECT pg_advisory_xact_lock($1, hashtext($2))")
            .bind(SIGN_IN_LOCK)
            .bind(digest(email))
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "DELETE FROM sign_in_failures
             WHERE id IN (SELECT id FROM sign_in_failures WHERE failed_at < $1 FOR UPDATE SKIP LOCKED)",
        )
        .bind(since.as_millis())
        .execute(&mut *transaction)
        .await?;
        let noted = sqlx::query(
            "INSERT INTO sign_in_failures (address_digest, failed_at)
             SELECT $1, CAST($2 AS BIGINT)
             WHERE (SELECT COUNT(*) FROM sign_in_failures
                    WHERE address_digest = $1 AND failed_at >= $3) < $4",
        )
        .bind(digest(email))
        .bind(now.as_millis())
        .bind(since.as_millis())
        .bind(i64::from(limit))
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        transaction.commit().await?;
        Ok(noted == 1)
    }

    async fn try_open_session(&self, token: &RefreshToken, now: Timestamp) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("INSERT INTO sessions (id, user_id, opened_at) VALUES ($1, $2, $3)")
            .bind(token.session.as_str())
            .bind(token.user.as_str())
            .bind(now.as_millis())
            .execute(&mut *transaction)
            .await?;
        add_token(&mut transaction, token).await?;
        Ok(transaction.commit().await?)
    }

    /// A token that was traded before is a replay even after it expired.
    async fn try_rotate(
        &self,
        digest: &str,
        next_digest: &str,
        next_expires_at: Timestamp,
        again_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Attempt<Rotation> {
        let mut transaction = self.database.begin().await?;
        let row = sqlx::query(
            "SELECT refresh_tokens.expires_at, refresh_tokens.rotated_at, sessions.id AS session_id,
                    users.id, users.email, users.name, users.role, users.created_at
             FROM refresh_tokens
             JOIN sessions ON sessions.id = refresh_tokens.session_id
             JOIN users ON users.id = sessions.user_id
             WHERE refresh_tokens.digest = $1 AND sessions.revoked_at IS NULL
             FOR UPDATE OF refresh_tokens, sessions",
        )
        .bind(digest)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            return Ok(Rotation::Refused);
        };
        let user = Box::new(user(&row)?);
        let session = column::parsed(&row, "session_id", SessionId::parse)?;
        let traded = row.try_get::<Option<i64>, _>("rotated_at")?;
        let again = |at: i64| again_since.is_some_and(|since| since.as_millis() <= at);
        if traded.is_some_and(|at| !again(at)) {
            end_session(&mut transaction, &session, now).await?;
            transaction.commit().await?;
            return Ok(Rotation::Replayed);
        }
        if column::time(&row, "expires_at")? <= now {
            return Ok(Rotation::Refused);
        }
        sqlx::query(
            "UPDATE refresh_tokens SET rotated_at = COALESCE(rotated_at, $2) WHERE digest = $1",
        )
        .bind(digest)
        .bind(now.as_millis())
        .execute(&mut *transaction)
        .await?;
        let next = RefreshToken {
            digest: next_digest.to_owned(),
            session: session.clone(),
            user: user.id.clone(),
            expires_at: next_expires_at,
        };
        add_token(&mut transaction, &next).await?;
        transaction.commit().await?;
        Ok(Rotation::Rotated { user, session })
    }

    async fn try_set_password(
        &self,
        user: &UserId,
        hash: &str,
        kept: &SessionId,
        now: Timestamp,
    ) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        sqlx::query("UPDATE users SET password_hash = $2 WHERE id = $1")
            .bind(user.as_str())
            .bind(hash)
            .execute(&mut *transaction)
            .await?;
        end_sessions(&mut transaction, user, Some(kept), now).await?;
        Ok(transaction.commit().await?)
    }

    async fn try_revoke_all(&self, user: &UserId, now: Timestamp) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        end_sessions(&mut transaction, user, None, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn try_revoke(&self, session: &SessionId, now: Timestamp) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        end_session(&mut transaction, session, now).await?;
        Ok(transaction.commit().await?)
    }

    async fn try_is_open(&self, session: &SessionId) -> Attempt<bool> {
        let query = sqlx::query("SELECT 1 FROM sessions WHERE id = $1 AND revoked_at IS NULL")
            .bind(session.as_str());
        let row = self.database.fetch_optional(query).await?;
        Ok(row.is_some())
    }

    async fn try_add_key(&self, key: &SigningKey, oldest: Timestamp) -> Attempt<()> {
        let mut transaction = self.database.begin().await?;
        // Looking and adding have to be one step, and there may be no row yet to lock.
        sqlx::query("SELECT pg_advisory_xact_lock($1, 0)")
            .bind(KEY_LOCK)
            .execute(&mut *transaction)
            .await?;
        sqlx::query(
            "INSERT INTO signing_keys (kid, public_key, secret, created_at)
             SELECT $1, $2, $3, $4
             WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE created_at > $5)",
        )
        .bind(key.public.kid.as_str())
        .bind(serde_json::to_string(&key.public)?)
        .bind(key.secret.as_str())
        .bind(key.created_at.as_millis())
        .bind(oldest.as_millis())
        .execute(&mut *transaction)
        .await?;
        Ok(transaction.commit().await?)
    }

    async fn try_current_key(&self) -> Attempt<Option<SigningKey>> {
        let query = sqlx::query(
            "SELECT public_key, secret, created_at FROM signing_keys
             ORDER BY created_at DESC, kid DESC
             LIMIT 1",
        );
        let row = self.database.fetch_optional(query).await?;
        row.as_ref().map(signing_key).transpose()
    }

    async fn try_public_keys(&self, since: Timestamp) -> Attempt<Vec<PublicKey>> {
        let query = sqlx::query(
            "SELECT public_key FROM signing_keys
             WHERE created_at >= $1
             ORDER BY created_at DESC, kid DESC",
        )
        .bind(since.as_millis());
        let rows = self.database.fetch_all(query).await?;
        rows.iter()
            .map(|row| column::json(row, "public_key"))
            .collect()
    }
}

#[async_trait]
impl IdentityStore for Identities {
    async fn create_user(&self, user: &UserRecord) -> Result<bool> {
        write(move || self.try_create_user(user)).await
    }

    async fn user_by_email(&self, email: &EmailAddress) -> Result<Option<UserRecord>> {
        read(move || self.try_user_by_email(email)).await
    }

    async fn user(&self, id: &UserId) -> Result<Option<User>> {
        read(move || self.try_user(id)).await
    }

    async fn set_role(&self, id: &UserId, role: Role) -> Result<()> {
        write(move || self.try_set_role(id, role)).await
    }

    async fn failures(&self, email: &str, since: Timestamp) -> Result<u32> {
        read(move || self.try_failures(email, since)).await
    }

    async fn note_failure(
        &self,
        email: &str,
        now: Timestamp,
        since: Timestamp,
        limit: u32,
    ) -> Result<bool> {
        write(move || self.try_note_failure(email, now, since, limit)).await
    }

    async fn open_session(&self, token: &RefreshToken, now: Timestamp) -> Result<()> {
        write(move || self.try_open_session(token, now)).await
    }

    async fn rotate(
        &self,
        digest: &str,
        next_digest: &str,
        next_expires_at: Timestamp,
        again_since: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Rotation> {
        write(move || self.try_rotate(digest, next_digest, next_expires_at, again_since, now)).await
    }

    async fn set_password(
        &self,
        user: &UserId,
        hash: &str,
        kept: &SessionId,
        now: Timestamp,
    ) -> Result<()> {
        write(move || self.try_set_password(user, hash, kept, now)).await
    }

    async fn revoke_all(&self, user: &UserId, now: Timestamp) -> Result<()> {
        write(move || self.try_revoke_all(user, now)).await
    }

    async fn revoke(&self, session: &SessionId, now: Timestamp) -> Result<()> {
        write(move || self.try_revoke(session, now)).await
    }

    async fn is_open(&self, session: &SessionId) -> Result<bool> {
        read(move || self.try_is_open(session)).await
    }

    async fn add_key(&self, key: &SigningKey, oldest: Timestamp) -> Result<()> {
        write(move || self.try_add_key(key, oldest)).await
    }

    async fn current_key(&self) -> Result<Option<SigningKey>> {
        read(move || self.try_current_key()).await
    }

    async fn public_keys(&self, since: Timestamp) -> Result<Vec<PublicKey>> {
        read(move || self.try_public_keys(since)).await
    }
}
