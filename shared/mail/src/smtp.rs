//! Mail by SMTP.

use std::time::Duration;

use async_trait::async_trait;
use bothways_domain::{
    checkout::Order,
    fulfilment::{MailError, Mailer},
};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Mailbox, MultiPart},
};

use crate::{Letterhead, MailSetting, letter::Letter};

/// How long connecting, and each command, may take.
const STEP: Duration = Duration::from_secs(5);
/// How long a mail may take in all: shorter than fulfilment's lease.
const WHOLE: Duration = Duration::from_secs(10);

/// Sends each mail over a connection of its own.
pub(crate) struct SmtpMailer {
    server: AsyncSmtpTransport<Tokio1Executor>,
    letterhead: Letterhead,
}

impl SmtpMailer {
    /// A mailer over the server at `url`: `smtp://` (with `?tls=required` or `?tls=opportunistic`) or `smtps://`, with
    /// user and password where it wants them.
    pub(crate) fn new(url: &str, letterhead: Letterhead) -> Result<Self, MailSetting> {
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
        let server = server.map_err(MailSetting::Server)?.timeout(Some(STEP));
        Ok(Self {
            server: server.build(),
            letterhead,
        })
    }

    /// The mail with its headers. Sent twice it has the same `Message-ID`, so that mailboxes can show it once.
    fn message(&self, order: &Order) -> Result<Message, MailError> {
        let letter = Letter::receipt(order, &self.letterhead)?;
        let address = letter.to.parse();
        let address = address.map_err(|error| MailError::Unaddressable(Box::new(error)))?;
        let from = &self.letterhead.from;
        Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, address))
            .subject(letter.subject)
            .message_id(Some(format!(
                "<receipt.{}@{}>",
                order.id,
                from.email.domain()
            )))
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))
            .map_err(|error| MailError::Unaddressable(Box::new(error)))
    }
}

#[async_trait]
impl Mailer for SmtpMailer {
    async fn receipt(&self, order: &Order) -> Result<(), MailError> {
        let sent = tokio::time::timeout(WHOLE, self.server.send(self.message(order)?)).await;
        match sent {
            Ok(Ok(_)) => {
                tracing::info!(order = %order.id, "a receipt was sent");
                Ok(())
            }
            Ok(Err(error)) => Err(MailError::NotTaken(Box::new(error))),
            Err(late) => Err(MailError::NotTaken(Box::new(late))),
        }
    }
}
