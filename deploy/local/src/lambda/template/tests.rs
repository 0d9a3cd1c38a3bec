//! The template is read completely or refused by name.

use super::model::ScheduleSender;
use super::*;

const SMALL: &str = r"
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Parameters:
  DatabaseUrl: {Type: String}
  Currency: {Type: String, Default: USD}
Globals:
  Function:
    Runtime: provided.al2023
    Handler: bootstrap
    Timeout: 29
    MemorySize: 256
    Environment: {Variables: {DATABASE_URL: !Ref DatabaseUrl}}
Resources:
  Api:
    Type: AWS::Serverless::HttpApi
    Properties:
      DefaultRouteSettings: {ThrottlingRateLimit: 10, ThrottlingBurstLimit: 20}
  Cart:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub '${AWS::StackName}-cart'
      CodeUri: ../../target/lambda/cart/
      Policies: [{SQSSendMessagePolicy: {QueueName: !GetAtt Wake.QueueName}}]
      Environment: {Variables: {CURRENCY: !Ref Currency, WAKE: !Ref Wake, PHOTOS: !Sub 's3://${Photos}', ARN: !GetAtt Photos.Arn}}
      Events:
        Any: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: '/api/carts/{proxy+}', Method: ANY}}
        Get: {Type: HttpApi, Properties: {ApiId: !Ref Api, Path: /api/carts, Method: get}}
  Relay:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: ../../target/lambda/outbox-relay/
      ReservedConcurrentExecutions: 1
      Events:
        Wake:
          Type: SQS
          Properties:
            Queue: !GetAtt Wake.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
        Tick: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
  Wake:
    Type: AWS::SQS::Queue
    Properties:
      VisibilityTimeout: 180
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 5}
  Photos:
    Type: AWS::S3::Bucket
    DependsOn: MayNotify
    Properties:
      BucketName: !Sub '${AWS::StackName}-photos'
      LifecycleConfiguration: {Rules: []}
      NotificationConfiguration:
        QueueConfigurations:
          - Event: s3:ObjectCreated:*
            Queue: !GetAtt Wake.Arn
            Filter: {S3Key: {Rules: [{Name: prefix, Value: a/}, {Name: suffix, Value: .jpg}]}}
  MayNotify: {Type: AWS::SQS::QueuePolicy, Properties: {Queues: [!Ref Wake]}}
  Dead:
    Type: AWS::SQS::Queue
Outputs:
  Anything: {Value: !ImportValue elsewhere}
";

fn parameters() -> BTreeMap<String, String> {
    BTreeMap::from([("DatabaseUrl".to_owned(), "sqlite:///x".to_owned())])
}

fn load_small(from: &str, to: &str) -> Result<Application, Vec<String>> {
    assert!(SMALL.contains(from), "the fixture lacks {from}");
    load(
        &SMALL.replace(from, to),
        &parameters(),
        "http://127.0.0.1:9324",
    )
}

#[test]
fn a_template_is_read_with_globals_parameters_and_references() {
    let application = load_small("Dead", "Dead").unwrap();
    let cart = &application.functions["Cart"];
    assert_eq!(cart.name, "bothways-local-cart");
    assert_eq!(cart.binary, "cart");
    assert_eq!(cart.memory_mb, 256);
    assert_eq!(cart.timeout.as_secs(), 29);
    assert_eq!(cart.environment["DATABASE_URL"], "sqlite:///x");
    assert_eq!(cart.environment["CURRENCY"], "USD");
    assert_eq!(
        cart.environment["WAKE"],
        "http://127.0.0.1:9324/000000000000/Wake"
    );
    assert_eq!(cart.environment["PHOTOS"], "s3://bothways-local-photos");
    assert_eq!(
        cart.environment["ARN"],
        "arn:aws:s3:::bothways-local-photos"
    );
    let photos = &application.buckets["Photos"].notifications[0];
    assert_eq!(photos.queue, "Wake");
    assert!(photos.wants("Put", "a/b.jpg"));
    assert!(!photos.wants("Put", "a/b.png") && !photos.wants("Put", "b/a/b.jpg"));
    assert_eq!(application.routes.len(), 2);
    let source = &application.queue_sources[0];
    assert_eq!(
        (source.queue.as_str(), source.maximum_concurrency),
        ("Wake", 1)
    );
    assert!(source.partial_failures);
    assert_eq!(
        application.queues["Wake"].redrive,
        Some(("Dead".to_owned(), 5))
    );
    assert_eq!(application.schedules[0].every.as_secs(), 60);
    assert_eq!(
        application.schedules[0].sender,
        ScheduleSender::EventBridgeRule
    );
    assert!((application.api.throttle.unwrap().burst - 20.0).abs() < f64::EPSILON);
}

#[test]
fn what_the_host_cannot_honour_is_refused_by_name() {
    for (from, to, named) in [
        (
            "AWS::SQS::Queue\nOutputs",
            "AWS::DynamoDB::Table\nOutputs",
            "AWS::DynamoDB::Table",
        ),
        (
            "Timeout: 29",
            "Timeout: 29\n    SnapStart: {ApplyOn: None}",
            "Properties.SnapStart",
        ),
        (
            "VisibilityTimeout: 180",
            "FifoThroughputLimit: perQueue",
            "Wake.Properties.FifoThroughputLimit",
        ),
        ("Tick: {Type: Schedule,", "Tick: {Type: S3,", "S3 events"),
        (
            "rate(1 minute)",
            "cron(0 12 * * ? *)",
            "Tick.Properties.Schedule",
        ),
        (
            "Runtime: provided.al2023",
            "Runtime: python3.13",
            "Properties.Runtime",
        ),
        ("!Ref Currency", "!Ref Nowhere", "Nowhere"),
        ("!Ref Currency", "!ImportValue shop", "Fn::ImportValue"),
        (
            "Outputs:",
            "Conditions: {A: true}\nOutputs:",
            "Conditions.A",
        ),
        ("Outputs:", "Mappings: {A: {}}\nOutputs:", "Mappings"),
        (
            "Type: AWS::SQS::Queue\nOutputs",
            "Type: AWS::SQS::Queue\n    Condition: Nobody\nOutputs",
            "Nobody",
        ),
        (
            "Currency: {Type: String, Default: USD}",
            "Currency: {Type: String}",
            "Parameters.Currency",
        ),
        (
            "VisibilityTimeout: 180",
            "VisibilityTimeout: 5",
            "visibility timeout",
        ),
        (
            "!GetAtt Dead.Arn",
            "!GetAtt Cart.Arn",
            "there is no queue Cart",
        ),
        (
            "s3:ObjectCreated:*",
            "s3:ObjectRemoved:*",
            "NotificationConfiguration.QueueConfigurations.0.Event",
        ),
        ("Name: suffix", "Name: middle", "Rules.1.Name"),
        (
            "LifecycleConfiguration: {Rules: []}",
            "VersioningConfiguration: {Status: Enabled}",
            "Photos.Properties.VersioningConfiguration",
        ),
        ("-photos'", "-Photos'", "Photos.Properties.BucketName"),
        (
            "Queue: !GetAtt Wake.Arn\n            Filter",
            "Queue: !GetAtt Dead\n            Filter",
            "QueueConfigurations.0.Queue",
        ),
        (
            "Type: AWS::SQS::Queue\nOutputs",
            "Type: AWS::SQS::Queue\n    Properties: {QueueName: d.fifo, FifoQueue: true}\nOutputs",
            "both FIFO or neither",
        ),
        (
            "VisibilityTimeout: 180",
            "VisibilityTimeout: 180\n      QueueName: w.fifo\n      FifoQueue: true",
            "can't notify a FIFO queue",
        ),
        (
            "Method: get}",
            "Method: get, PayloadFormatVersion: '1.0'}",
            "PayloadFormatVersion",
        ),
    ] {
        let refusals = load_small(from, to).expect_err(to);
        assert!(
            refusals.iter().any(|line| line.contains(named)),
            "{to}: {refusals:?}"
        );
    }
}

#[test]
fn the_template_of_the_project_is_honoured_completely() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../aws/template.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let parameters: BTreeMap<String, String> = crate::serverless::parameter_names()
        .map(|name| (name.to_owned(), format!("value-of-{name}")))
        .collect();
    let application = load(&text, &parameters, "http://127.0.0.1:1").unwrap();
    let written = concat!(env!("CARGO_MANIFEST_DIR"), "/../../functions");
    let written = std::fs::read_dir(written).unwrap().count();
    assert_eq!(application.functions.len(), written);
    assert!(
        application
            .routes
            .iter()
            .any(|route| route.path == "$default")
    );
    for (id, queue) in &application.queues {
        let dead_letters = id.ends_with("DeadLetters");
        assert_eq!(
            queue.redrive.is_none(),
            dead_letters,
            "{id} has a dead-letter queue"
        );
    }
    for source in &application.queue_sources {
        let function = &application.functions[&source.function];
        let queue = &application.queues[&source.queue];
        assert!(
            queue.visibility_timeout >= 6 * function.timeout,
            "{}: AWS asks for 6 ×",
            source.queue
        );
    }
}
