//! What passes between programs: the statements that a service has PostgreSQL do, and the requests that services make of each
//! other. Whoever is recorded speaks to a listener that passes everything on.

use std::{
    collections::HashMap,
    fmt,
    io::{Read as _, Write as _},
    mem,
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use serde::{Deserialize, Serialize};

/// A statement as it was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Statement {
    pub(crate) sql: String,
    pub(crate) arguments: Vec<Argument>,
}

/// An argument of a type that the shop uses. One that is NULL is a text without any.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Argument {
    Text(String),
    Number(i64),
    Texts(Vec<String>),
}

impl fmt::Display for Argument {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => out.write_str(text),
            Self::Number(number) => write!(out, "{number}"),
            Self::Texts(texts) => write!(out, "{{{}}}", texts.join(",")),
        }
    }
}

/// What somebody said to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Said {
    /// A statement was done; its answer was waited for.
    Did(Statement),
    /// A statement was prepared, and that was waited for.
    Prepared,
    /// The server was asked for nothing but an answer.
    Pinged,
    /// A request was made: method and path.
    Asked(String),
}

/// Passes everything on to somebody, and remembers what was said.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    /// Where to speak to it.
    pub(crate) address: SocketAddr,
    said: Arc<Mutex<Vec<Said>>>,
}

/// Understands one connection's bytes on their way to the server.
type Understand = Box<dyn FnMut(&[u8]) -> Vec<Said> + Send>;

impl Recorder {
    /// Before a PostgreSQL server at `to`.
    pub(crate) fn of_statements(to: SocketAddr) -> Result<Self, String> {
        Self::start(to, || {
            let mut messages = Messages::default();
            Box::new(move |bytes| messages.take(bytes))
        })
    }

    /// Before a service at `to`.
    pub(crate) fn of_requests(to: SocketAddr) -> Result<Self, String> {
        Self::start(to, || {
            Box::new(|bytes| request(bytes).into_iter().collect())
        })
    }

    fn start(
        to: SocketAddr,
        each: impl Fn() -> Understand + Send + 'static,
    ) -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let recorder = Self {
            address,
            said: Arc::default(),
        };
        let said = recorder.said.clone();
        // It goes with the process.
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(server) = TcpStream::connect(to) else {
                    continue;
                };
                let _ = (client.set_nodelay(true), server.set_nodelay(true));
                let (Ok(from_server), Ok(to_client)) = (server.try_clone(), client.try_clone())
                else {
                    continue;
                };
                let (mut understand, said) = (each(), said.clone());
                thread::spawn(move || {
                    pass_on(client, server, |bytes| {
                        lock(&said).extend(understand(bytes));
                    });
                });
                thread::spawn(move || pass_on(from_server, to_client, |_| ()));
            }
        });
        Ok(recorder)
    }

    /// What was said since this was last asked.
    pub(crate) fn take(&self) -> Vec<Said> {
        mem::take(&mut lock(&self.said))
    }
}

fn lock(said: &Mutex<Vec<Said>>) -> MutexGuard<'_, Vec<Said>> {
    match said.lock() {
        Ok(said) => said,
        Err(poisoned) => poisoned.into_inner(),
    }
}

fn pass_on(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = vec![0; 65_536];
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        see(&buffer[..read]);
        if to.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// The request that these bytes begin with, if they do: a client writes its head at once.
fn request(bytes: &[u8]) -> Option<Said> {
    let line = bytes.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let asked = line.strip_suffix(" HTTP/1.1")?;
    Some(Said::Asked(asked.to_owned()))
}

/// The messages of a client of PostgreSQL (PostgreSQL's documentation, "Message Formats").
#[derive(Debug, Default)]
struct Messages {
    rest: Vec<u8>,
    has_begun: bool,
    /// Statements by the names they were prepared by, with the types of their arguments.
    prepared: HashMap<Vec<u8>, (String, Vec<u32>)>,
    /// What the next Sync is waited for.
    under_way: Option<Said>,
}

impl Messages {
    fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        self.rest.extend_from_slice(bytes);
        let mut all = Vec::new();
        // The first message has no type.
        while let Some((kind, body)) = self.next() {
            all.extend(self.understand(kind, &body));
        }
        all
    }

    fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        let typed = usize::from(self.has_begun);
        let length: [u8; 4] = self.rest.get(typed..typed + 4)?.try_into().ok()?;
        let end = typed + usize::try_from(u32::from_be_bytes(length)).ok()?;
        let body = self.rest.get(typed + 4..end)?.to_vec();
        let kind = if self.has_begun { self.rest[0] } else { 0 };
        self.has_begun = true;
        self.rest.drain(..end);
        Some((kind, body))
    }

    fn understand(&mut self, kind: u8, body: &[u8]) -> Option<Said> {
        let mut body = Reader(body);
        match kind {
            b'Q' => {
                let sql = String::from_utf8_lossy(body.text()?).into_owned();
                let arguments = Vec::new();
                Some(Said::Did(Statement { sql, arguments }))
            }
            b'P' => {
                let name = body.text()?.to_vec();
                let sql = String::from_utf8_lossy(body.text()?).into_owned();
                let count = body.short()?;
                let types = (0..count).map_while(|_| body.long()).collect();
                self.prepared.insert(name, (sql, types));
                self.under_way = Some(Said::Prepared);
                None
            }
            b'B' => {
                let _portal = body.text()?;
                let (sql, types) = self.prepared.get(body.text()?)?.clone();
                for _ in 0..body.short()? {
                    body.short()?;
                }
                body.short()?;
                let arguments = types.iter().map_while(|kind| body.argument(*kind));
                let arguments = arguments.collect();
                self.under_way = Some(Said::Did(Statement { sql, arguments }));
                None
            }
            b'S' => Some(self.under_way.take().unwrap_or(Said::Pinged)),
            _ => None,
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn text(&mut self) -> Option<&'b [u8]> {
        let end = self.0.iter().position(|byte| *byte == 0)?;
        let text = self.bytes(end)?;
        self.bytes(1)?;
        Some(text)
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.bytes(2)?.try_into().ok()?))
    }

    fn long(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.bytes(4)?.try_into().ok()?))
    }

    /// An argument in the binary format of its type.
    fn argument(&mut self, kind: u32) -> Option<Argument> {
        const INT8: u32 = 20;
        const TEXTS: u32 = 1009;
        let length = self.long()?;
        let Ok(length) = usize::try_from(length.cast_signed()) else {
            return Some(Argument::Text(String::new()));
        };
        let mut value = Reader(self.bytes(length)?);
        Some(match kind {
            INT8 => Argument::Number(i64::from_be_bytes(value.0.try_into().ok()?)),
            TEXTS => {
                // Dimensions, whether there are nulls, the type; then for the one dimension its length and lowest index.
                let dimensions = value.long()?;
                value.bytes(8)?;
                let count = if dimensions == 0 { 0 } else { value.long()? };
                value.bytes(if dimensions == 0 { 0 } else { 4 })?;
                let texts = (0..count).map_while(|_| {
                    let length = usize::try_from(value.long()?).ok()?;
                    Some(String::from_utf8_lossy(value.bytes(length)?).into_owned())
                });
                Argument::Texts(texts.collect())
            }
            _ => Argument::Text(String::from_utf8_lossy(value.0).into_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).unwrap().to_be_bytes();
        [&[kind][..], &length, body].concat()
    }

    #[test]
    fn statements_are_known_by_what_was_prepared_and_pings_by_nothing() {
        let mut messages = Messages::default();
        assert_eq!(messages.take(&message(0, b"\0\x03\0\0")[1..]), []);
        let prepare = b"one\0SELECT $1\0\0\x01\0\0\0\x19";
        let bytes = [message(b'P', prepare), message(b'S', b"")].concat();
        assert_eq!(messages.take(&bytes), [Said::Prepared]);
        let bind = b"\0one\0\0\x01\0\x01\0\x01\0\0\0\x02ab\0\0";
        let bytes = [
            message(b'B', bind),
            message(b'E', b"\0\0\0\0\0"),
            message(b'S', b""),
        ]
        .concat();
        let (first, second) = bytes.split_at(9);
        assert_eq!(messages.take(first), []);
        let did = Statement {
            sql: "SELECT $1".to_owned(),
            arguments: vec![Argument::Text("ab".to_owned())],
        };
        assert_eq!(messages.take(second), [Said::Did(did)]);
        assert_eq!(messages.take(&message(b'S', b"")), [Said::Pinged]);
        let begun = Statement {
            sql: "BEGIN".to_owned(),
            arguments: Vec::new(),
        };
        assert_eq!(
            messages.take(&message(b'Q', b"BEGIN\0")),
            [Said::Did(begun)]
        );
    }

    #[test]
    fn arguments_are_read_as_text() {
        let int = b"\0\0\0\x08\0\0\0\0\0\0\0\x06";
        assert_eq!(Reader(int).argument(20).unwrap().to_string(), "6");
        let texts =
            b"\0\0\0\x1e\0\0\0\x01\0\0\0\0\0\0\0\x19\0\0\0\x02\0\0\0\x01\0\0\0\x01a\0\0\0\x01b";
        assert_eq!(Reader(texts).argument(1009).unwrap().to_string(), "{a,b}");
        let null = Argument::Text(String::new());
        assert_eq!(Reader(b"\xff\xff\xff\xff").argument(25), Some(null));
    }

    #[test]
    fn a_request_is_known_by_its_first_line() {
        let asked = Said::Asked("GET /api".to_owned());
        assert_eq!(
            request(b"GET /api HTTP/1.1\r\nhost: x\r\n\r\n"),
            Some(asked)
        );
        assert_eq!(request(b"{\"a\":1}"), None);
    }
}
