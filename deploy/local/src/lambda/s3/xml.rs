//! The XML of the S3 API.

use serde::{Deserialize, Serialize};

use super::api::Refusal;

/// Namespace of every document of the API.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";
const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document whose root is `name`.
pub(super) fn document(name: &str, content: &impl Serialize) -> Result<String, Refusal> {
    let text = quick_xml::se::to_string_with_root(name, content)
        .map_err(|error| Refusal::internal(&error))?;
    let root = format!("<{name} xmlns=\"{NAMESPACE}\"");
    let text = text.replacen(&format!("<{name}"), &root, 1);
    Ok(format!("{DECLARATION}{text}"))
}

/// Reads a request's document.
pub(super) fn parse<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Refusal> {
    let malformed = || {
        Refusal::bad_request(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        )
    };
    let text = std::str::from_utf8(body).map_err(|_| malformed())?;
    quick_xml::de::from_str(text).map_err(|_| malformed())
}

/// An error; alone among the documents it has no namespace.
pub(super) fn error(refusal: &Refusal, resource: &str, request_id: &str) -> String {
    #[derive(Serialize)]
    #[serde(rename = "Error", rename_all = "PascalCase")]
    struct Error<'a> {
        code: &'a str,
        message: &'a str,
        resource: &'a str,
        request_id: &'a str,
    }
    let error = Error {
        code: refusal.code,
        message: &refusal.message,
        resource,
        request_id,
    };
    let text = quick_xml::se::to_string(&error).unwrap_or_default();
    format!("{DECLARATION}{text}")
}

/// `ListObjectsV2`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ListBucketResult {
    pub(super) name: String,
    pub(super) prefix: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) delimiter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) continuation_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_continuation_token: Option<String>,
    pub(super) key_count: usize,
    pub(super) max_keys: usize,
    pub(super) is_truncated: bool,
    pub(super) contents: Vec<Contents>,
    pub(super) common_prefixes: Vec<CommonPrefix>,
}

/// A listed object.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Contents {
    pub(super) key: String,
    pub(super) last_modified: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
    pub(super) size: u64,
    pub(super) storage_class: &'static str,
}

/// What keys have in common up to the delimiter.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CommonPrefix {
    pub(super) prefix: String,
}

/// Body of `DeleteObjects`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Delete {
    #[serde(rename = "Object", default)]
    pub(super) objects: Vec<ObjectToDelete>,
    #[serde(default)]
    pub(super) quiet: bool,
}

/// One of the objects to delete.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ObjectToDelete {
    pub(super) key: String,
}

/// Answer of `DeleteObjects`.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteResult {
    pub(super) deleted: Vec<ObjectToDelete>,
    #[serde(rename = "Error")]
    pub(super) errors: Vec<DeleteError>,
}

/// An object that could not be deleted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DeleteError {
    pub(super) key: String,
    pub(super) code: &'static str,
    pub(super) message: String,
}

/// Answer of `CreateMultipartUpload`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InitiateMultipartUploadResult {
    pub(super) bucket: String,
    pub(super) key: String,
    pub(super) upload_id: String,
}

/// Body of `CompleteMultipartUpload`.
#[derive(Debug, Deserialize)]
pub(super) struct CompleteMultipartUpload {
    #[serde(rename = "Part", default)]
    pub(super) parts: Vec<PartToComplete>,
}

/// A part the upload is completed with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PartToComplete {
    pub(super) part_number: u32,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

/// Answer of `CompleteMultipartUpload`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CompleteMultipartUploadResult {
    pub(super) bucket: String,
    pub(super) key: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

/// Answer of `CopyObject`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CopyObjectResult {
    pub(super) last_modified: String,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}
