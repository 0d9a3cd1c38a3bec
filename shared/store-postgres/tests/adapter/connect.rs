//! Opening databases, and what is said when that fails or connections break.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bothways_domain::{
    Error,
    cart::{Cart, CartStore},
    id::{CartId, UserId},
    identity::{EmailAddress, IdentityStore, User, UserRecord},
    time::Timestamp,
};
use bothways_store_contract::Place;
use bothways_store_postgres::{Carts, Identities, Passwords, connect, connect_with};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::place::{CONTEXTS, Schemas};

fn cart(id: &str) -> Cart {
    Cart {
        id: CartId::parse(id).unwrap(),
        owner: None,
        lines: Vec::new(),
        version: 1,
        updated_at: Timestamp::from_millis(1),
    }
}

/// Passwords that are used for no time at all; how many were asked for.
#[derive(Debug, Default)]
struct Counted(AtomicU32);

impl Passwords for Counted {
    fn password(&self, host: &str, port: u16, user: &str) -> bothways_domain::Result<String> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        Ok(format!("{user}@{host}:{port}/{count}"))
    }

    fn lifetime(&self) -> Duration {
        Duration::ZERO
    }
}

/// Ends every connection by that name, as a restart of the server does.
async fn break_connections(connection: &mut PgConnection, name: &str) {
    let ended = sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1",
    )
    .bind(name)
    .execute(connection)
    .await
    .unwrap()
    .rows_affected();
    assert!(ended > 0, "nothing was broken");
}

#[tokio::test]
async fn every_context_has_a_schema_that_answers() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    for context in CONTEXTS {
        place.open(context).await.ping().await.unwrap();
    }
    place.dispose().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unavailable() {
    // Nothing listens on port 1.
    let url = "postgres://nobody@127.0.0.1:1/nothing";
    let refused = connect(url, "cart", 1).await.unwrap_err();
    assert!(matches!(refused, Error::Unavailable { what } if what == "the database"));
    assert!(connect("postgres://[nonsense", "cart", 1).await.is_err());
}

#[tokio::test]
async fn what_cannot_be_opened_is_an_error_and_no_panic() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    assert!(connect(&place.url(), "no-context", 1).await.is_err());
    let odd = place.url().replace("{context}", "Odd%20schema");
    assert!(
        connect(&odd, "cart", 1).await.is_err(),
        "a schema's name is plain"
    );
}

#[tokio::test]
async fn a_closed_database_is_named_when_it_is_missing() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    let database = place.open("inventory").await;
    database.close().await;
    let missing = database.ping().await.unwrap_err();
    assert!(matches!(missing, Error::Unavailable { what } if what == "the inventory database"));
    place.dispose().await;
}

#[tokio::test]
async fn broken_connections_are_replaced_unnoticed() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    // A name of its own, so that no other test's connections are broken.
    let name = format!("broken-{}", std::process::id());
    let url = format!("{}&application_name={name}", place.url());
    let mut aside = place.aside().await;
    // As many as a service has.
    let store = Carts::new(connect(&url, "cart", 10).await.unwrap());
    store.create(&cart("first")).await.unwrap();
    for round in ["read", "write"] {
        let id = cart("first").id;
        let found = join_all((0..10).map(|_| store.find(&id))).await;
        assert!(found.into_iter().all(|found| found.unwrap().is_some()));
        break_connections(&mut aside, &name).await;
        if round == "read" {
            assert!(store.find(&id).await.unwrap().is_some());
        } else {
            store.create(&cart("second")).await.unwrap();
        }
    }
    assert!(store.delete(&cart("second").id).await.unwrap());
    place.dispose().await;
}

/// Roles are the server's: they stay when a schema goes.
async fn drop_role(aside: &mut PgConnection, role: &str) {
    let drop = format!("DROP OWNED BY {role}; DROP ROLE {role};");
    let dropped = sqlx::raw_sql(AssertSqlSafe(drop)).execute(aside).await;
    dropped.unwrap();
}

#[tokio::test]
async fn a_role_without_the_right_to_make_tables_opens_what_is_there() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    place.open("cart").await;
    let schema = place.schema("cart");
    let mut aside = place.aside().await;
    let make = format!(
        "CREATE ROLE {schema} LOGIN PASSWORD 'secret';
         GRANT USAGE ON SCHEMA {schema} TO {schema};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {schema};"
    );
    sqlx::raw_sql(AssertSqlSafe(make))
        .execute(&mut aside)
        .await
        .unwrap();
    let url = format!("{}&user={schema}&password=secret", place.url());
    let opened = connect(&url, "cart", 1).await;
    if let Ok(database) = &opened {
        let store = Carts::new(database.clone());
        store.create(&cart("cart")).await.unwrap();
        database.ping().await.unwrap();
        database.close().await;
    }
    drop_role(&mut aside, &schema).await;
    aside.close().await.unwrap();
    place.dispose().await;
    opened.unwrap();
}

#[tokio::test]
async fn a_granted_role_brings_its_schema_along_and_may_only_read_and_write() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    let owner = place.open("cart").await;
    // Roles are the server's; that of the schema is nobody else's.
    let role = place.schema("cart");
    owner.grant(&role).await.unwrap();
    owner.grant(&role).await.unwrap();
    // No schema in the URL, and a password that is asked for.
    let passwords = Arc::new(Counted::default());
    let url = format!(
        "{}user={role}",
        place.url().split("options=").next().unwrap()
    );
    let opened = connect_with(&url, "cart", 1, Some(passwords.clone())).await;
    let mut aside = place.aside().await;
    let forbidden = if let Ok(database) = &opened {
        let store = Carts::new(database.clone());
        store.create(&cart("cart")).await.unwrap();
        database.ping().await.unwrap();
        database.close().await;
        let mut by_role = PgConnection::connect(&url).await.unwrap();
        let forbidden = [
            sqlx::raw_sql("CREATE TABLE more (id TEXT)")
                .execute(&mut by_role)
                .await
                .is_err(),
            sqlx::raw_sql("DELETE FROM _sqlx_migrations")
                .execute(&mut by_role)
                .await
                .is_err(),
        ];
        by_role.close().await.unwrap();
        forbidden
    } else {
        [false; 2]
    };
    owner.close().await;
    drop_role(&mut aside, &role).await;
    aside.close().await.unwrap();
    place.dispose().await;
    opened.unwrap();
    assert_eq!(forbidden, [true, true]);
    // Every password is used for no time at all, so that each use of the pool asks for another.
    assert!(passwords.0.load(Ordering::Relaxed) > 2);
}

#[tokio::test]
async fn a_role_is_named_by_plain_letters() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    let owner = place.open("cart").await;
    for name in ["", "a b", "a\"b", "A"] {
        assert!(owner.grant(name).await.is_err(), "{name}");
    }
    owner.close().await;
    place.dispose().await;
}

#[tokio::test]
async fn text_that_cannot_be_stored_is_refused_as_invalid() {
    let Some(place) = Schemas::prepare().await else {
        return;
    };
    let store = Identities::new(place.open("identity").await);
    let email = EmailAddress::parse("ann@example.com", "").unwrap();
    let user = User {
        id: UserId::parse("ann").unwrap(),
        email: email.as_str().to_owned(),
        name: "Ann\u{0}".to_owned(),
        role: bothways_domain::caller::Role::Customer,
        created_at: Timestamp::from_millis(1),
    };
    let password_hash = String::new();
    let refused = store
        .create_user(&UserRecord {
            user,
            password_hash,
        })
        .await;
    assert!(matches!(refused, Err(Error::Validation(_))), "{refused:?}");
    assert_eq!(store.user_by_email(&email).await.unwrap(), None);
    place.dispose().await;
}
