//! Uploads in parts: a folder each, until they are completed or aborted.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::PathBuf;

use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};

use super::api::Refusal;
use super::bucket::{Bucket, StoredHeaders};
use super::condition::Expected;
use super::notification::Created;
use super::object::Object;
use super::xml::PartToComplete;
use crate::hex;
use crate::lambda::ids::{now_ms, uuid};

/// Smallest part but the last.
const SMALLEST_PART: u64 = 5 * 1024 * 1024;
/// Highest number of a part.
const MOST_PARTS: u32 = 10_000;

/// What an upload was begun with.
#[derive(Debug, Serialize, Deserialize)]
struct Upload {
    key: String,
    headers: StoredHeaders,
}

/// Begins an upload; its id.
pub(super) fn begin(bucket: &Bucket, key: &str, headers: StoredHeaders) -> Result<String, Refusal> {
    let id = uuid();
    let folder = bucket.uploads().join(&id);
    fs::create_dir_all(&folder)?;
    let upload = Upload {
        key: key.to_owned(),
        headers,
    };
    let text = serde_json::to_vec(&upload).map_err(|error| Refusal::internal(&error))?;
    fs::write(folder.join("upload.json"), text)?;
    Ok(id)
}

/// Keeps a part, replacing one of the same number; its entity tag.
pub(super) fn put_part(
    bucket: &Bucket,
    key: &str,
    id: &str,
    number: &str,
    content: &[u8],
) -> Result<String, Refusal> {
    let (folder, _) = find(bucket, key, id)?;
    let number = number.parse().ok();
    let number: u32 = number
        .filter(|number| (1..=MOST_PARTS).contains(number))
        .ok_or_else(|| {
            Refusal::bad_request(
                "InvalidArgument",
                "Part number must be an integer between 1 and 10000, inclusive",
            )
        })?;
    let fresh = bucket.new_file();
    fs::write(&fresh, content)?;
    fs::rename(&fresh, folder.join(number.to_string()))?;
    Ok(format!("\"{}\"", hex::encode(&Md5::digest(content))))
}

/// Makes the parts an object.
pub(super) fn complete(
    bucket: &Bucket,
    key: &str,
    id: &str,
    parts: &[PartToComplete],
    expected: &Expected,
) -> Result<String, Refusal> {
    let (folder, upload) = find(bucket, key, id)?;
    let numbers = parts.iter().map(|part| part.part_number);
    if parts.is_empty() || !numbers.is_sorted_by(|a, b| a < b) {
        return Err(Refusal::bad_request(
            "InvalidPartOrder",
            "The list of parts was not in ascending order.",
        ));
    }
    let mut digests = Vec::new();
    let mut size = 0;
    let mut content: Box<dyn Read> = Box::new(io::empty());
    for (index, part) in parts.iter().enumerate() {
        let path = folder.join(part.part_number.to_string());
        let (length, digest) = looked_at(&path, part)?;
        if length < SMALLEST_PART && index + 1 < parts.len() {
            return Err(Refusal::bad_request(
                "EntityTooSmall",
                "Your proposed upload is smaller than the minimum allowed size",
            ));
        }
        size += length;
        digests.extend(digest);
        content = Box::new(content.chain(File::open(&path)?));
    }
    let digest = hex::encode(&Md5::digest(&digests));
    let object = Object {
        key: key.to_owned(),
        size,
        etag: format!("\"{digest}-{}\"", parts.len()),
        modified_at: now_ms(),
        headers: upload.headers,
    };
    let how = Created::CompleteMultipartUpload;
    let object = bucket.store(object, &mut content, expected, how)?;
    fs::remove_dir_all(&folder)?;
    Ok(object.etag.clone())
}

/// Forgets an upload and its parts.
pub(super) fn abort(bucket: &Bucket, key: &str, id: &str) -> Result<(), Refusal> {
    let (folder, _) = find(bucket, key, id)?;
    Ok(fs::remove_dir_all(folder)?)
}

/// The folder of an upload to this key.
fn find(bucket: &Bucket, key: &str, id: &str) -> Result<(PathBuf, Upload), Refusal> {
    let unknown = || {
        Refusal::not_found(
            "NoSuchUpload",
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have \
             been aborted or completed.",
        )
    };
    // An id comes from outside and becomes a path.
    if !id
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    {
        return Err(unknown());
    }
    let folder = bucket.uploads().join(id);
    let text = fs::read(folder.join("upload.json")).map_err(|_| unknown())?;
    let upload: Upload = serde_json::from_slice(&text).map_err(|_| unknown())?;
    if upload.key == key {
        Ok((folder, upload))
    } else {
        Err(unknown())
    }
}

/// Size and MD5 of a part that is what the client says it is.
fn looked_at(path: &std::path::Path, part: &PartToComplete) -> Result<(u64, Vec<u8>), Refusal> {
    let invalid = || {
        Refusal::bad_request(
            "InvalidPart",
            "One or more of the specified parts could not be found. The part may not have been uploaded, \
             or the specified entity tag may not match the part's entity tag.",
        )
    };
    let content = fs::read(path).map_err(|_| invalid())?;
    let digest = Md5::digest(&content).to_vec();
    if part.etag.trim_matches('"') != hex::encode(&digest) {
        return Err(invalid());
    }
    Ok((content.len() as u64, digest))
}
