//! What both architectures are started with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::logs::Logs;
use crate::ports::{self, Reserved};
use crate::postgres::Server;
use crate::state::{DataFolder, Secrets, ShopState};
use crate::supervisor::{Process, ProcessSpec};

/// How orders are followed up.
#[derive(Debug, Clone)]
pub(crate) struct FollowUp {
    /// `--ship-after`, in milliseconds.
    pub(crate) ship_after: u64,
    /// `--deliver-after`, in milliseconds.
    pub(crate) deliver_after: u64,
    /// `--smtp-url`; empty when there is none.
    pub(crate) smtp_url: String,
}

/// Choices of this run.
pub(crate) struct Setup {
    pub(crate) data: DataFolder,
    pub(crate) secrets: Secrets,
    pub(crate) logs: Arc<Logs>,
    /// Folder of the binaries.
    pub(crate) binaries: PathBuf,
    /// `--env`.
    pub(crate) environment: BTreeMap<String, String>,
    /// How orders are followed up.
    pub(crate) follow_up: FollowUp,
    /// `--replicas`: how many of a service run, where not one.
    pub(crate) replicas: BTreeMap<String, usize>,
    /// `--database-url`.
    pub(crate) database: Option<Server>,
}

/// A process of a service to be, with the ports it listens on.
#[derive(Debug)]
pub(crate) struct Instance {
    /// The service.
    pub(crate) service: &'static str,
    /// The service's name; of the second and further replicas, with their number.
    name: String,
    pub(crate) port: Reserved,
    admin: Option<Reserved>,
    /// Whether others of the same service run.
    is_replica: bool,
}

impl Instance {
    /// The only one of a service.
    pub(crate) fn of(service: &'static str, port: Reserved) -> Result<Self, String> {
        Ok(Self {
            service,
            name: service.to_owned(),
            port,
            admin: Some(ports::inner()?),
            is_replica: false,
        })
    }

    /// So many of a service.
    pub(crate) fn several(service: &'static str, count: usize) -> Result<Vec<Self>, String> {
        let each = (1..=count).map(|number| {
            let mut instance = Self::of(service, ports::inner()?)?;
            instance.is_replica = count > 1;
            if number > 1 {
                instance.name = format!("{service}-{number}");
            }
            Ok(instance)
        });
        each.collect()
    }
}

impl Setup {
    /// The payment sandbox of an architecture, and its base URL.
    pub(crate) fn payment_sandbox(
        &self,
        architecture: &'static str,
    ) -> Result<(Arc<Process>, String), String> {
        let reserved = ports::inner()?;
        let port = reserved.port;
        let database = self.data.of(architecture)?.join("payment.db");
        let environment = BTreeMap::from([
            (
                "DATABASE_URL".to_owned(),
                format!("sqlite://{}", database.display()),
            ),
            ("PAYMENT_KEY".to_owned(), self.secrets.payment_key.clone()),
        ]);
        let instance = Instance {
            // It calls nobody.
            admin: None,
            ..Instance::of("payment-sandbox", reserved)?
        };
        let process = self.process(architecture, instance, environment);
        Ok((process, format!("http://127.0.0.1:{port}")))
    }

    /// Starts a process of a service on its ports.
    pub(crate) fn process(
        &self,
        architecture: &'static str,
        instance: Instance,
        mut environment: BTreeMap<String, String>,
    ) -> Arc<Process> {
        let Instance {
            service,
            name,
            port,
            admin,
            is_replica,
        } = instance;
        let local = |reserved: &Reserved| format!("127.0.0.1:{}", reserved.port);
        environment.insert("LISTEN".to_owned(), local(&port));
        if let Some(admin) = &admin {
            environment.insert("ADMIN_LISTEN".to_owned(), local(admin));
        }
        if !is_replica {
            // Nobody else could be asked meanwhile.
            environment.insert("STOP_DELAY_MS".to_owned(), "0".to_owned());
        }
        environment.extend(self.environment.clone());
        let log = self.logs.source(architecture, &name);
        let spec = ProcessSpec {
            architecture,
            name,
            program: self.binaries.join(format!("{service}-service")),
            environment,
            port: port.port,
            admin_port: admin.as_ref().map(|admin| admin.port),
            is_replica,
        };
        let ports = admin.into_iter().chain([port]).collect();
        Process::start(spec, ports, log)
    }

    /// Folder of an architecture's search snapshots.
    pub(crate) fn snapshots(&self, architecture: &str) -> Result<PathBuf, String> {
        let folder = self.data.of(architecture)?.join("snapshots");
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }

    /// `PHOTOS_URL` of an architecture whose photos are files.
    pub(crate) fn photos_url(&self, architecture: &str) -> Result<String, String> {
        let folder = self.data.of(architecture)?.join("photos");
        Ok(format!("file://{}", folder.display()))
    }

    /// `DATABASE_URL` of an architecture on SQLite: a file per context.
    pub(crate) fn database_url(
        &self,
        architecture: &str,
        on_server: impl FnOnce(&Server) -> String,
    ) -> Result<String, String> {
        if let Some(server) = &self.database {
            return Ok(on_server(server));
        }
        let folder = self.data.of(architecture)?;
        Ok(format!("sqlite://{}/{{context}}.db", folder.display()))
    }

    /// The environment of functions.
    pub(crate) fn function_environment(&self) -> BTreeMap<String, String> {
        let mut environment = self.environment.clone();
        // The template asks for JSON, for CloudWatch; here people read along.
        environment
            .entry("LOG_FORMAT".to_owned())
            .or_insert_with(|| "text".to_owned());
        environment
    }

    /// What `state.json` says about a shop.
    pub(crate) fn shop_state(
        &self,
        port: u16,
        payment_url: &str,
        snapshot_dir: PathBuf,
    ) -> ShopState {
        ShopState {
            url: format!("http://127.0.0.1:{port}"),
            payment_url: payment_url.to_owned(),
            payment_key: self.secrets.payment_key.clone(),
            admin_email: self.secrets.admin_email.clone(),
            admin_password: self.secrets.admin_password.clone(),
            snapshot_dir,
        }
    }
}
