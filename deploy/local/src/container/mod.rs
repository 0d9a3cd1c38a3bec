//! What the containers of `docker-compose.yml` run beside the services: one-shots that make secrets and databases and
//! seed, and the functions' host. Everything is idempotent: it runs at every `docker compose up`.

mod databases;
mod functions;
mod readers;
mod secrets;
mod settings;

use std::path::Path;

use crate::cli::Container;
use crate::seed::{Seed, sow};
use crate::state::ShopState;

/// Runs a container's command.
pub(crate) async fn run(command: Container) -> Result<(), String> {
    match command {
        Container::Secrets { folder, own } => secrets::make(&folder, &own),
        Container::SignIn { folder } => secrets::sign_in(&folder),
        Container::PaymentKey { folder } => secrets::payment_key(&folder),
        Container::Databases => databases::make().await,
        Container::Seed { url, notes } => seed(&url, &notes).await,
        Container::Serverless { capacity, data } => functions::run(&capacity, &data).await,
        Container::Healthcheck { data } => functions::healthcheck(&data).await,
    }
}

/// Fills the shop at `url` with the project's catalogue, unless it was before.
async fn seed(url: &str, notes: &Path) -> Result<(), String> {
    let shop = ShopState {
        url: url.to_owned(),
        admin_email: settings::require("ADMIN_EMAIL")?,
        admin_password: settings::require("ADMIN_PASSWORD")?,
        // Seeding goes through the shop's door only.
        payment_url: String::new(),
        payment_key: String::new(),
        snapshot_dir: std::path::PathBuf::new(),
    };
    let shown = sow(&Seed::own(), &shop, notes).await?;
    println!("{url} shows {shown} products");
    Ok(())
}
