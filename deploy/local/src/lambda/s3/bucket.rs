//! A bucket with S3's semantics: whole objects that are replaced in one step, strong consistency,
//! conditional writes, and an event for every object created.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use md5::{Digest as _, Md5};

use super::api::Refusal;
use super::condition::Expected;
use super::listing::Listing;
use super::notification::{Created, Notification};
use super::object::Object;
use super::xml::ListBucketResult;
use crate::hex;
use crate::lambda::ids::{now_ms, uuid};
use crate::lambda::sqs::queue::Queue;
use crate::lambda::template::model::BucketSpec;
use crate::sync::lock;

/// Longest key in bytes.
const LONGEST_KEY: usize = 1_024;

/// A bucket.
#[derive(Debug)]
pub(crate) struct Bucket {
    /// Its name.
    pub(crate) name: String,
    folder: PathBuf,
    objects: Mutex<BTreeMap<String, Arc<Object>>>,
    notifications: Vec<Notification>,
    next_sequencer: AtomicU64,
}

/// Headers an object is stored with.
pub(super) type StoredHeaders = BTreeMap<String, String>;

/// Bytes of an object.
pub(super) struct Part {
    pub(super) object: Arc<Object>,
    pub(super) range: Range<u64>,
    pub(super) content: Vec<u8>,
}

impl Bucket {
    /// Opens the bucket kept in a folder of its own below `folder`. `queues` are by logical id.
    pub(crate) fn open(
        spec: &BucketSpec,
        folder: &Path,
        queues: &BTreeMap<String, Arc<Queue>>,
    ) -> io::Result<Arc<Self>> {
        let folder = folder.join(&spec.name);
        let is_new = !folder.exists();
        for name in ["objects", "uploads", "new"] {
            fs::create_dir_all(folder.join(name))?;
        }
        // Files a crash left half written were never acknowledged.
        for entry in fs::read_dir(folder.join("new"))? {
            fs::remove_file(entry?.path())?;
        }
        let mut objects = BTreeMap::new();
        for entry in fs::read_dir(folder.join("objects"))? {
            let object = Object::read(&entry?.path())?;
            objects.insert(object.key.clone(), Arc::new(object));
        }
        let notifications = spec.notifications.iter().filter_map(|spec| {
            let queue = Arc::clone(queues.get(&spec.queue)?);
            Some(Notification {
                spec: spec.clone(),
                queue,
            })
        });
        let bucket = Self {
            name: spec.name.clone(),
            folder,
            objects: Mutex::new(objects),
            notifications: notifications.collect(),
            next_sequencer: AtomicU64::new(now_ms() << 20),
        };
        if is_new {
            for notification in &bucket.notifications {
                notification.test(&bucket.name)?;
            }
        }
        Ok(Arc::new(bucket))
    }

    /// Folder of the multipart uploads that are not complete.
    pub(super) fn uploads(&self) -> PathBuf {
        self.folder.join("uploads")
    }

    /// A path nobody else writes to, on the same file system as the objects.
    pub(super) fn new_file(&self) -> PathBuf {
        self.folder.join("new").join(uuid())
    }

    /// Stores an object of these bytes.
    pub(super) fn put(
        &self,
        key: &str,
        headers: StoredHeaders,
        content: &[u8],
        expected: &Expected,
        how: Created,
    ) -> Result<Arc<Object>, Refusal> {
        let object = Object {
            key: key.to_owned(),
            size: content.len() as u64,
            etag: format!("\"{}\"", hex::encode(&Md5::digest(content))),
            modified_at: now_ms(),
            headers,
        };
        self.store(object, &mut &content[..], expected, how)
    }

    /// Stores an object, and tells whom it concerns before it is acknowledged.
    pub(super) fn store(
        &self,
        object: Object,
        content: &mut dyn Read,
        expected: &Expected,
        how: Created,
    ) -> Result<Arc<Object>, Refusal> {
        if object.key.len() > LONGEST_KEY {
            return Err(Refusal::bad_request(
                "KeyTooLongError",
                "Your key is too long",
            ));
        }
        let fresh = self.new_file();
        let stored = object
            .write(&fresh, content)
            .map_err(Refusal::from)
            .and_then(|()| self.publish(&fresh, object, expected));
        let (object, sequencer) = stored.inspect_err(|_| {
            let _ = fs::remove_file(&fresh);
        })?;
        for notification in &self.notifications {
            notification.created(&self.name, &object, how, sequencer)?;
        }
        Ok(object)
    }

    /// Puts a written file into its place if what is there is what was expected.
    fn publish(
        &self,
        fresh: &Path,
        object: Object,
        expected: &Expected,
    ) -> Result<(Arc<Object>, u64), Refusal> {
        let mut objects = lock(&self.objects);
        expected.check(objects.get(&object.key).map(Arc::as_ref))?;
        fs::rename(fresh, self.file_of(&object.key))?;
        let object = Arc::new(object);
        objects.insert(object.key.clone(), Arc::clone(&object));
        Ok((object, self.next_sequencer.fetch_add(1, Ordering::Relaxed)))
    }

    fn file_of(&self, key: &str) -> PathBuf {
        self.folder.join("objects").join(Object::file_name(key))
    }

    /// What is known of an object.
    pub(super) fn head(&self, key: &str) -> Result<Arc<Object>, Refusal> {
        let objects = lock(&self.objects);
        objects.get(key).cloned().ok_or_else(Refusal::no_such_key)
    }

    /// An object and its file, which stays what it is when the object is replaced.
    fn open_object(&self, key: &str) -> Result<(Arc<Object>, File), Refusal> {
        let objects = lock(&self.objects);
        let object = objects.get(key).ok_or_else(Refusal::no_such_key)?;
        Ok((Arc::clone(object), File::open(self.file_of(key))?))
    }

    /// An object with the bytes `range` chooses once the object is known.
    pub(super) fn get(
        &self,
        key: &str,
        range: impl FnOnce(&Object) -> Result<Range<u64>, Refusal>,
    ) -> Result<Part, Refusal> {
        let (object, file) = self.open_object(key)?;
        let range = range(&object)?;
        let content = Object::content(file, &range)?;
        Ok(Part {
            object,
            range,
            content,
        })
    }

    /// Deletes an object; that there is none is no error.
    pub(super) fn delete(&self, key: &str) -> Result<(), Refusal> {
        let mut objects = lock(&self.objects);
        if objects.contains_key(key) {
            fs::remove_file(self.file_of(key))?;
            objects.remove(key);
        }
        Ok(())
    }

    /// Lists objects.
    pub(super) fn list(&self, listing: Listing) -> Result<ListBucketResult, Refusal> {
        listing.answer(&self.name, &lock(&self.objects))
    }
}
