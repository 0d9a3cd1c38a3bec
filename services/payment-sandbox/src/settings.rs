//! What the sandbox can be told, all of it by environment variables.

use std::{env, fs, io, net::SocketAddr, time::Duration};

/// How long `pm_sandbox_timeout` keeps a client waiting: past any sensible timeout.
const HOLD: Duration = Duration::from_mins(2);

/// The sandbox's settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// `sqlite:///absolute/path/payment.db`.
    pub database_url: String,
    /// The only secret key that is accepted; without it any `sk_…` is.
    pub key: Option<String>,
    /// How long the answer to a confirmation with `pm_sandbox_timeout` is held back.
    pub hold: Duration,
}

/// A setting that is missing or can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// It has no default and is absent.
    #[error("{0} is not set")]
    Missing(&'static str),
    /// It is there but makes no sense.
    #[error("{0} is '{1}', which {2}")]
    Invalid(&'static str, String, &'static str),
    /// The file it names can't be read.
    #[error("{0}: {1}: {2}")]
    Unreadable(&'static str, String, #[source] io::Error),
}

impl Settings {
    /// Settings for a sandbox on any free port of this machine that keeps its books at `database_url`.
    pub fn new(database_url: impl Into<String>) -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            database_url: database_url.into(),
            key: None,
            hold: HOLD,
        }
    }

    /// Reads `LISTEN`, `DATABASE_URL` and `PAYMENT_KEY`, or the file that `PAYMENT_KEY_FILE` names.
    pub fn from_environment() -> Result<Self, SettingsError> {
        let database_url = text("DATABASE_URL").ok_or(SettingsError::Missing("DATABASE_URL"))?;
        // One template serves every context of the shop; this is the sandbox's place in it.
        let mut settings = Self::new(database_url.replace("{context}", "payment"));
        if let Some(listen) = text("LISTEN") {
            settings.listen = listen
                .parse()
                .map_err(|_| SettingsError::Invalid("LISTEN", listen, "is no ADDRESS:PORT"))?;
        }
        settings.key = match text("PAYMENT_KEY") {
            Some(key) => Some(key),
            None => text("PAYMENT_KEY_FILE").map(secret).transpose()?,
        };
        if let Some(key) = settings.key.as_ref().filter(|key| !key.starts_with("sk_")) {
            // Not repeated in the message: it may be a real secret in the wrong place.
            let shown = format!("{} characters long", key.chars().count());
            return Err(SettingsError::Invalid(
                "PAYMENT_KEY",
                shown,
                "does not start with sk_",
            ));
        }
        Ok(settings)
    }
}

fn text(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|text| !text.is_empty())
}

/// The key in a file, without the line's end.
fn secret(path: String) -> Result<String, SettingsError> {
    match fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim_end().to_owned()),
        Err(error) => Err(SettingsError::Unreadable("PAYMENT_KEY_FILE", path, error)),
    }
}
