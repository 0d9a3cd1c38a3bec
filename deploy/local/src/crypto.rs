//! The TLS provider, chosen once per process: reqwest is built without one.

/// Installs ring as rustls's provider; later calls change nothing.
pub(crate) fn install() {
    let _ = rustls::crypto::ring::default_provider().install_default();
}
