//! `up`: build, start, wait, seed, say where, follow the logs, and leave nothing behind.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use futures::future::{join_all, try_join_all};

use crate::cli::{Choice, Up};
use crate::control::{self, Running};
use crate::logs::{self, Logs};
use crate::postgres::Server;
use crate::progress::Step;
use crate::seed::{Seed, sow};
use crate::setup::{FollowUp, Setup};
use crate::state::{DataFolder, Lock, ShopState, State};
use crate::stop_signal::StopSignal;
use crate::supervisor::{Order, Process};
use crate::{binaries, hybrid, microservices, pictures, ports, probe, serverless};

/// Runs the shop until told to stop.
pub(crate) async fn run(up: Up) -> Result<(), String> {
    let stop = StopSignal::listen(up.exit_with_stdin).map_err(|error| error.to_string())?;
    let data = DataFolder::open(&up.data.folder)?;
    let _lock: Lock = data.lock()?;
    data.remove_state();
    if !up.no_build {
        tokio::select! {
            built = binaries::build() => built?,
            () = stop.wait() => return Ok(()),
        }
    }
    let mut site = Site::default();
    let outcome = tokio::select! {
        outcome = site.run(&up, &data) => outcome,
        () = stop.wait() => Ok(()),
    };
    let asked = outcome.is_ok();
    if asked {
        site.say_goodbye(up.quiet);
    }
    data.remove_state();
    site.stop().await;
    outcome
}

/// Whatever has been started so far, so that it can be stopped at any point of starting.
#[derive(Default)]
pub(crate) struct Site {
    processes: Vec<Arc<Process>>,
    pub(crate) host: Option<crate::lambda::Host>,
    /// Takes over the two above once everything is started.
    running: Option<Arc<Running>>,
    logs: Option<Arc<Logs>>,
}

impl Site {
    async fn run(&mut self, up: &Up, data: &DataFolder) -> Result<(), String> {
        let began = Instant::now();
        let (setup, shops) = self.start(up, data).await?;
        self.wait_until_ready(&shops).await?;
        let counts = self.seed(up, &shops, data).await?;
        let running = Arc::new(Running {
            processes: self.processes.clone(),
            host: self.host.take(),
        });
        self.running = Some(Arc::clone(&running));
        let control = serve_control(running, &setup).await?;
        data.write_state(&State {
            pid: std::process::id(),
            control,
            control_token: setup.secrets.control_token.clone(),
            architectures: shops.clone(),
        })?;
        announce(&shops, &counts, began, &setup);
        setup.logs.show(!up.quiet);
        // The user's own products may be anything; the project's are what there are drawings of.
        if !up.no_seed && !up.no_pictures && up.seed.is_none() {
            hang_pictures(&shops, data).await;
        }
        std::future::pending().await
    }

    /// Starts both architectures at the same time.
    pub(crate) async fn start(
        &mut self,
        up: &Up,
        data: &DataFolder,
    ) -> Result<(Setup, BTreeMap<String, ShopState>), String> {
        let choice = up.choice;
        // Ports first: a taken one is said before anything happens.
        let gateway = (choice != Choice::Serverless)
            .then(|| ports::public(up.port, "--port"))
            .transpose()?;
        let api = choice
            .serverless()
            .then(|| ports::public(up.serverless_port, "--serverless-port"))
            .transpose()?;
        let setup = prepare(up, data).await?;
        self.logs = Some(Arc::clone(&setup.logs));
        let mut shops = BTreeMap::new();
        if choice == Choice::Hybrid
            && let Some(port) = gateway
        {
            let (processes, host, state) = hybrid::start(&setup, up, port).await?;
            self.processes.extend(processes);
            self.host = Some(host);
            shops.insert(hybrid::ARCHITECTURE.to_owned(), state);
        } else if let Some(port) = gateway {
            let (processes, state) = microservices::start(&setup, port)?;
            self.processes.extend(processes);
            shops.insert(microservices::ARCHITECTURE.to_owned(), state);
        }
        if let Some(port) = api {
            let (payment, host, state) = serverless::start(&setup, up, port).await?;
            self.processes.push(payment);
            self.host = Some(host);
            shops.insert(serverless::ARCHITECTURE.to_owned(), state);
        }
        Ok((setup, shops))
    }

    /// Waits for every process, and for the serverless shop to answer.
    pub(crate) async fn wait_until_ready(
        &self,
        shops: &BTreeMap<String, ShopState>,
    ) -> Result<(), String> {
        let step = Step::begin("Starting the shop");
        let processes = try_join_all(self.processes.iter().map(async |process| {
            process.ready().await?;
            step.say(&format!(
                "{}/{} is ready",
                process.architecture(),
                process.name()
            ));
            Ok::<_, String>(())
        }));
        let functions = async {
            match shops.get(serverless::ARCHITECTURE) {
                Some(shop) => functions_ready(shop).await,
                None => Ok(()),
            }
        };
        futures::try_join!(processes, functions)?;
        step.done();
        Ok(())
    }

    /// Seeds all shops at the same time; how many products each shows.
    pub(crate) async fn seed(
        &self,
        up: &Up,
        shops: &BTreeMap<String, ShopState>,
        data: &DataFolder,
    ) -> Result<BTreeMap<String, u64>, String> {
        if up.no_seed {
            return Ok(BTreeMap::new());
        }
        let seed = up.seed.clone().map_or_else(Seed::own, Seed::from_file);
        let step = Step::begin("Seeding the catalogue");
        let sown = try_join_all(shops.iter().map(async |(architecture, shop)| {
            let count = sow(&seed, shop, &data.of(architecture)?).await;
            let count = count.map_err(|error| format!("seeding {architecture}: {error}"))?;
            Ok::<_, String>((architecture.clone(), count))
        }))
        .await?;
        step.done();
        Ok(sown.into_iter().collect())
    }

    fn say_goodbye(&self, quiet: bool) {
        if let Some(logs) = &self.logs {
            logs.show(false);
        }
        if !quiet {
            println!("\nStopping...");
        }
    }

    /// Stops everything: no new requests first, then the rest.
    pub(crate) async fn stop(&mut self) {
        let host = match &self.running {
            Some(running) => running.host.as_ref(),
            None => self.host.as_ref(),
        };
        // The gateway drains first, while what it forwards to still runs.
        let (doors, inner): (Vec<_>, Vec<_>) = self
            .processes
            .iter()
            .partition(|process| process.name() == "gateway");
        let close_host = async {
            if let Some(host) = host {
                host.stop().await;
            }
        };
        futures::join!(
            join_all(doors.iter().map(|door| door.order(Order::Stop))),
            close_host
        );
        join_all(inner.iter().map(|process| process.order(Order::Stop))).await;
    }
}

async fn prepare(up: &Up, data: &DataFolder) -> Result<Setup, String> {
    let folder = binaries::folder()?;
    let mut needed = vec!["payment-sandbox-service".to_owned()];
    if up.choice != Choice::Serverless {
        needed.extend(microservices::binaries());
    }
    binaries::check(&folder, needed)?;
    if up.fresh {
        data.start_over()?;
    }
    let database = match &up.database_url {
        Some(url) => Some(Server::new(url, &up.database_prefix)?),
        None => None,
    };
    if let Some(server) = &database {
        server.prepare(up.choice, up.fresh).await?;
    }
    logs::clear(&data.join("logs"));
    Ok(Setup {
        data: data.clone(),
        secrets: data.secrets()?,
        logs: Logs::open(data.join("logs")).map_err(|error| error.to_string())?,
        binaries: folder,
        environment: up.env.iter().cloned().collect(),
        follow_up: FollowUp {
            ship_after: up.ship_after.saturating_mul(1_000),
            deliver_after: up.deliver_after.saturating_mul(1_000),
            smtp_url: up.smtp_url.clone().unwrap_or_default(),
        },
        replicas: up.replicas.iter().cloned().collect(),
        database,
    })
}

/// Gives the seed's products pictures. A shop without them is still a shop.
async fn hang_pictures(shops: &BTreeMap<String, ShopState>, data: &DataFolder) {
    let walls = shops
        .iter()
        .map(|(architecture, shop)| Ok((shop, data.of(architecture)?)))
        .collect::<Result<Vec<_>, String>>();
    let hung = async { pictures::hang(&Seed::own().products, walls?).await };
    let began = Instant::now();
    match hung.await {
        Ok(0) => {}
        Ok(count) => println!(
            "{count} pictures are uploaded, in {:.0} s; they show as soon as they are scaled",
            began.elapsed().as_secs_f64()
        ),
        Err(error) => println!("Some pictures are missing: {error}\nThe next start goes on."),
    }
}

async fn functions_ready(shop: &ShopState) -> Result<(), String> {
    let port = shop
        .url
        .rsplit(':')
        .next()
        .and_then(|port| port.parse().ok())
        .unwrap_or_default();
    let began = Instant::now();
    while !probe::is_ready(port).await {
        if began.elapsed() > crate::supervisor::READY {
            return Err(
                "the functions are not ready; see the serverless logs in the data folder"
                    .to_owned(),
            );
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    Ok(())
}

async fn serve_control(running: Arc<Running>, setup: &Setup) -> Result<String, String> {
    let listener = ports::inner()?.into_listener().await?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let app = control::router(running, setup.secrets.control_token.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok(format!("http://{address}"))
}

fn announce(
    shops: &BTreeMap<String, ShopState>,
    counts: &BTreeMap<String, u64>,
    began: Instant,
    setup: &Setup,
) {
    println!(
        "\nThe shop is open, {:.1} s after starting:\n",
        began.elapsed().as_secs_f64()
    );
    for (architecture, shop) in shops {
        let count = counts
            .get(architecture)
            .map_or(String::new(), |count| format!("  {count} products"));
        println!("  {architecture:<14} {}{count}", shop.url);
    }
    println!(
        "\n  administrator  {}  {}",
        setup.secrets.admin_email, setup.secrets.admin_password
    );
    println!("  data and logs  {}", setup.data.join("").display());
    if let Some(shop) = shops.values().next() {
        println!("\nThings to try, in another terminal:");
        println!("  curl '{}/api/search?q=headphones&per_page=3'", shop.url);
        println!("  cargo run -- status            what runs, and what the functions cost");
        println!(
            "  cargo run -- stop inventory    the product pages do without; `start` brings it back"
        );
        println!("  cargo run -- import FILE --to {}", shop.url);
    }
    println!("\nCtrl-C ends everything.\n");
}
