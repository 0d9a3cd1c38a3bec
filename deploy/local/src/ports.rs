//! Ports: the two the user sees, and free ones for what is inside.

use std::net::TcpListener;

/// Inner ports come from below the range systems take outgoing connections' ports from, so that a
/// service that restarts finds its port free.
const INNER: std::ops::Range<u16> = 15_000..32_000;

/// A free port, held until the process it is for starts.
#[derive(Debug)]
pub(crate) struct Reserved {
    /// The port.
    pub(crate) port: u16,
    held: TcpListener,
}

/// Reserves a port for something inside.
pub(crate) fn inner() -> Result<Reserved, String> {
    for _ in 0..1_000 {
        if let Ok(reserved) = reserve(rand::random_range(INNER)) {
            return Ok(reserved);
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
    reserve(port).map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            format!("port {port} is taken by another program; choose another with {option} N")
        }
        _ => format!("port {port} can't be used ({error}); choose another with {option} N"),
    })
}

fn reserve(port: u16) -> std::io::Result<Reserved> {
    let held = TcpListener::bind(("127.0.0.1", port))?;
    Ok(Reserved { port, held })
}

impl Reserved {
    /// Gives the listener itself, to serve on.
    pub(crate) fn into_listener(self) -> std::io::Result<tokio::net::TcpListener> {
        self.held.set_nonblocking(true)?;
        tokio::net::TcpListener::from_std(self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_said_with_the_remedy() {
        let held = inner().unwrap();
        let error = public(held.port, "--port").unwrap_err();
        assert!(
            error.contains(&held.port.to_string()) && error.contains("--port N"),
            "{error}"
        );
        assert_ne!(public(0, "--port").unwrap().port, held.port);
    }
}
