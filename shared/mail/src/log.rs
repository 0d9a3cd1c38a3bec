//! Where no mail server is named: receipts in the log.

use async_trait::async_trait;
use bothways_domain::{
    checkout::Order,
    fulfilment::{MailError, Mailer},
};

use crate::{Letterhead, letter::Letter};

/// Writes each receipt to the log, as one record.
#[derive(Debug)]
pub(crate) struct LogMailer {
    letterhead: Letterhead,
}

impl LogMailer {
    pub(crate) fn new(letterhead: Letterhead) -> Self {
        Self { letterhead }
    }
}

#[async_trait]
impl Mailer for LogMailer {
    async fn receipt(&self, order: &Order) -> Result<(), MailError> {
        let Letter {
            to, subject, text, ..
        } = Letter::receipt(order, &self.letterhead)?;
        tracing::info!("mail to {to} (SMTP_URL is not set)\nSubject: {subject}\n\n{text}");
        Ok(())
    }
}
