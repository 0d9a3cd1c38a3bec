//! A mail server that keeps what it gets, and refuses what it is told to by the recipient's name.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use crate::poll::{SOON, eventually};

/// How often a recipient whose name begins with `busy.` is refused before mail is taken.
const BUSY: u32 = 2;

/// A mail as it arrived.
#[derive(Debug, Clone, Default)]
pub struct Mail {
    /// Whom the envelope is from.
    pub from: String,
    /// Whom it is for.
    pub to: Vec<String>,
    /// Headers and body.
    pub data: String,
}

#[derive(Debug, Default)]
struct Kept {
    mails: Vec<Mail>,
    refused: BTreeMap<String, u32>,
}

/// The server. Mail to `busy.…` is refused at first, mail to `never.…` always.
#[derive(Debug, Clone)]
pub struct PostOffice {
    port: u16,
    kept: Arc<Mutex<Kept>>,
}

impl PostOffice {
    /// Opens it for as long as the runtime lives.
    pub async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let office = Self {
            port,
            kept: Arc::default(),
        };
        let kept = Arc::clone(&office.kept);
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let kept = Arc::clone(&kept);
                tokio::spawn(async move { serve(connection, &kept).await });
            }
        });
        office
    }

    /// `SMTP_URL`.
    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}", self.port)
    }

    /// What came for somebody.
    pub fn mail_for(&self, recipient: &str) -> Vec<Mail> {
        let kept = self.kept.lock().expect("no panic inside");
        let mails = kept.mails.iter();
        let theirs = mails.filter(|mail| mail.to.iter().any(|to| to == recipient));
        theirs.cloned().collect()
    }

    /// How often mail for somebody was refused.
    pub fn refused(&self, recipient: &str) -> u32 {
        let kept = self.kept.lock().expect("no panic inside");
        kept.refused.get(recipient).copied().unwrap_or_default()
    }

    /// Waits for the first mail for somebody.
    pub async fn delivers_to(&self, recipient: &str) -> Mail {
        eventually(SOON * 3, &format!("mail for {recipient}"), async || {
            let mails = self.mail_for(recipient);
            mails
                .into_iter()
                .next()
                .ok_or_else(|| format!("none, {} refused", self.refused(recipient)))
        })
        .await
    }
}

impl Mail {
    /// The value of a header, which has to be there once.
    #[track_caller]
    pub fn header(&self, name: &str) -> String {
        let head = self.data.split("\n\n").next().unwrap_or_default();
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let of_name = |line: &str| {
            let (known, value) = line.split_once(": ")?;
            known.eq_ignore_ascii_case(name).then(|| value.to_owned())
        };
        let found: Vec<String> = unfolded.lines().filter_map(of_name).collect();
        match found.as_slice() {
            [only] => only.clone(),
            other => panic!("{name} is there {} times: {head}", other.len()),
        }
    }

    /// The decoded parts of a multipart mail.
    pub fn parts(&self) -> Vec<String> {
        let kind = self.header("Content-Type");
        let boundary = kind.split("boundary=\"").nth(1).unwrap_or_default();
        let boundary = format!("--{}", boundary.split('"').next().unwrap_or_default());
        let parts = self.data.split(&boundary).skip(1);
        let parts = parts.take_while(|part| !part.starts_with("--"));
        parts.filter_map(decoded).collect()
    }
}

/// The text of a part by its `Content-Transfer-Encoding` (RFC 2045).
fn decoded(part: &str) -> Option<String> {
    let (head, body) = part.trim_start_matches('\n').split_once("\n\n")?;
    let bytes = if head.contains("base64") {
        STANDARD.decode(body.replace('\n', "")).ok()?
    } else if head.contains("quoted-printable") {
        let mut pieces = body.split('=');
        let mut bytes = pieces.next()?.as_bytes().to_vec();
        for piece in pieces {
            if let Some(next_line) = piece.strip_prefix('\n') {
                bytes.extend_from_slice(next_line.as_bytes());
            } else {
                bytes.push(u8::from_str_radix(piece.get(..2)?, 16).ok()?);
                bytes.extend_from_slice(&piece.as_bytes()[2..]);
            }
        }
        bytes
    } else {
        body.as_bytes().to_vec()
    };
    String::from_utf8(bytes).ok()
}

/// One SMTP session (RFC 5321).
async fn serve(connection: TcpStream, kept: &Mutex<Kept>) -> Option<()> {
    let mut connection = BufReader::new(connection);
    say(&mut connection, "220 post").await?;
    let mut mail = Mail::default();
    loop {
        let line = hear(&mut connection).await?;
        let verb = line.get(..4).unwrap_or_default().to_ascii_uppercase();
        let inside = || Some(line.split_once('<')?.1.split_once('>')?.0.to_owned());
        match verb.as_str() {
            "MAIL" => mail.from = inside()?,
            "RCPT" => {
                let recipient = inside()?;
                let refusal = kept.lock().expect("no panic inside").refusal(&recipient);
                if let Some(refusal) = refusal {
                    say(&mut connection, refusal).await?;
                    continue;
                }
                mail.to.push(recipient);
            }
            "DATA" => {
                say(&mut connection, "354 go on").await?;
                mail.data = data(&mut connection).await?;
                let mut kept = kept.lock().expect("no panic inside");
                kept.mails.push(std::mem::take(&mut mail));
            }
            "QUIT" => return say(&mut connection, "221 bye").await,
            _ => {}
        }
        say(&mut connection, "250 fine").await?;
    }
}

impl Kept {
    /// Why mail for somebody is not taken now, if it is not.
    fn refusal(&mut self, recipient: &str) -> Option<&'static str> {
        let refused = self.refused.entry(recipient.to_owned()).or_default();
        let refusal = if recipient.starts_with("never.") {
            "550 not here"
        } else if recipient.starts_with("busy.") && *refused < BUSY {
            "451 not now"
        } else {
            return None;
        };
        *refused += 1;
        Some(refusal)
    }
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
