//! Buckets, through the client the functions use.

use std::sync::Arc;

use futures::TryStreamExt as _;
use object_store::path::Path as Key;
use object_store::{
    Attribute, Attributes, Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt as _, PutMode,
    PutOptions, UpdateVersion,
};

use super::queues::Sqs;
use super::*;
use crate::lambda::sqs::message::body_digest;

const BUCKET: &str = r"
  Photos:
    Type: AWS::S3::Bucket
    DependsOn: MayNotify
    Properties:
      BucketName: !Sub '${AWS::StackName}-photos-${AWS::AccountId}'
      PublicAccessBlockConfiguration: {BlockPublicAcls: true}
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Queue: !GetAtt Uploads.Arn
            Filter: {S3Key: {Rules: [{Name: prefix, Value: uploads/}]}}
  MayNotify: {Type: AWS::SQS::QueuePolicy}
  Uploads: {Type: AWS::SQS::Queue, Properties: {QueueName: uploads}}
";

async fn start_with_bucket() -> Fixture {
    start(Options {
        template: format!("{TEMPLATE}{}", &BUCKET[1..]),
        ..Options::default()
    })
    .await
}

/// The bucket as a function opens it: from the variables the host gives, and nothing else.
fn store(fixture: &Fixture) -> Arc<dyn ObjectStore> {
    let given = fixture.pool().settings.environment.iter();
    let variables = given
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .chain([("aws_region".to_owned(), template::REGION.to_owned())])
        .filter(|(name, _)| name.starts_with("aws_"));
    let url = "s3://bothways-local-photos-000000000000";
    bothways_objects::open_with(url, variables).unwrap().0
}

async fn text(store: &dyn ObjectStore, key: &str) -> String {
    let bytes = store.get(&Key::from(key)).await.unwrap().bytes().await;
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

#[tokio::test]
async fn an_object_is_stored_read_in_parts_replaced_and_deleted() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    let key = Key::parse("a folder/ä&+%.txt").unwrap();
    let attributes = Attributes::from_iter([
        (Attribute::ContentType, "text/plain"),
        (Attribute::CacheControl, "immutable"),
        (Attribute::Metadata("width".into()), "160"),
    ]);
    let options = PutOptions::from(attributes.clone());
    store.put_opts(&key, "first".into(), options).await.unwrap();
    let got = store.get(&key).await.unwrap();
    assert_eq!(got.attributes, attributes);
    assert_eq!((got.meta.size, &got.meta.location), (5, &key));
    assert_eq!(got.bytes().await.unwrap(), "first");
    for (range, part) in [
        (GetRange::Bounded(1..3), "ir"),
        (GetRange::Offset(3), "st"),
        (GetRange::Suffix(2), "st"),
        (GetRange::Bounded(3..99), "st"),
    ] {
        let options = GetOptions {
            range: Some(range),
            ..GetOptions::default()
        };
        let got = store.get_opts(&key, options).await.unwrap();
        assert_eq!(got.bytes().await.unwrap(), part);
    }
    assert!(store.get_range(&key, 7..9).await.is_err());
    store.put(&key, "second".into()).await.unwrap();
    assert_eq!(store.head(&key).await.unwrap().size, 6);
    store.delete(&key).await.unwrap();
    store.delete(&key).await.unwrap();
    let gone = store.get(&key).await.unwrap_err();
    assert!(matches!(gone, Error::NotFound { .. }), "{gone:?}");
}

#[tokio::test]
async fn one_of_several_writers_creates_or_updates_an_object() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    let key = Key::from("manifest");
    let race = |mode: PutMode| {
        let writes = (0..8).map(|writer| {
            let options = PutOptions::from(mode.clone());
            store.put_opts(&key, format!("by {writer}").into(), options)
        });
        futures::future::join_all(writes)
    };
    let created = race(PutMode::Create).await;
    assert_eq!(created.iter().filter(|put| put.is_ok()).count(), 1);
    let refused = created.iter().filter_map(|put| put.as_ref().err());
    assert!(
        refused
            .clone()
            .all(|error| matches!(error, Error::AlreadyExists { .. }))
    );
    let before = store.head(&key).await.unwrap();
    let version = UpdateVersion {
        e_tag: before.e_tag.clone(),
        version: None,
    };
    let updated = race(PutMode::Update(version.clone())).await;
    // A writer of the very same bytes changes nothing that another could tell.
    let won = updated.iter().filter(|put| put.is_ok()).count();
    assert!((1..=2).contains(&won), "{updated:?}");
    assert!(
        updated
            .iter()
            .any(|put| matches!(put, Err(Error::Precondition { .. })))
    );
    let missing = PutOptions::from(PutMode::Update(version));
    let missing = store
        .put_opts(&Key::from("missing"), "x".into(), missing)
        .await;
    assert!(matches!(missing, Err(Error::Precondition { .. })));
}

#[tokio::test]
async fn readers_are_told_that_nothing_changed() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    let key = Key::from("picture");
    store.put(&key, "pixels".into()).await.unwrap();
    let meta = store.head(&key).await.unwrap();
    let read = async |options: GetOptions| store.get_opts(&key, options).await;
    let same = read(GetOptions {
        if_none_match: meta.e_tag.clone(),
        ..GetOptions::default()
    });
    assert!(matches!(same.await, Err(Error::NotModified { .. })));
    let since = read(GetOptions {
        if_modified_since: Some(meta.last_modified),
        ..GetOptions::default()
    });
    assert!(matches!(since.await, Err(Error::NotModified { .. })));
    let other = read(GetOptions {
        if_match: Some("\"another\"".to_owned()),
        ..GetOptions::default()
    });
    assert!(matches!(other.await, Err(Error::Precondition { .. })));
    let changed = read(GetOptions {
        if_none_match: Some("\"another\"".to_owned()),
        ..GetOptions::default()
    });
    assert_eq!(changed.await.unwrap().bytes().await.unwrap(), "pixels");
}

#[tokio::test]
async fn objects_are_listed_in_order_below_a_prefix_and_page_by_page() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    let numbers: Vec<u32> = (0..1_203).collect();
    let puts = numbers.iter().map(|number| {
        let key = Key::from(format!("many/{number:05}"));
        let store = Arc::clone(&store);
        async move { store.put(&key, "x".into()).await.unwrap() }
    });
    futures::future::join_all(puts).await;
    for key in ["a/1", "a/b/2", "a/b/3", "a/c/4", "a!"] {
        store.put(&Key::from(key), "x".into()).await.unwrap();
    }
    let keys = async |prefix: &str, after: &str| -> Vec<String> {
        let listed = store.list_with_offset(Some(&Key::from(prefix)), &Key::from(after));
        let listed: Vec<_> = listed.try_collect().await.unwrap();
        listed
            .iter()
            .map(|meta| meta.location.to_string())
            .collect()
    };
    let many = keys("many", "").await;
    assert_eq!(many.len(), 1_203);
    assert!(many.is_sorted());
    assert_eq!(keys("many", "many/01199").await.len(), 3);
    assert_eq!(keys("a", "").await, ["a/1", "a/b/2", "a/b/3", "a/c/4"]);
    let level = store
        .list_with_delimiter(Some(&Key::from("a")))
        .await
        .unwrap();
    let names = |keys: &[Key]| keys.iter().map(Key::to_string).collect::<Vec<_>>();
    assert_eq!(names(&level.common_prefixes), ["a/b", "a/c"]);
    assert_eq!(level.objects[0].location.as_ref(), "a/1");
    let all = many.iter().map(|key| Ok(Key::from(key.as_str())));
    let all = futures::StreamExt::boxed(futures::stream::iter(all.collect::<Vec<_>>()));
    let deleted: Vec<Key> = store.delete_stream(all).try_collect().await.unwrap();
    assert_eq!(deleted.len(), 1_203);
    assert_eq!(keys("many", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_in_parts_becomes_one_object_or_none() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    let key = Key::from("uploads/large");
    let mut upload = store.put_multipart(&key).await.unwrap();
    upload.put_part(vec![1; 5 << 20].into()).await.unwrap();
    upload.put_part(vec![2; 100].into()).await.unwrap();
    assert!(store.head(&key).await.is_err());
    let put = upload.complete().await.unwrap();
    assert!(put.e_tag.unwrap().ends_with("-2\""));
    let got = store.get(&key).await.unwrap().bytes().await.unwrap();
    assert_eq!((got.len(), got[0], got[5 << 20]), ((5 << 20) + 100, 1, 2));
    let copied = Key::from("copy");
    store.copy(&key, &copied).await.unwrap();
    assert_eq!(store.head(&copied).await.unwrap().size, got.len() as u64);
    let mut given_up = store.put_multipart(&Key::from("nothing")).await.unwrap();
    given_up.put_part("x".into()).await.unwrap();
    given_up.abort().await.unwrap();
    assert!(store.head(&Key::from("nothing")).await.is_err());
    let events = Sqs::of(&fixture).messages("uploads").await;
    assert_eq!(
        events[1]["Records"][0]["eventName"],
        "ObjectCreated:CompleteMultipartUpload"
    );
}

#[tokio::test]
async fn a_queue_is_told_of_each_object_that_its_filter_lets_through() {
    let fixture = start_with_bucket().await;
    let store = store(&fixture);
    for key in ["uploads/lamp 1/ä", "pictures/lamp", "uploads/lamp 1/ä"] {
        let key = Key::parse(key).unwrap();
        store.put(&key, "pixels".into()).await.unwrap();
    }
    let messages = Sqs::of(&fixture).messages("uploads").await;
    assert_eq!(messages.len(), 3, "{messages:?}");
    assert_eq!(messages[0]["Event"], "s3:TestEvent");
    let first = &messages[1]["Records"][0];
    assert_eq!(first["eventSource"], "aws:s3");
    assert_eq!(first["eventName"], "ObjectCreated:Put");
    let bucket = "bothways-local-photos-000000000000";
    assert_eq!(first["s3"]["bucket"]["name"], bucket);
    assert_eq!(first["s3"]["object"]["key"], "uploads/lamp+1/%C3%A4");
    assert_eq!(first["s3"]["object"]["size"], 6);
    let etag = first["s3"]["object"]["eTag"].as_str().unwrap();
    assert_eq!(etag, body_digest("pixels"));
    let sequencer =
        |message: &Value| message["Records"][0]["s3"]["object"]["sequencer"].to_string();
    assert!(sequencer(&messages[1]) < sequencer(&messages[2]));
}

#[tokio::test]
async fn objects_outlive_the_host_and_a_bucket_introduces_itself_once() {
    let fixture = start_with_bucket().await;
    store(&fixture)
        .put(&Key::from("kept"), "bytes".into())
        .await
        .unwrap();
    let folder = fixture.folder.path().to_owned();
    fixture.host.stop().await;
    let half_written = folder.join("buckets/bothways-local-photos-000000000000/new/half");
    std::fs::write(&half_written, "{").unwrap();
    let again = start_in(
        Options {
            template: format!("{TEMPLATE}{}", &BUCKET[1..]),
            ..Options::default()
        },
        fixture.folder,
    )
    .await;
    assert_eq!(text(&*store(&again), "kept").await, "bytes");
    assert!(!half_written.exists());
    assert_eq!(Sqs::of(&again).messages("uploads").await.len(), 1);
}

#[tokio::test]
async fn what_the_endpoint_does_not_support_it_says() {
    let fixture = start_with_bucket().await;
    let endpoint = &fixture.pool().settings.environment["AWS_ENDPOINT_URL_S3"];
    let url = |path: &str| format!("{endpoint}/bothways-local-photos-000000000000{path}");
    let client = &fixture.client;
    for (request, status, code) in [
        (client.get(url("/missing")), 404, "NoSuchKey"),
        (
            client.get(format!("{endpoint}/nowhere/x")),
            404,
            "NoSuchBucket",
        ),
        (client.get(url("/x?acl")), 501, "NotImplemented"),
        (
            client.get(url("?list-type=2&continuation-token=*")),
            400,
            "InvalidArgument",
        ),
        (
            client.put(url("/x")).header("x-amz-tagging", "a=b"),
            501,
            "NotImplemented",
        ),
        (
            client.put(url("/x")).header("content-md5", "wrong"),
            400,
            "BadDigest",
        ),
        (
            client.put(url("/x?uploadId=../objects&partNumber=1")),
            404,
            "NoSuchUpload",
        ),
        (
            client.post(url("?delete")).body("<Delete>"),
            400,
            "MalformedXML",
        ),
        (
            client.put(url(&format!("/{}", "k".repeat(1_025)))),
            400,
            "KeyTooLongError",
        ),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{code}");
        let body = response.text().await.unwrap();
        assert!(body.contains(&format!("<Code>{code}</Code>")), "{body}");
    }
}
