//! Brings a context's tables up to date. Any number of processes may do so at once.

use bothways_domain::{Error, Result};
use sqlx::{
    Connection, PgConnection, Row, SqlSafeStr,
    migrate::{Migrate, Migration, MigrationType, Migrator},
    postgres::PgConnectOptions,
};

use crate::error::{Attempt, Failure, write};

/// The table in which sqlx notes what was applied.
const APPLIED: &str = "_sqlx_migrations";

/// The migrations of a context, oldest first. One that was ever released is never edited.
fn migrations(context: &str) -> Option<Vec<Migration>> {
    let (initial, later): (_, &[(i64, &'static str, &'static str)]) = match context {
        "product" => (
            include_str!("migrations/product/0001_initial.sql"),
            &[(
                2,
                "picture",
                include_str!("migrations/product/0002_picture.sql"),
            )],
        ),
        "inventory" => (
            include_str!("migrations/inventory/0001_initial.sql"),
            &[(
                2,
                "sold",
                include_str!("migrations/inventory/0002_sold.sql"),
            )],
        ),
        "cart" => (
            include_str!("migrations/cart/0001_initial.sql"),
            &[(
                2,
                "carts_by_owner",
                include_str!("migrations/cart/0002_carts_by_owner.sql"),
            )],
        ),
        "checkout" => (
            include_str!("migrations/checkout/0001_initial.sql"),
            &[(
                2,
                "orders_by_time",
                include_str!("migrations/checkout/0002_orders_by_time.sql"),
            )],
        ),
        "fulfilment" => (include_str!("migrations/fulfilment/0001_initial.sql"), &[]),
        "media" => (include_str!("migrations/media/0001_initial.sql"), &[]),
        "identity" => (
            include_str!("migrations/identity/0001_initial.sql"),
            &[(
                2,
                "sessions_by_user",
                include_str!("migrations/identity/0002_sessions_by_user.sql"),
            )],
        ),
        _ => return None,
    };
    let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
        let kind = MigrationType::Simple;
        Migration::new(*version, (*name).into(), kind, sql.into_sql_str(), false)
    };
    let all = [(1, "initial", initial)];
    Some(all.iter().chain(later).map(migration).collect())
}

/// Applies what has not been applied yet.
pub(crate) async fn run(options: &PgConnectOptions, context: &str) -> Result<()> {
    let migrator = &migrator(context)?;
    write(move || apply(options, migrator)).await
}

/// The same for a connection that was just opened, which is not the one that applies anything.
pub(crate) async fn check(
    connection: &mut PgConnection,
    options: &PgConnectOptions,
    context: &str,
) -> sqlx::Result<()> {
    let failed = |error: Error| sqlx::Error::Configuration(error.into());
    if is_current(connection, &migrator(context).map_err(failed)?).await {
        return Ok(());
    }
    run(options, context).await.map_err(failed)
}

fn migrator(context: &str) -> Result<Migrator> {
    let migrations = migrations(context)
        .ok_or_else(|| Error::internal(format!("there is no context {context}")))?;
    let mut migrator = Migrator::with_migrations(migrations);
    // While a new version is rolled out, processes of the one before go on beside it.
    migrator.set_ignore_missing(true);
    Ok(migrator)
}

/// sqlx takes an advisory lock of the database, under which the schema is made too, as two that make one at
/// once fail. The lock belongs to the connection, which is therefore not one of a pool: whatever happens, it ends.
async fn apply(options: &PgConnectOptions, migrator: &Migrator) -> Attempt<()> {
    let mut connection = PgConnection::connect_with(options).await?;
    if !is_current(&mut connection, migrator).await {
        let mut migrator = Migrator {
            migrations: migrator.migrations.clone(),
            ..Migrator::DEFAULT
        };
        migrator.set_ignore_missing(true);
        if let Some(schema) = missing_schema(&mut connection).await? {
            migrator.create_schema(schema);
        }
        migrator
            .run_direct(None, &mut connection, false)
            .await
            .map_err(sqlx::Error::from)?;
    }
    Ok(connection.close().await?)
}

/// Whether nothing is left to apply. Asking needs neither the lock nor the right to make tables, so that many
/// processes start side by side, under roles that may only read and write.
async fn is_current(connection: &mut PgConnection, migrator: &Migrator) -> bool {
    // Where nothing was ever applied, this is an error.
    let applied = connection
        .list_applied_migrations(APPLIED)
        .await
        .unwrap_or_default();
    migrator.iter().all(|migration| {
        applied.iter().any(|applied| {
            applied.version == migration.version && applied.checksum == migration.checksum
        })
    })
}

/// The schema that the URL's `search_path` puts first, if there is none yet.
async fn missing_schema(connection: &mut PgConnection) -> Attempt<Option<String>> {
    let row =
        sqlx::query("SELECT current_setting('search_path') AS path, current_schema() AS present")
            .fetch_one(connection)
            .await?;
    let path: String = row.try_get("path")?;
    let present: Option<String> = row.try_get("present")?;
    let first = path.split(',').next().unwrap_or_default().trim();
    if first.is_empty() || first == "\"$user\"" || present.as_deref() == Some(first) {
        return Ok(None);
    }
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if first.bytes().all(is_plain) {
        Ok(Some(first.to_owned()))
    } else {
        let fault = "DATABASE_URL: a schema in search_path is made of a-z, 0-9 and _";
        Err(Failure::Domain(Error::internal(fault)))
    }
}
