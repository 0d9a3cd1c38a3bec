//! `payment-sandbox-service healthcheck`: asks the sandbox that runs in the same container whether it answers, so that
//! the image needs no shell and no curl.

use std::{
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    time::Duration,
};

const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the sandbox at `LISTEN` answers.
pub fn is_healthy() -> bool {
    let listen = std::env::var("LISTEN").ok();
    let port = listen.and_then(|listen| Some(listen.parse::<SocketAddr>().ok()?.port()));
    port.is_some_and(|port| answers(port).is_some_and(|status| &status == b"HTTP/1.1 200 "))
}

/// How the status line begins.
fn answers(port: u16) -> Option<[u8; 13]> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )
    .ok()?;
    let mut status = [0; 13];
    stream.read_exact(&mut status).ok()?;
    Some(status)
}
