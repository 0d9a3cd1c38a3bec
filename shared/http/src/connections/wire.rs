//! What carries a connection: TCP, to functions behind an API Gateway with TLS.

use std::{
    io,
    pin::Pin,
    sync::{Arc, LazyLock},
    task::{Context, Poll},
    time::Duration,
};

use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// What TLS needs, put together when it is first spoken: most services never do. All share its sessions.
static TLS: LazyLock<TlsConnector> = LazyLock::new(|| {
    // The process has installed it by now, unless this is a test; a second time is refused, which is fine.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(tls))
});

/// Makes connections.
#[derive(Debug, Clone)]
pub struct Connector {
    patience: Duration,
}

impl Connector {
    /// Gives up on a connection after `patience`.
    pub fn new(patience: Duration) -> Self {
        Self { patience }
    }

    /// Connects to a host and port, or to the port that goes without saying.
    pub(super) async fn connect(&self, secure: bool, authority: &str) -> io::Result<Wire> {
        timeout(self.patience, open(secure, authority)).await?
    }
}

async fn open(secure: bool, authority: &str) -> io::Result<Wire> {
    let (host, port) = host_and_port(authority, if secure { 443 } else { 80 });
    let stream = TcpStream::connect((host, port)).await?;
    // A request is written at once and whole, so there is nothing to wait for.
    stream.set_nodelay(true)?;
    if !secure {
        return Ok(Wire::Plain(stream));
    }
    let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
    let stream = TLS.connect(name, stream).await?;
    Ok(Wire::Tls(Box::new(stream)))
}

fn host_and_port(authority: &str, usual: u16) -> (&str, u16) {
    let given = authority
        .rsplit_once(':')
        .and_then(|(host, port)| Some((host, port.parse().ok()?)));
    let (host, port) = given.unwrap_or((authority, usual));
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    (bare.unwrap_or(host), port)
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(context),
            Self::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_a_port() {
        assert_eq!(host_and_port("cart:8080", 80), ("cart", 8080));
        assert_eq!(host_and_port("cart", 80), ("cart", 80));
        assert_eq!(host_and_port("[::1]:81", 80), ("::1", 81));
        assert_eq!(host_and_port("[::1]", 443), ("::1", 443));
    }
}
