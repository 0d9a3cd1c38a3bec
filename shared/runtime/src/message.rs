//! What a message of a queue tells: a batch of `CloudEvents`, or what a bucket noticed.

use bothways_domain::{
    event::{Event, EventKind},
    id::{EventId, ProductId, digest},
    time::Timestamp,
};
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

/// The events in a message's body. A bucket's notification (Amazon S3 User Guide, "Event message structure") of an upload
/// is `photo.uploaded`; its test message, sent when it is first told to notify, holds none.
pub(crate) fn events(body: &str) -> Result<Vec<Event>, String> {
    let body: Value = serde_json::from_str(body).map_err(|error| error.to_string())?;
    if body.is_array() {
        return serde_json::from_value(body).map_err(|error| error.to_string());
    }
    if body["Event"] == "s3:TestEvent" {
        return Ok(Vec::new());
    }
    let notification: Notification =
        serde_json::from_value(body).map_err(|error| error.to_string())?;
    notification.records.iter().map(uploaded).collect()
}

#[derive(Deserialize)]
struct Notification {
    #[serde(rename = "Records")]
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_time: Timestamp,
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    /// As in a form: a space is `+`.
    key: String,
}

/// The event's id is made of the upload's key, so that the same upload is the same event however often it is notified.
fn uploaded(record: &Record) -> Result<Event, String> {
    let key = &record.s3.object.key;
    let other = || format!("'{key}' is no upload");
    let decoded = percent_decode_str(key).decode_utf8().map_err(|_| other())?;
    let mut parts = decoded.rsplit('/');
    let (_upload, product, folder) = (parts.next(), parts.next(), parts.next());
    // Stores escape what is special in a path, such as `..`.
    let product = percent_decode_str(product.unwrap_or_default()).decode_utf8();
    let product = product.ok().and_then(|product| ProductId::parse(&product));
    let product = product
        .filter(|_| folder == Some("uploads"))
        .ok_or_else(other)?;
    let id = EventId::parse(&digest(&decoded)[..32]).ok_or_else(other)?;
    let kind = EventKind::PhotoUploaded;
    Ok(Event::new(id, kind, product.as_str(), record.event_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notified(key: &str) -> String {
        serde_json::json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "eventTime": "2026-11-21T09:00:00.000Z", "awsRegion": "eu-central-1",
            "s3": {"bucket": {"name": "photos"}, "object": {"key": key, "size": 7, "sequencer": "0A"}},
        }]})
        .to_string()
    }

    #[test]
    fn a_notification_of_an_upload_is_an_event_of_its_product() {
        for (key, product) in [
            ("uploads/kettle/019f", "kettle"),
            ("a/prefix/uploads/kettle/019f", "kettle"),
            ("uploads/A-z_0.9/019f", "A-z_0.9"),
            ("uploads%2Fkettle%2F019f", "kettle"),
            ("uploads/%252E%252E/019f", ".."),
        ] {
            let told = events(&notified(key)).unwrap();
            assert_eq!(told.len(), 1);
            assert_eq!(told[0].kind, EventKind::PhotoUploaded);
            assert_eq!(told[0].subject, product);
            assert_eq!(told[0].time.to_string(), "2026-11-21T09:00:00Z");
            assert_eq!(events(&notified(key)).unwrap(), told, "the same again");
        }
        let (one, other) = (notified("uploads/a/1"), notified("uploads/a/2"));
        assert_ne!(events(&one).unwrap()[0].id, events(&other).unwrap()[0].id);
    }

    #[test]
    fn what_is_no_upload_is_named() {
        for key in [
            "pictures/1/card.webp",
            "uploads/kettle",
            "kettle/1",
            "",
            "uploads/a b/1",
        ] {
            let error = events(&notified(key)).unwrap_err();
            assert!(error.contains("is no upload"), "{error}");
        }
        for body in ["", "{}", "7", "{\"Records\": [{}]}"] {
            assert!(events(body).is_err(), "{body}");
        }
    }

    #[test]
    fn a_buckets_test_message_holds_nothing_and_events_are_read_as_before() {
        let test = r#"{"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "photos"}"#;
        assert_eq!(events(test), Ok(Vec::new()));
        let told = events(&notified("uploads/kettle/1")).unwrap();
        let batch = serde_json::to_string(&told).unwrap();
        assert_eq!(events(&batch), Ok(told));
    }
}
