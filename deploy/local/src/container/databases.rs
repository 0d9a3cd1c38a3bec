//! The databases of a shop in containers: one per service and one for all functions, each owned by a role that
//! can connect to no other.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::settings;

/// Makes what is missing, for the roles of `ROLES`, through `DATABASE_URL`, the superuser's.
pub(crate) async fn make() -> Result<(), String> {
    let url = settings::require("DATABASE_URL")?;
    let roles: BTreeMap<String, String> =
        serde_json::from_str(&settings::require("ROLES")?).map_err(|error| error.to_string())?;
    for (role, password) in &roles {
        // They become part of SQL, which takes no parameters here.
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain(role) || !plain(password) {
            return Err(format!(
                "the role {role}: only letters and digits are taken"
            ));
        }
    }
    ensure(&url, &roles)
        .await
        .map_err(|error| format!("PostgreSQL: {error}"))?;
    println!("{} databases are there", roles.len());
    Ok(())
}

async fn ensure(url: &str, roles: &BTreeMap<String, String>) -> sqlx::Result<()> {
    let mut connection = PgConnection::connect(url).await?;
    for (role, password) in roles {
        let has_role = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)";
        let verb = if exists(&mut connection, has_role, role).await? {
            "ALTER"
        } else {
            "CREATE"
        };
        let statement = format!("{verb} ROLE {role} LOGIN PASSWORD '{password}'");
        connection.execute(AssertSqlSafe(statement)).await?;
        let has_database = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";
        if !exists(&mut connection, has_database, role).await? {
            let statement = format!("CREATE DATABASE {role} OWNER {role}");
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        close(&mut connection, role).await?;
    }
    close(&mut connection, "postgres").await?;
    connection.close().await
}

/// Lets nobody into a database but its owner.
async fn close(connection: &mut PgConnection, database: &str) -> sqlx::Result<()> {
    let statement = format!("REVOKE ALL ON DATABASE {database} FROM PUBLIC");
    connection.execute(AssertSqlSafe(statement)).await?;
    Ok(())
}

async fn exists(
    connection: &mut PgConnection,
    question: &'static str,
    name: &str,
) -> sqlx::Result<bool> {
    sqlx::query_scalar(question)
        .bind(name)
        .fetch_one(connection)
        .await
}
