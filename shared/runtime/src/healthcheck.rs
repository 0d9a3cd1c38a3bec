//! `NAME healthcheck`: asks the service that runs in the same container whether it is healthy, so that the image needs no
//! shell and no curl.

use std::{
    env,
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    process::ExitCode,
    time::Duration,
};

use crate::{Result, Settings};

/// How long each step of the question may take; the container platform bounds the whole.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether the process was started to ask, rather than to serve.
pub(crate) fn is_asked_for() -> bool {
    env::args_os()
        .nth(1)
        .is_some_and(|first| first == "healthcheck")
}

/// Asks the service at `LISTEN`; success if it is healthy.
pub(crate) fn run(settings: Settings) -> ExitCode {
    match ask(settings) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("healthcheck: {error}");
            ExitCode::FAILURE
        }
    }
}

fn ask(settings: Settings) -> Result<bool> {
    let listen = settings.require("LISTEN")?.parse()?;
    Ok(is_healthy(within(listen))?)
}

/// How to reach, from the same machine, who listens at `address`: one that listens everywhere listens on loopback, too.
fn within(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    SocketAddr::new(ip, address.port())
}

fn is_healthy(address: SocketAddr) -> io::Result<bool> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n"
    )?;
    let mut status = [0; "HTTP/1.1 200 ".len()];
    stream.read_exact(&mut status)?;
    Ok(&status == b"HTTP/1.1 200 ")
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    /// Answers one request.
    fn answering(status: &'static str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            assert!(request[..read].starts_with(b"GET /healthz HTTP/1.1\r\n"));
            write!(stream, "HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").unwrap();
        });
        address
    }

    #[test]
    fn only_a_service_that_says_it_is_healthy_is() {
        assert!(is_healthy(answering("200 OK")).unwrap());
        assert!(!is_healthy(answering("503 Service Unavailable")).unwrap());
        // Kept and not listened at, so that no other test gets it meanwhile.
        let nobody = tokio::net::TcpSocket::new_v4().unwrap();
        nobody.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert!(is_healthy(nobody.local_addr().unwrap()).is_err());
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_loopback() {
        let asked = |listen: &str| within(listen.parse().unwrap()).to_string();
        assert_eq!(asked("0.0.0.0:8080"), "127.0.0.1:8080");
        assert_eq!(asked("[::]:8080"), "[::1]:8080");
        assert_eq!(asked("10.0.0.7:80"), "10.0.0.7:80");
    }
}
