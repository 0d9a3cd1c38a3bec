//! Ports: the two the user sees, and free ones for what is inside.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};

/// Inner ports come from below the range systems take outgoing connections' ports from, so that a
/// service that restarts finds its port free.
const INNER: std::ops::Range<u16> = 15_000..32_000;

/// A port that was free, for a process to listen on.
///
/// Nothing listens on it meanwhile: a listener's copy in a child that is just being started would be in the way of the
/// process it is for. What launchers take from each other is the port of the same number that UDP has.
#[derive(Debug)]
pub(crate) struct Reserved {
    /// The port.
    pub(crate) port: u16,
    /// No other launcher takes the port while this is there; of a port the user asked for, it may be missing.
    _claim: Option<UdpSocket>,
}

/// Reserves a port for something inside.
pub(crate) fn inner() -> Result<Reserved, String> {
    for _ in 0..1_000 {
        let port = rand::random_range(INNER);
        if let Ok(claim) = UdpSocket::bind((Ipv4Addr::LOCALHOST, port))
            && free(port).is_ok()
        {
            return Ok(Reserved::new(port, Some(claim)));
        }
    }
    Err(format!(
        "no free port between {} and {}",
        INNER.start, INNER.end
    ))
}

/// Reserves the port the user asked for; 0 is any free one. `option` is how to choose another.
pub(crate) fn public(port: u16, option: &str) -> Result<Reserved, String> {
    if port == 0 {
        return inner();
    }
    free(port).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} is taken by another program; choose another with {option} N")
        }
        _ => format!("port {port} can't be used ({error}); choose another with {option} N"),
    })?;
    // What is asked for may be another program's as far as UDP goes.
    let claim = UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).ok();
    Ok(Reserved::new(port, claim))
}

/// Nothing listens there.
fn free(port: u16) -> std::io::Result<()> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map(drop)
}

impl Reserved {
    fn new(port: u16, claim: Option<UdpSocket>) -> Self {
        Self {
            port,
            _claim: claim,
        }
    }

    /// Listens on it.
    pub(crate) async fn into_listener(self) -> Result<tokio::net::TcpListener, String> {
        let port = self.port;
        tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| format!("can't listen on port {port}: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_said_with_the_remedy() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let error = public(port, "--port").unwrap_err();
        assert!(
            error.contains(&port.to_string()) && error.contains("--port N"),
            "{error}"
        );
        assert_ne!(public(0, "--port").unwrap().port, port);
    }

    #[test]
    fn a_reserved_port_is_free_to_listen_on_and_nobody_elses() {
        let reserved = inner().unwrap();
        let port = reserved.port;
        let listening = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
        drop(listening);
        let again = || UdpSocket::bind((Ipv4Addr::LOCALHOST, port));
        assert!(again().is_err(), "it is claimed while nothing listens");
        drop(reserved);
        again().unwrap();
    }
}
