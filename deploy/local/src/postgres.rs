//! Databases on a PostgreSQL server, when the user names one: a database per service, and one for
//! all functions with a schema per context.

use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use crate::cli::Choice;
use crate::microservices::CONTEXTS;

/// A server the launcher may make databases on.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// URL without a database, and its query.
    base: String,
    query: String,
    prefix: String,
}

impl Server {
    /// Checks the URL and the prefix, which becomes part of SQL.
    pub(crate) fn new(url: &str, prefix: &str) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("--database-url: a postgres:// URL was expected".to_owned());
        }
        let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if prefix.is_empty() || prefix.len() > 30 || !prefix.chars().all(valid) {
            return Err("--database-prefix: up to 30 of a-z, 0-9 and _ were expected".to_owned());
        }
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        // A database in the URL is not one of the shop's: those have names of their own.
        let authority = base.find("://").map_or(0, |at| at + 3);
        let base = match base[authority..].find('/') {
            Some(path) => &base[..authority + path],
            None => base,
        };
        Ok(Self {
            base: base.to_owned(),
            query: query.to_owned(),
            prefix: prefix.to_owned(),
        })
    }

    /// `DATABASE_URL` of the services; `{context}` stands for each one's own database.
    pub(crate) fn microservices_url(&self) -> String {
        self.url(&format!("{}_microservices_{{context}}", self.prefix), "")
    }

    /// `DATABASE_URL` of the functions; `{context}` stands for a schema of their one database.
    pub(crate) fn serverless_url(&self) -> String {
        self.schemas_url("serverless")
    }

    /// `DATABASE_URL` of both services and functions in a hybrid, which share one database.
    pub(crate) fn hybrid_url(&self) -> String {
        self.schemas_url("hybrid")
    }

    fn schemas_url(&self, architecture: &str) -> String {
        self.url(
            &format!("{}_{architecture}", self.prefix),
            "options=-csearch_path%3D{context}",
        )
    }

    fn url(&self, database: &str, option: &str) -> String {
        let query: Vec<&str> = [self.query.as_str(), option]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}/{database}{mark}{}", self.base, query.join("&"))
    }

    /// Makes the databases that are missing, all of them anew when `fresh`.
    pub(crate) async fn prepare(&self, choice: Choice, fresh: bool) -> Result<(), String> {
        let mut names = Vec::new();
        if choice.microservices() {
            names
                .extend(CONTEXTS.map(|context| format!("{}_microservices_{context}", self.prefix)));
        }
        if choice.serverless() {
            names.push(format!("{}_serverless", self.prefix));
        }
        if choice == Choice::Hybrid {
            names.push(format!("{}_hybrid", self.prefix));
        }
        self.make(&names, fresh)
            .await
            .map_err(|error| format!("PostgreSQL: {error}"))
    }

    async fn make(&self, names: &[String], fresh: bool) -> sqlx::Result<()> {
        let mut connection = PgConnection::connect(&self.url("postgres", "")).await?;
        for name in names {
            if fresh {
                let drop = format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)");
                connection.execute(AssertSqlSafe(drop)).await?;
            }
            let exists: bool =
                sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
                    .bind(name)
                    .fetch_one(&mut connection)
                    .await?;
            if !exists {
                connection
                    .execute(AssertSqlSafe(format!("CREATE DATABASE {name}")))
                    .await?;
            }
        }
        connection.close().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_name_a_database_each_or_a_schema_each() {
        let server = Server::new("postgres://me@127.0.0.1:5433/", "t_1").unwrap();
        assert_eq!(
            server.microservices_url(),
            "postgres://me@127.0.0.1:5433/t_1_microservices_{context}"
        );
        assert_eq!(
            server.serverless_url(),
            "postgres://me@127.0.0.1:5433/t_1_serverless?options=-csearch_path%3D{context}"
        );
        let server = Server::new("postgres://h/postgres?sslmode=disable", "b").unwrap();
        assert!(
            server
                .serverless_url()
                .ends_with("//h/b_serverless?sslmode=disable&options=-csearch_path%3D{context}")
        );
    }

    #[test]
    fn a_prefix_that_is_no_plain_name_is_refused() {
        for prefix in ["", "a b", "x; DROP", "Über", "UPPER"] {
            assert!(Server::new("postgres://h", prefix).is_err(), "{prefix}");
        }
        assert!(Server::new("mysql://h", "b").is_err());
    }
}
