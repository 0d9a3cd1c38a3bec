//! Logs: to standard error, as text for people or JSON for machines.

use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt, prelude::*};

/// Starts logging as `LOG` (a level, and other levels for modules, as in `warn,hyper=debug`; default `info`) and
/// `LOG_FORMAT` (`text` or `json`) say.
pub fn start() {
    let filter = std::env::var("LOG")
        .ok()
        .and_then(|filter| filter.parse().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(Level::INFO));
    let registry = tracing_subscriber::registry().with(filter);
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(false);
    if std::env::var("LOG_FORMAT").is_ok_and(|format| format == "json") {
        registry.with(layer.json().flatten_event(true)).init();
    } else {
        registry.with(layer).init();
    }
}
