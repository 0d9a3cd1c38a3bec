//! Asks a service on this machine whether it is ready, over a bare connection: no pool, no proxy.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long one question may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether `/readyz` (or, where there is none, `/healthz`) answers 200 on `port`.
pub(crate) async fn is_ready(port: u16) -> bool {
    match status(port, "/readyz").await {
        Some(404) => status(port, "/healthz").await == Some(200),
        status => status == Some(200),
    }
}

/// Whether `/healthz` answers 200 on `port`.
pub(crate) async fn is_healthy(port: u16) -> bool {
    status(port, "/healthz").await == Some(200)
}

async fn status(port: u16, path: &str) -> Option<u16> {
    tokio::time::timeout(PATIENCE, ask(port, path)).await.ok()?
}

async fn ask(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.ok()?;
    std::str::from_utf8(head.strip_prefix(b"HTTP/1.1 ")?)
        .ok()?
        .parse()
        .ok()
}
