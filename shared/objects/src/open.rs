//! Opens an object store by its URL.

use std::sync::Arc;

use bothways_domain::{Error, Result};
use object_store::{ObjectStore, ObjectStoreScheme, aws::AmazonS3Builder, path::Path as Key};
use url::Url;

use crate::http::Connector;

/// The access key as `object_store` calls its parts, from the files that `AWS_ACCESS_KEY_ID_FILE` and
/// `AWS_SECRET_ACCESS_KEY_FILE` name.
fn secrets() -> Result<Vec<(String, String)>> {
    let mut secrets = Vec::new();
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let variable = format!("{name}_FILE");
        let given = std::env::var(&variable).unwrap_or_default();
        if !given.is_empty() {
            let text = std::fs::read_to_string(&given)
                .map_err(|error| Error::internal(format!("{variable}: {given}: {error}")))?;
            secrets.push((name.to_ascii_lowercase(), text.trim_end().to_owned()));
        }
    }
    Ok(secrets)
}

/// The store at `file:///directory` or `s3://bucket/prefix`, and where in it the URL points; S3 is configured by the
/// usual `AWS_…` variables, of which the access key may be in files.
pub fn open(url: &str) -> Result<(Arc<dyn ObjectStore>, Key)> {
    let variables = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        (name.starts_with("AWS_") && !value.is_empty()).then(|| (name.to_ascii_lowercase(), value))
    });
    open_with(url, variables.chain(secrets()?))
}

/// [`open`] with S3 configured by these variables, whose names are in lower case; the last of a name counts.
pub fn open_with(
    url: &str,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<(Arc<dyn ObjectStore>, Key)> {
    let url = Url::parse(url).map_err(Error::internal)?;
    let (scheme, root) = ObjectStoreScheme::parse(&url).map_err(Error::internal)?;
    if scheme != ObjectStoreScheme::AmazonS3 {
        let (store, root) = object_store::parse_url(&url).map_err(Error::internal)?;
        return Ok((Arc::from(store), root));
    }
    let mut builder = AmazonS3Builder::new()
        .with_url(url)
        .with_http_connector(Connector);
    for (name, value) in variables {
        // Others of AWS's variables say nothing about S3.
        if let Ok(key) = name.parse() {
            builder = builder.with_config(key, value);
        }
    }
    let store = builder.build().map_err(Error::internal)?;
    Ok((Arc::new(store), root))
}
