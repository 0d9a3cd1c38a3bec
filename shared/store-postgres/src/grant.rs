//! A role that may read and write the tables of one context.

use bothways_domain::Error;
use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool};

use crate::error::{Attempt, Failure};

/// Everything a role needs besides being there, `{role}` and `{schema}` being names that need no quoting. A role brings
/// its schema along, because what stands between (RDS Proxy) may take no options.
const GRANTS: [&str; 7] = [
    "ALTER ROLE {role} SET search_path = {schema}",
    "GRANT USAGE ON SCHEMA {schema} TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {role}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {schema} TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {role}",
    "ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT USAGE, SELECT ON SEQUENCES TO {role}",
    // What was migrated is the owner's to say.
    "REVOKE INSERT, UPDATE, DELETE ON {schema}._sqlx_migrations FROM {role}",
];

/// The role that lets another sign in with IAM, on Amazon RDS and Aurora.
const IAM: &str = "rds_iam";

/// Makes `role` if it is missing, and grants it the schema that `pool` is in.
pub(crate) async fn run(pool: &PgPool, role: &str) -> Attempt<()> {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if role.is_empty() || !role.bytes().all(is_plain) {
        let fault = "a role's name is made of a-z, 0-9 and _";
        return Err(Failure::Domain(Error::internal(fault)));
    }
    let mut transaction = pool.begin().await?;
    // Roles are the server's, not the schema's: two that make one at once would fail.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('bothways roles'))")
        .execute(&mut *transaction)
        .await?;
    // Made by the migrations out of the same letters.
    let schema: String = sqlx::query_scalar("SELECT current_schema()")
        .fetch_one(&mut *transaction)
        .await?;
    let fill = |sql: &str| sql.replace("{role}", role).replace("{schema}", &schema);
    if !exists(&mut transaction, role).await? {
        let sql = fill("CREATE ROLE {role} LOGIN");
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    if exists(&mut transaction, IAM).await? {
        let sql = format!("GRANT {IAM} TO {role}");
        transaction.execute(AssertSqlSafe(sql)).await?;
    }
    for sql in GRANTS {
        transaction.execute(AssertSqlSafe(fill(sql))).await?;
    }
    Ok(transaction.commit().await?)
}

async fn exists(connection: &mut PgConnection, role: &str) -> Attempt<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)";
    let query = sqlx::query_scalar(sql).bind(role);
    Ok(query.fetch_one(connection).await?)
}
