//! One request, over a connection of its own.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks, with a JSON body and headers of the form `name: value\r\n`; the answer, which has to be a success, as JSON.
pub(crate) fn ask(
    at: SocketAddr,
    method_and_path: &str,
    headers: &str,
    body: &Value,
) -> Result<Value, String> {
    let asked = |error: std::io::Error| format!("{method_and_path}: {error}");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "{method_and_path} HTTP/1.1\r\nhost: {at}\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(at).map_err(asked)?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(asked)?;
    stream.write_all(request.as_bytes()).map_err(asked)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(asked)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    if !head.starts_with("HTTP/1.1 2") {
        return Err(format!("{method_and_path}: {answer}"));
    }
    Ok(serde_json::from_str(body).unwrap_or_default())
}
