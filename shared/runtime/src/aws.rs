//! Who we are to AWS: requests signed (AWS Signature Version 4) with the credentials and region that Lambda puts into the
//! environment. They last as long as the instance, so nothing has to look for others.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableRequest, SigningInstructions, SigningSettings, sign},
    sign::v4::SigningParams,
};
use bothways_domain::{Error, Result};

use crate::{ConfigError, Settings};

/// Signs requests.
#[derive(Debug, Clone)]
pub(crate) struct Signer {
    pub(crate) region: String,
    credentials: Credentials,
}

impl Signer {
    /// With what the environment holds.
    pub(crate) fn from_env(settings: Settings) -> std::result::Result<Self, ConfigError> {
        Ok(Self {
            region: settings.require("AWS_REGION")?,
            credentials: Credentials::from_keys(
                settings.require("AWS_ACCESS_KEY_ID")?,
                settings.require("AWS_SECRET_ACCESS_KEY")?,
                settings.text("AWS_SESSION_TOKEN"),
            ),
        })
    }

    /// What has to be added to `request` for `service` (as its endpoints call themselves) to know who sent it.
    pub(crate) fn sign(
        &self,
        service: &str,
        request: SignableRequest<'_>,
        settings: SigningSettings,
        at: SystemTime,
    ) -> Result<SigningInstructions> {
        let identity = self.credentials.clone().into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(service)
            .time(at)
            .settings(settings)
            .build()
            .map_err(Error::internal)?;
        let signed = sign(request, &parameters.into()).map_err(Error::internal)?;
        Ok(signed.into_parts().0)
    }

    /// Somebody whom no AWS knows, at a place it has.
    #[cfg(test)]
    pub(crate) fn example() -> Self {
        Self {
            region: "eu-central-1".to_owned(),
            credentials: Credentials::from_keys("AKIDEXAMPLE", "secret", Some("a+b/c=".to_owned())),
        }
    }
}
