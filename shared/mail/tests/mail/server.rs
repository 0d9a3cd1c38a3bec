//! A mail server that does what it is told, as far as SMTP (RFC 5321) needs to be spoken for that.

use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

/// A mail as it arrived.
#[derive(Debug, Clone, Default)]
pub(crate) struct Received {
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) data: String,
    /// User and password, if it was asked for them.
    pub(crate) credentials: Option<String>,
}

/// How the server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    Accepts,
    /// Says this to every recipient.
    Refuses(&'static str),
    /// Takes the connection and says nothing.
    Hangs,
}

/// The server's address and what it has got.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) received: Arc<Mutex<Vec<Received>>>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let received: Arc<Mutex<Vec<Received>>> = Arc::default();
        let kept = received.clone();
        tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let kept = kept.clone();
                tokio::spawn(async move { talk(connection, manner, &kept).await });
            }
        });
        Self { port, received }
    }

    pub(crate) fn only(&self) -> Received {
        let received = self.received.lock().unwrap();
        assert_eq!(received.len(), 1, "{received:?}");
        received[0].clone()
    }
}

async fn talk(connection: TcpStream, manner: Manner, kept: &Mutex<Vec<Received>>) -> Option<()> {
    if manner == Manner::Hangs {
        std::future::pending::<()>().await;
    }
    let mut connection = BufReader::new(connection);
    say(&mut connection, "220 post").await?;
    let mut mail = Received::default();
    loop {
        let line = hear(&mut connection).await?;
        let (verb, rest) = line.split_once([' ', ':']).unwrap_or((&line, ""));
        let answer = match verb.to_ascii_uppercase().as_str() {
            "EHLO" => "250-post\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => {
                let secret = STANDARD.decode(rest.split(' ').next_back()?).ok()?;
                mail.credentials = Some(String::from_utf8(secret).ok()?.replace('\0', " "));
                "235 hello"
            }
            "MAIL" => {
                mail.from = address(rest)?;
                "250 fine"
            }
            "RCPT" => {
                if let Manner::Refuses(answer) = manner {
                    answer
                } else {
                    mail.to.push(address(rest)?);
                    "250 fine"
                }
            }
            "DATA" => {
                say(&mut connection, "354 go on").await?;
                mail.data = data(&mut connection).await?;
                kept.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken"
            }
            "QUIT" => return say(&mut connection, "221 bye").await,
            _ => "250 fine",
        };
        say(&mut connection, answer).await?;
    }
}

fn address(command: &str) -> Option<String> {
    let inside = command.split_once('<')?.1.split_once('>')?.0;
    Some(inside.to_owned())
}

async fn data(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let mut data = String::new();
    loop {
        let line = hear(connection).await?;
        if line == "." {
            return Some(data);
        }
        data.push_str(line.strip_prefix('.').unwrap_or(&line));
        data.push('\n');
    }
}

async fn hear(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = connection.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(connection: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    let text = format!("{text}\r\n");
    connection.get_mut().write_all(text.as_bytes()).await.ok()
}
