//! Logs: to standard error, as text for people or JSON for machines.

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, prelude::*};

use crate::Settings;

/// Starts logging as `LOG` (a level, and other levels for modules, as in `warn,hyper=debug`; default `info`) and
/// `LOG_FORMAT` (`text` or `json`) say.
pub(crate) fn start(settings: Settings) {
    let filter = settings.text("LOG").and_then(|filter| filter.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    // A second call, as in tests that start several parts in one process, keeps the first's settings.
    let _ = if settings.text("LOG_FORMAT").as_deref() == Some("json") {
        registry.with(layer.json().flatten_event(true)).try_init()
    } else {
        registry.with(layer).try_init()
    };
}
