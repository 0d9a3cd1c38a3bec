//! The functions of the deployed template on the local Lambda host, in a container of their own.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use super::{seed, settings};
use crate::cli::Capacity;
use crate::lambda::Host;
use crate::logs::{self, Logs};
use crate::stop_signal::StopSignal;
use crate::{probe, serverless};

/// Runs the functions at `LISTEN` until told to stop. Values of the template's parameters are in variables of the same
/// name: `DatabaseUrl` in `DATABASE_URL`.
pub(crate) async fn run(capacity: &Capacity, data: &Path) -> Result<(), String> {
    let stop = StopSignal::listen(false).map_err(|error| error.to_string())?;
    let folder = data.join("logs");
    logs::clear(&folder);
    let logs = Logs::open(folder).map_err(|error| error.to_string())?;
    logs.show(true);
    let options = serverless::host_options(parameters()?, data, environment()?, capacity, logs)?;
    let address = listen()?;
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| format!("can't listen on {address}: {error}"))?;
    let host = Host::start(options, listener).await?;
    let filled = async {
        seed(&format!("http://127.0.0.1:{}", address.port()), data).await?;
        std::future::pending::<Result<(), String>>().await
    };
    let outcome = tokio::select! {
        outcome = filled => outcome,
        () = stop.wait() => Ok(()),
    };
    host.stop().await;
    outcome
}

/// Whether the functions that run in this container answer, and the shop is filled.
pub(crate) async fn healthcheck(data: &Path) -> Result<(), String> {
    let healthy = probe::is_healthy(listen()?.port()).await;
    if healthy && data.join("seed").exists() {
        Ok(())
    } else {
        Err("not healthy".to_owned())
    }
}

fn listen() -> Result<SocketAddr, String> {
    let address = settings::require("LISTEN")?;
    address
        .parse()
        .map_err(|error| format!("LISTEN: {address}: {error}"))
}

/// The parameters the environment has a value for; the rest keep the template's defaults, or are said to be missing.
fn parameters() -> Result<BTreeMap<String, String>, String> {
    let template: serde_norway::Value =
        serde_norway::from_str(&serverless::template()?).map_err(|error| error.to_string())?;
    let declared = template["Parameters"].as_mapping().into_iter().flatten();
    let mut parameters = BTreeMap::new();
    for name in declared.filter_map(|(name, _)| name.as_str()) {
        if let Some(value) = settings::read(&variable(name))? {
            parameters.insert(name.to_owned(), value);
        }
    }
    Ok(parameters)
}

/// What functions are told beside the template's variables.
fn environment() -> Result<BTreeMap<String, String>, String> {
    let mut environment = BTreeMap::new();
    for name in ["LOG", "LOG_FORMAT"] {
        if let Some(value) = settings::read(name)? {
            environment.insert(name.to_owned(), value);
        }
    }
    Ok(environment)
}

/// `DatabaseUrl` as a variable: `DATABASE_URL`.
fn variable(parameter: &str) -> String {
    let mut name = String::with_capacity(parameter.len() + 4);
    for letter in parameter.chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.push(letter.to_ascii_uppercase());
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_variables_of_the_same_name() {
        assert_eq!(variable("DatabaseUrl"), "DATABASE_URL");
        assert_eq!(variable("AdminPassword"), "ADMIN_PASSWORD");
        assert_eq!(variable("Shop"), "SHOP");
    }
}
