//! Logs: to standard error, as text for people or JSON for machines.

use tracing_subscriber::{EnvFilter, fmt, prelude::*};

use crate::Settings;

/// Starts logging as `LOG` (a tracing filter, default `info`) and `LOG_FORMAT` (`text` or `json`) say.
pub(crate) fn start(settings: Settings) {
    let filter = settings.text("LOG").unwrap_or_else(|| "info".to_owned());
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second call, as in tests that start several parts in one process, keeps the first's settings.
    let _ = if settings.text("LOG_FORMAT").as_deref() == Some("json") {
        registry.with(layer.json().flatten_event(true)).try_init()
    } else {
        registry.with(layer.with_ansi(false)).try_init()
    };
}
