//! IAM authentication of Amazon RDS, Aurora and RDS Proxy: instead of a password, a signed request to connect.

use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SignatureLocation, SigningSettings};
use bothways_domain::{Error, Result};
use bothways_store_postgres::Passwords;

use crate::{ConfigError, Settings, aws::Signer};

/// How long a token is good for (Amazon RDS User Guide, "IAM database authentication").
const GOOD_FOR: Duration = Duration::from_mins(15);
/// How long one is used: a clock that is a little off does no harm.
const LIFETIME: Duration = Duration::from_mins(10);

/// Signs tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    signer: Signer,
}

impl Tokens {
    /// The tokens, if `DATABASE_AUTH` says `iam`.
    pub(crate) fn from_env(settings: Settings) -> std::result::Result<Option<Self>, ConfigError> {
        match settings.read("DATABASE_AUTH")?.as_deref() {
            None => Ok(None),
            Some("iam") => Ok(Some(Self {
                signer: Signer::from_env(settings)?,
            })),
            Some(other) => Err(ConfigError::of(
                "DATABASE_AUTH",
                format!("'{other}' is not iam"),
            )),
        }
    }

    fn sign(&self, host: &str, port: u16, user: &str, at: SystemTime) -> Result<String> {
        let mut settings = SigningSettings::default();
        settings.expires_in = Some(GOOD_FOR);
        settings.signature_location = SignatureLocation::QueryParams;
        let url = format!("https://{host}:{port}/?Action=connect&DBUser={user}");
        let request =
            SignableRequest::new("GET", &url, std::iter::empty(), SignableBody::Bytes(&[]));
        let request = request.map_err(Error::internal)?;
        let instructions = self.signer.sign("rds-db", request, settings, at)?;
        let mut url = reqwest::Url::parse(&url).map_err(Error::internal)?;
        for (name, value) in instructions.params() {
            url.query_pairs_mut().append_pair(name, value);
        }
        Ok(url.as_str().trim_start_matches("https://").to_owned())
    }
}

impl Passwords for Tokens {
    fn password(&self, host: &str, port: u16, user: &str) -> Result<String> {
        self.sign(host, port, user, SystemTime::now())
    }

    fn lifetime(&self) -> Duration {
        LIFETIME
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `generate_db_auth_token` of botocore 1.43 gives for the same at the same time.
    #[test]
    fn a_token_is_the_one_that_the_aws_command_line_makes() {
        let tokens = Tokens {
            signer: Signer::example(),
        };
        let at = SystemTime::UNIX_EPOCH + Duration::from_mins(29_921_250);
        let token = tokens.sign("db.example.com", 5432, "bothways_cart", at);
        let (token, expected) = (token.unwrap(), include_str!("rds_iam_token.txt"));
        // The order of parameters is nobody's business: a signature is over all of them, sorted.
        let parts = |token: &str| {
            let parts = token.trim_end().split('&').map(str::to_owned);
            parts.collect::<std::collections::BTreeSet<String>>()
        };
        assert_eq!(parts(&token), parts(expected));
    }
}
