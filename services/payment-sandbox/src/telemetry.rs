//! Logs: to standard error, as text for people or JSON for machines.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

/// Starts logging as `LOG` (a tracing filter, default `info`) and `LOG_FORMAT` (`text` or `json`) say.
pub fn start() {
    let filter = EnvFilter::try_from_env("LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        registry.with(layer.json().flatten_event(true)).init();
    } else {
        registry.with(layer.with_ansi(false)).init();
    }
}
