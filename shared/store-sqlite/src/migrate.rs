//! Brings a context's tables up to date. Any number of processes may do so at once.

use bothways_domain::{Error, Result};
use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{Migration, MigrationType, Migrator},
};

use crate::error::{Attempt, write};

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
pub(crate) async fn run(writer: &SqlitePool, context: &str) -> Result<()> {
    let migrations = migrations(context)
        .ok_or_else(|| Error::internal(format!("there is no context {context}")))?;
    let mut migrator = Migrator::with_migrations(migrations);
    // While a new version is rolled out, processes of the one before go on beside it.
    migrator.set_ignore_missing(true);
    let migrator = &migrator;
    write(move || apply(writer, migrator)).await
}

/// sqlx locks nothing for SQLite. Inside one immediate transaction, its own transactions become savepoints,
/// and a second process waits until it finds everything applied.
async fn apply(writer: &SqlitePool, migrator: &Migrator) -> Attempt<()> {
    let mut transaction = writer.begin_with("BEGIN IMMEDIATE").await?;
    migrator
        .run_direct(None, &mut *transaction, false)
        .await
        .map_err(sqlx::Error::from)?;
    Ok(transaction.commit().await?)
}
