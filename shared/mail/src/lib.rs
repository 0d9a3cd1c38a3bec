//! Mail to buyers: receipts, sent by SMTP or, where no mail server is named, written to the log.

mod letter;
mod log;
mod smtp;

use std::sync::Arc;

use bothways_domain::fulfilment::Mailer;
use lettre::message::Mailbox;
use url::Url;

use crate::{log::LogMailer, smtp::SmtpMailer};

/// A setting that can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum MailSetting {
    /// The mail server's address.
    #[error(
        "SMTP_URL: no address of a mail server, such as smtp://user:password@host:587?tls=required"
    )]
    Server(#[source] lettre::transport::smtp::Error),
    /// Who the mail is from.
    #[error("MAIL_FROM: '{0}' is no address, such as Bothways <orders@example.com>")]
    From(String),
    /// Where the shop is.
    #[error("PUBLIC_URL: '{0}' is no address of a shop, such as https://shop.example.com")]
    Shop(String),
}

/// What every mail of the shop has in common.
#[derive(Debug, Clone)]
pub(crate) struct Letterhead {
    /// The shop's name.
    pub(crate) shop: String,
    /// Who it is from.
    pub(crate) from: Mailbox,
    /// The shop's address for its buyers, without a trailing slash.
    pub(crate) url: Option<String>,
}

impl Letterhead {
    fn of(setting: &impl Fn(&str) -> Option<String>) -> Result<Self, MailSetting> {
        let shop = setting("SHOP_NAME").unwrap_or_else(|| "Bothways".to_owned());
        let from = match setting("MAIL_FROM") {
            Some(from) => from.parse().map_err(|_| MailSetting::From(from))?,
            None => Mailbox::new(Some(shop.clone()), local_address()?),
        };
        let url = match setting("PUBLIC_URL") {
            Some(url) if is_web_address(&url) => Some(url.trim_end_matches('/').to_owned()),
            Some(url) => return Err(MailSetting::Shop(url)),
            None => None,
        };
        Ok(Self { shop, from, url })
    }
}

fn local_address() -> Result<lettre::Address, MailSetting> {
    let address = lettre::Address::new("orders", "localhost");
    address.map_err(|_| MailSetting::From("orders@localhost".to_owned()))
}

fn is_web_address(text: &str) -> bool {
    Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The mailer that the settings describe (see `docs/configuration.md`): `SMTP_URL`, `MAIL_FROM`, `SHOP_NAME` and
/// `PUBLIC_URL`, each asked for by its name.
pub fn mailer(setting: impl Fn(&str) -> Option<String>) -> Result<Arc<dyn Mailer>, MailSetting> {
    let letterhead = Letterhead::of(&setting)?;
    Ok(match setting("SMTP_URL") {
        Some(url) => Arc::new(SmtpMailer::new(&url, letterhead)?),
        None => Arc::new(LogMailer::new(letterhead)),
    })
}
