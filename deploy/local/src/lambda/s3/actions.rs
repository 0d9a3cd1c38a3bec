//! What the S3 API's actions do to a bucket.

use std::ops::Range;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::percent_decode_str;
use serde::Serialize;

use super::api::{Answer, Refusal, Request};
use super::bucket::{Bucket, StoredHeaders};
use super::condition::{Expected, check_read, http_date};
use super::listing::{Listing, timestamp};
use super::multipart;
use super::notification::Created;
use super::object::Object;
use super::xml::{
    CompleteMultipartUpload, CompleteMultipartUploadResult, CopyObjectResult, Delete, DeleteError,
    DeleteResult, InitiateMultipartUploadResult, document, parse,
};

/// Headers kept with an object, beside those of the user (`x-amz-meta-…`).
const STORED_HEADERS: [&str; 6] = [
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
];

fn stored_headers(headers: &HeaderMap) -> StoredHeaders {
    let mut stored: StoredHeaders = headers
        .iter()
        .filter(|(name, _)| {
            name.as_str().starts_with("x-amz-meta-") || STORED_HEADERS.contains(&name.as_str())
        })
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect();
    stored
        .entry("content-type".to_owned())
        .or_insert_with(|| "binary/octet-stream".to_owned());
    stored
}

fn xml(name: &str, content: &impl Serialize) -> Answer {
    let content_type = [(header::CONTENT_TYPE, "application/xml")];
    Ok((content_type, document(name, content)?).into_response())
}

fn with_etag(etag: &str) -> Response {
    ([(header::ETAG, etag.to_owned())], ()).into_response()
}

pub(super) fn list(bucket: &Bucket, request: &Request) -> Answer {
    let result = bucket.list(Listing::of(&request.query)?)?;
    xml("ListBucketResult", &result)
}

pub(super) fn put(bucket: &Bucket, request: &Request) -> Answer {
    let expected = Expected::of(&request.headers)?;
    let headers = stored_headers(&request.headers);
    let object = bucket.put(
        &request.key,
        headers,
        &request.body,
        &expected,
        Created::Put,
    )?;
    Ok(with_etag(&object.etag))
}

/// Copies within the bucket, headers included.
pub(super) fn copy(bucket: &Bucket, request: &Request) -> Answer {
    let source = request.headers["x-amz-copy-source"]
        .to_str()
        .ok()
        .and_then(|source| percent_decode_str(source).decode_utf8().ok())
        .unwrap_or_default();
    let (name, key) = source
        .trim_start_matches('/')
        .split_once('/')
        .unwrap_or_default();
    if name != bucket.name {
        return Err(Refusal::not_implemented("a copy from another bucket"));
    }
    let expected = Expected::of(&request.headers)?;
    let read = bucket.get(key, |object| Ok(0..object.size))?;
    let (headers, content) = (read.object.headers.clone(), read.content);
    let copy = bucket.put(&request.key, headers, &content, &expected, Created::Copy)?;
    let result = CopyObjectResult {
        last_modified: timestamp(copy.modified_at),
        etag: copy.etag.clone(),
    };
    xml("CopyObjectResult", &result)
}

pub(super) fn head(bucket: &Bucket, request: &Request) -> Answer {
    let object = bucket.head(&request.key)?;
    check_read(&request.headers, &object)?;
    let range = 0..object.size;
    Ok(answer(&object, &range, StatusCode::OK, Body::empty()))
}

pub(super) fn get(bucket: &Bucket, request: &Request) -> Answer {
    let asked = request.headers.get(header::RANGE);
    let asked = asked.and_then(|range| range.to_str().ok());
    let mut status = StatusCode::OK;
    let part = bucket.get(&request.key, |object| {
        check_read(&request.headers, object)?;
        let Some(part) = asked.map_or(Ok(None), |asked| range_of(asked, object.size))? else {
            return Ok(0..object.size);
        };
        status = StatusCode::PARTIAL_CONTENT;
        Ok(part)
    })?;
    let body = Body::from(part.content);
    Ok(answer(&part.object, &part.range, status, body))
}

/// The bytes a range names; `None`, hence all of them, when it is none that is understood
/// (RFC 9110, section 14.2).
fn range_of(asked: &str, size: u64) -> Result<Option<Range<u64>>, Refusal> {
    let Some((first, last)) = asked
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
    else {
        return Ok(None);
    };
    let range = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..size.min(last.saturating_add(1)),
        (Ok(first), Err(_)) if last.is_empty() => first..size,
        (Err(_), Ok(length)) if first.is_empty() => size.saturating_sub(length)..size,
        _ => return Ok(None),
    };
    if range.is_empty() {
        return Err(Refusal::new(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidRange",
            "The requested range is not satisfiable",
        ));
    }
    Ok(Some(range))
}

fn answer(object: &Object, range: &Range<u64>, status: StatusCode, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    let mut set = |name: &str, value: &str| {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    };
    for (name, value) in &object.headers {
        set(name, value);
    }
    set("accept-ranges", "bytes");
    set("content-length", &(range.end - range.start).to_string());
    set("etag", &object.etag);
    set("last-modified", &http_date(object.modified_at));
    if status == StatusCode::PARTIAL_CONTENT {
        let (first, last, size) = (range.start, range.end - 1, object.size);
        set("content-range", &format!("bytes {first}-{last}/{size}"));
    }
    response
}

pub(super) fn delete(bucket: &Bucket, request: &Request) -> Answer {
    bucket.delete(&request.key)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn delete_several(bucket: &Bucket, request: &Request) -> Answer {
    let asked: Delete = parse(&request.body)?;
    let mut result = DeleteResult::default();
    for object in asked.objects {
        match bucket.delete(&object.key) {
            Ok(()) if asked.quiet => {}
            Ok(()) => result.deleted.push(object),
            Err(refusal) => result.errors.push(DeleteError {
                key: object.key,
                code: refusal.code,
                message: refusal.message,
            }),
        }
    }
    xml("DeleteResult", &result)
}

fn upload_id(request: &Request) -> &str {
    request.query.get("uploadId").map_or("", String::as_str)
}

pub(super) fn begin_upload(bucket: &Bucket, request: &Request) -> Answer {
    let upload_id = multipart::begin(bucket, &request.key, stored_headers(&request.headers))?;
    let result = InitiateMultipartUploadResult {
        bucket: bucket.name.clone(),
        key: request.key.clone(),
        upload_id,
    };
    xml("InitiateMultipartUploadResult", &result)
}

pub(super) fn put_part(bucket: &Bucket, request: &Request) -> Answer {
    if request.headers.contains_key("x-amz-copy-source") {
        return Err(Refusal::not_implemented("UploadPartCopy"));
    }
    let number = request.query.get("partNumber").map_or("", String::as_str);
    let id = upload_id(request);
    let etag = multipart::put_part(bucket, &request.key, id, number, &request.body)?;
    Ok(with_etag(&etag))
}

pub(super) fn complete_upload(bucket: &Bucket, request: &Request) -> Answer {
    let asked: CompleteMultipartUpload = parse(&request.body)?;
    let expected = Expected::of(&request.headers)?;
    let id = upload_id(request);
    let etag = multipart::complete(bucket, &request.key, id, &asked.parts, &expected)?;
    let result = CompleteMultipartUploadResult {
        bucket: bucket.name.clone(),
        key: request.key.clone(),
        etag,
    };
    xml("CompleteMultipartUploadResult", &result)
}

pub(super) fn abort_upload(bucket: &Bucket, request: &Request) -> Answer {
    multipart::abort(bucket, &request.key, upload_id(request))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
