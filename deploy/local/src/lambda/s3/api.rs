//! The S3 API, path style: whose request it is, which action it means, and how an error is written.
//! Signatures are not checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use md5::{Digest as _, Md5};
use percent_encoding::percent_decode_str;
use sha2::Sha256;

use super::actions;
use super::bucket::Bucket;
use super::xml;
use crate::hex;
use crate::lambda::ids::uuid;

/// Largest request. S3 takes 5 GB; here a request is held in memory.
const LARGEST_BODY: usize = 256 * 1024 * 1024;

/// Headers in `x-amz-` that change nothing here, or that the actions read.
const KNOWN_HEADERS: &[&str] = &[
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha256",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-date",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-storage-class",
    "x-amz-user-agent",
];

/// Serves buckets by name.
pub(crate) fn router(buckets: impl IntoIterator<Item = Arc<Bucket>>) -> Router {
    let buckets: BTreeMap<String, Arc<Bucket>> = buckets
        .into_iter()
        .map(|bucket| (bucket.name.clone(), bucket))
        .collect();
    Router::new()
        .fallback(call)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(Arc::new(buckets))
}

/// An error as the API answers it.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    pub(super) fn bad_request(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(super) fn not_found(code: &'static str, message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(super) fn no_such_key() -> Self {
        Self::not_found("NoSuchKey", "The specified key does not exist.")
    }

    pub(super) fn precondition_failed() -> Self {
        Self::new(
            StatusCode::PRECONDITION_FAILED,
            "PreconditionFailed",
            "At least one of the pre-conditions you specified did not hold",
        )
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "NotImplemented",
            format!("the local host does not support {what}"),
        )
    }

    pub(super) fn internal(error: &dyn std::error::Error) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            error.to_string(),
        )
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::internal(&error)
    }
}

/// What an action gives.
pub(super) type Answer = Result<Response, Refusal>;

/// A request to a bucket, or to an object in it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) key: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

async fn call(
    State(buckets): State<Arc<BTreeMap<String, Arc<Bucket>>>>,
    method: Method,
    uri: Uri,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let resource = uri.path().to_owned();
    let query = query.unwrap_or_default();
    let is_head = method == Method::HEAD;
    // Objects are files.
    let acting = tokio::task::spawn_blocking(move || {
        let body = body.map_err(|_| {
            Refusal::bad_request(
                "EntityTooLarge",
                "Your proposed upload exceeds the maximum allowed object size.",
            )
        })?;
        check_headers(&headers)?;
        check_body(&headers, &body)?;
        let (bucket, key) = place(uri.path())?;
        let bucket = buckets.get(&bucket).ok_or_else(|| {
            Refusal::not_found("NoSuchBucket", "The specified bucket does not exist")
        })?;
        let query = serde_urlencoded::from_str(&query)
            .map_err(|_| Refusal::bad_request("InvalidURI", "Couldn't parse the specified URI."))?;
        let request = Request {
            key,
            query,
            headers,
            body,
        };
        act(bucket, &method, &request)
    });
    let answer = acting
        .await
        .unwrap_or_else(|error| Err(Refusal::internal(&error)));
    let request_id = uuid();
    let mut response = answer.unwrap_or_else(|refusal| {
        let empty = is_head || refusal.status == StatusCode::NOT_MODIFIED;
        let text = (!empty).then(|| xml::error(&refusal, &resource, &request_id));
        let content_type = [(header::CONTENT_TYPE, "application/xml")];
        (refusal.status, content_type, text.unwrap_or_default()).into_response()
    });
    if let Ok(id) = request_id.parse() {
        response.headers_mut().insert("x-amz-request-id", id);
    }
    response
}

/// Bucket and key of a path; the key is empty when the bucket itself is meant.
fn place(path: &str) -> Result<(String, String), Refusal> {
    let (bucket, key) = path[1..].split_once('/').unwrap_or((&path[1..], ""));
    let decoded = |text| percent_decode_str(text).decode_utf8().map(String::from);
    match (decoded(bucket), decoded(key)) {
        (Ok(bucket), Ok(key)) => Ok((bucket, key)),
        _ => Err(Refusal::bad_request(
            "InvalidURI",
            "Couldn't parse the specified URI.",
        )),
    }
}

/// Refuses what would be ignored, as the template's reader does.
fn check_headers(headers: &HeaderMap) -> Result<(), Refusal> {
    let unknown = headers.keys().map(http::HeaderName::as_str).find(|name| {
        name.starts_with("x-amz-")
            && !name.starts_with("x-amz-meta-")
            && !KNOWN_HEADERS.contains(name)
    });
    unknown.map_or(Ok(()), |name| Err(Refusal::not_implemented(name)))
}

/// Compares the body with the digests the client sent along.
fn check_body(headers: &HeaderMap, body: &Bytes) -> Result<(), Refusal> {
    let sent = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let differs = || {
        Refusal::bad_request(
            "BadDigest",
            "The Content-MD5 or checksum value that you specified did not match what the server received.",
        )
    };
    if sent("content-md5").is_some_and(|digest| digest != STANDARD.encode(Md5::digest(body))) {
        return Err(differs());
    }
    if sent("x-amz-checksum-sha256")
        .is_some_and(|digest| digest != STANDARD.encode(Sha256::digest(body)))
    {
        return Err(differs());
    }
    match sent("x-amz-content-sha256") {
        None | Some("UNSIGNED-PAYLOAD") => Ok(()),
        Some(kind) if kind.starts_with("STREAMING-") => Err(Refusal::not_implemented(kind)),
        Some(digest) if digest == hex::encode(&Sha256::digest(body)) => Ok(()),
        Some(_) => Err(Refusal::bad_request(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )),
    }
}

fn act(bucket: &Bucket, method: &Method, request: &Request) -> Answer {
    let asks = |name: &str| request.query.contains_key(name);
    if request.key.is_empty() {
        return match *method {
            Method::HEAD => Ok(StatusCode::OK.into_response()),
            Method::GET
                if request
                    .query
                    .get("list-type")
                    .is_some_and(|kind| kind == "2") =>
            {
                actions::list(bucket, request)
            }
            Method::POST if asks("delete") => actions::delete_several(bucket, request),
            _ => Err(Refusal::not_implemented("this action on a bucket")),
        };
    }
    match *method {
        Method::POST if asks("uploads") => actions::begin_upload(bucket, request),
        Method::POST if asks("uploadId") => actions::complete_upload(bucket, request),
        Method::PUT if asks("uploadId") => actions::put_part(bucket, request),
        Method::DELETE if asks("uploadId") => actions::abort_upload(bucket, request),
        // Tagging, retention, versions and the like are said in the query.
        _ if !request.query.is_empty() => Err(Refusal::not_implemented(&format!(
            "{method} with {:?}",
            request.query.keys()
        ))),
        Method::HEAD => actions::head(bucket, request),
        Method::GET => actions::get(bucket, request),
        Method::PUT if request.headers.contains_key("x-amz-copy-source") => {
            actions::copy(bucket, request)
        }
        Method::PUT => actions::put(bucket, request),
        Method::DELETE => actions::delete(bucket, request),
        _ => Err(Refusal::not_implemented("this action on an object")),
    }
}
