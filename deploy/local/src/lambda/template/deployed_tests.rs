//! What linters miss about the template that is deployed, and what only the code knows: which function needs which
//! rights. The calls that functions make are read from their sources, so that a right too few or too many is found
//! here, rather than by an account.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use super::intrinsics::to_json;

type Set = BTreeSet<String>;

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn template() -> Value {
    to_json(serde_norway::from_str(&read("deploy/aws/template.yaml")).unwrap()).unwrap()
}

/// Logical ids and resources of a type.
fn of_type<'t>(
    template: &'t Value,
    kind: &'t str,
) -> impl Iterator<Item = (&'t String, &'t Value)> {
    let resources = template["Resources"].as_object().unwrap();
    resources
        .iter()
        .filter(move |(_, resource)| resource["Type"] == kind)
}

/// A function of the template by the name of its folder.
struct Function {
    name: String,
    id: String,
    properties: Value,
    role: Value,
    source: String,
}

fn functions(template: &Value) -> Vec<Function> {
    let functions = of_type(template, "AWS::Serverless::Function").map(|(id, resource)| {
        let properties = resource["Properties"].clone();
        let code = properties["CodeUri"].as_str().unwrap();
        let name = code.trim_end_matches('/').rsplit('/').next().unwrap();
        let role = properties["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        Function {
            name: name.to_owned(),
            id: id.clone(),
            role: template["Resources"][role]["Properties"].clone(),
            source: read(&format!("functions/{name}/src/main.rs")),
            properties,
        }
    });
    let functions: Vec<_> = functions.collect();
    assert!(functions.len() > 10);
    functions
}

impl Function {
    fn number(&self, template: &Value, property: &str) -> u64 {
        let own = self.properties[property].as_u64();
        own.or(template["Globals"]["Function"][property].as_u64())
            .unwrap()
    }

    /// The properties of its events of a type.
    fn events(&self, kind: &str) -> Vec<&Value> {
        let events = self.properties["Events"].as_object();
        let events = events.into_iter().flat_map(|events| events.values());
        events
            .filter(|event| event["Type"] == kind)
            .map(|event| &event["Properties"])
            .collect()
    }

    /// Whether its code says any of these.
    fn says(&self, any: &[&str]) -> bool {
        any.iter().any(|text| self.source.contains(text))
    }

    fn statements(&self) -> Vec<&Value> {
        let policies = self.role["Policies"].as_array().unwrap();
        let statements = policies
            .iter()
            .flat_map(|policy| policy["PolicyDocument"]["Statement"].as_array().unwrap());
        statements.collect()
    }

    /// Actions the role allows, and of each the queues it is allowed for.
    fn allowed(&self) -> (Set, BTreeMap<String, Set>) {
        let (mut actions, mut queues) = (Set::new(), BTreeMap::<String, Set>::new());
        for statement in self.statements() {
            assert_eq!(statement["Effect"], "Allow");
            for action in statement["Action"].as_array().unwrap() {
                let action = action.as_str().unwrap().to_owned();
                assert!(!action.contains('*'), "{}: {action}", self.name);
                if action.starts_with("sqs:") {
                    let known = queues.entry(action.clone()).or_default();
                    known.extend(queue_names(&statement["Resource"]));
                }
                actions.insert(action);
            }
        }
        (actions, queues)
    }

    /// The contexts whose databases its code opens.
    fn contexts(&self) -> Set {
        let telling = ["product", "inventory", "checkout", "media"];
        let mut contexts = Set::new();
        for (call, opened) in [
            (".inventory()", &["inventory"][..]),
            (".product(", &["product"]),
            (".cart(", &["cart"]),
            (".checkout(", &["checkout"]),
            (".desk()", &["checkout"]),
            (".identity()", &["identity"]),
            (".fulfilment(", &["fulfilment"]),
            (".dead_letters()", &telling),
            (".relays(", &telling),
        ] {
            if self.says(&[call]) {
                contexts.extend(opened.iter().map(|&context| context.to_owned()));
            }
        }
        contexts
    }

    /// The queues that its code sends to.
    fn sends_to(&self) -> Set {
        let mut queues = Set::new();
        if self.says(&["poke_relay_after", "recovery("]) {
            queues.insert("OutboxWakeQueue".to_owned());
        }
        for (variable, value) in self.properties["Environment"]["Variables"]
            .as_object()
            .unwrap_or(&serde_json::Map::new())
        {
            let named = format!("\"{variable}\"");
            if self.source.contains("QueueSink") && self.source.contains(&named) {
                queues.insert(value["Ref"].as_str().unwrap().to_owned());
            }
        }
        queues
    }

    /// The queues that invoke it.
    fn follows(&self) -> Set {
        let events = self.events("SQS").into_iter();
        events
            .flat_map(|event| queue_names(&event["Queue"]))
            .collect()
    }

    /// Actions on objects that its code takes.
    fn object_actions(&self) -> Set {
        let mut actions = Set::new();
        for (code, takes) in [
            ("Searcher::open", &["s3:GetObject", "s3:ListBucket"][..]),
            (
                "Publisher::open",
                &[
                    "s3:GetObject",
                    "s3:ListBucket",
                    "s3:PutObject",
                    "s3:DeleteObject",
                ],
            ),
            // Without the right to list, what is missing would look forbidden.
            (
                "shop.media(",
                &["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            ),
            (
                "PictureMaker",
                &[
                    "s3:GetObject",
                    "s3:ListBucket",
                    "s3:PutObject",
                    "s3:DeleteObject",
                ],
            ),
        ] {
            if self.says(&[code]) {
                actions.extend(takes.iter().map(|&action| action.to_owned()));
            }
        }
        actions
    }
}

/// Logical ids of the queues in an ARN or a list of them.
fn queue_names(value: &Value) -> Vec<String> {
    let one = |value: &Value| value["Fn::GetAtt"][0].as_str().map(str::to_owned);
    match value {
        Value::Array(all) => all.iter().filter_map(one).collect(),
        single => one(single).into_iter().collect(),
    }
}

fn set(names: &[&str]) -> Set {
    names.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn a_function_answers_before_the_api_gives_up_on_it() {
    let template = template();
    for function in functions(&template) {
        let seconds = function.number(&template, "Timeout");
        for route in function.events("HttpApi") {
            let waits = route["TimeoutInMillis"].as_u64().unwrap_or(30_000);
            assert!(seconds * 1_000 < waits, "{}", function.name);
        }
        assert!((1..=900).contains(&seconds), "{}", function.name);
    }
}

#[test]
fn a_batch_fits_its_queue_and_names_what_failed() {
    let template = template();
    for function in functions(&template) {
        for event in function.events("SQS") {
            let name = queue_names(&event["Queue"]).remove(0);
            let queue = &template["Resources"][&name]["Properties"];
            let (size, most) = (event["BatchSize"].as_u64().unwrap(), 10);
            assert!((1..=most).contains(&size), "{}: {name}", function.name);
            let responses = &event["FunctionResponseTypes"];
            assert_eq!(responses[0], "ReportBatchItemFailures", "{name}");
            let visible = queue["VisibilityTimeout"].as_u64().unwrap_or(30);
            let seconds = function.number(&template, "Timeout");
            assert!(
                visible >= 6 * seconds,
                "{name}: AWS asks for six times {seconds} s"
            );
            if let Some(most) = event["ScalingConfig"]["MaximumConcurrency"].as_u64() {
                assert!((2..=1_000).contains(&most), "{name}");
            }
        }
    }
}

#[test]
fn what_a_queue_gives_up_on_is_kept_longer_than_anything_waits_in_it() {
    let template = template();
    for (name, queue) in of_type(&template, "AWS::SQS::Queue") {
        let policy = &queue["Properties"]["RedrivePolicy"];
        if policy.is_null() {
            assert!(name.ends_with("DeadLetters"), "{name} has no dead letters");
            continue;
        }
        let target = queue_names(&policy["deadLetterTargetArn"]).remove(0);
        let target = &template["Resources"][target]["Properties"];
        assert_eq!(
            target["FifoQueue"], queue["Properties"]["FifoQueue"],
            "{name}"
        );
        // A message keeps its age when it moves over to a standard queue of dead letters.
        let kept = |queue: &Value| queue["MessageRetentionPeriod"].as_u64().unwrap_or(345_600);
        assert!(kept(target) > kept(&queue["Properties"]), "{name}");
        assert_eq!(policy["maxReceiveCount"], 5, "{name}");
    }
}

#[test]
fn every_function_has_a_role_and_a_log_of_its_own() {
    let template = template();
    let mut roles = Set::new();
    for function in functions(&template) {
        let role = function.properties["Role"]["Fn::GetAtt"][0].as_str();
        assert!(roles.insert(role.unwrap().to_owned()), "{}", function.name);
        let log = function.properties["LoggingConfig"]["LogGroup"]["Ref"].as_str();
        let log = log.unwrap();
        let group = &template["Resources"][log]["Properties"]["LogGroupName"]["Fn::Sub"];
        let named = format!("/aws/lambda/${{AWS::StackName}}-{}", function.name);
        assert_eq!(*group, named);
        let mut written = function.statements().into_iter();
        assert!(written.any(|statement| statement["Resource"]["Fn::GetAtt"][0] == log));
        assert!(function.id.ends_with("Function"));
    }
}

#[test]
fn a_role_allows_what_the_code_of_its_function_does_and_nothing_else() {
    let template = template();
    for function in functions(&template) {
        let (actions, queues) = function.allowed();
        let (sends, follows) = (function.sends_to(), function.follows());
        let mut needed = set(&["logs:CreateLogStream", "logs:PutLogEvents"]);
        needed.extend(function.object_actions());
        if !sends.is_empty() {
            needed.insert("sqs:SendMessage".to_owned());
        }
        if !follows.is_empty() {
            needed.extend(set(&[
                "sqs:ReceiveMessage",
                "sqs:DeleteMessage",
                "sqs:GetQueueAttributes",
            ]));
        }
        // Who has `QUEUE_URL` makes what failed come again sooner.
        let postpones = function.says(&["queue_function(", "queue_and_schedule_function("]);
        if postpones {
            needed.insert("sqs:ChangeMessageVisibility".to_owned());
        }
        assert_eq!(actions, needed, "{}", function.name);
        for (action, allowed) in queues {
            let needed = if action == "sqs:SendMessage" {
                &sends
            } else {
                &follows
            };
            assert_eq!(allowed, *needed, "{}: {action}", function.name);
        }
        let variables = &function.properties["Environment"]["Variables"];
        assert_eq!(
            !variables["QUEUE_URL"].is_null(),
            postpones,
            "{}",
            function.name
        );
        let wakes = sends.contains("OutboxWakeQueue");
        let woken = !variables["OUTBOX_WAKE_QUEUE_URL"].is_null();
        assert_eq!(woken, wakes, "{}", function.name);
    }
}

#[test]
fn a_role_signs_in_to_the_databases_that_its_function_opens_and_to_no_others() {
    let template = template();
    for function in functions(&template) {
        let attached = function.role["ManagedPolicyArns"].as_array().unwrap();
        let attached = attached.iter().filter_map(|policy| {
            let chosen = policy["Fn::If"][1]["Ref"].as_str()?;
            chosen.strip_suffix("DatabasePolicy").map(str::to_lowercase)
        });
        assert_eq!(
            attached.collect::<Set>(),
            function.contexts(),
            "{}",
            function.name
        );
    }
}

#[test]
fn who_opens_a_database_is_replaced_after_the_migrations() {
    let template = template();
    for function in functions(&template) {
        let waits = template["Resources"][&function.id]["DependsOn"] == "Migrations";
        assert_eq!(waits, !function.contexts().is_empty(), "{}", function.name);
    }
}

#[test]
fn manifests_declare_what_the_template_does() {
    let template = template();
    for function in functions(&template) {
        let manifest = read(&format!("functions/{}/Cargo.toml", function.name));
        for (key, property) in [("memory", "MemorySize"), ("timeout", "Timeout")] {
            let line = format!("{key} = {}\n", function.number(&template, property));
            assert!(manifest.contains(&line), "{} lacks {line}", function.name);
        }
    }
}

/// What looks into the database each minute keeps it from pausing.
#[test]
fn every_schedule_is_as_often_as_the_parameter_says_and_rarer_where_the_database_pauses() {
    let template = template();
    let mut schedules = 0;
    for function in functions(&template) {
        let events = function.properties["Events"].as_object().cloned();
        for event in events.unwrap_or_default().values() {
            if event["Type"] == "Schedule" {
                schedules += 1;
                let rate = &event["Properties"]["Schedule"];
                assert_eq!(rate["Ref"], "ScheduleRate", "{}", function.name);
            }
        }
    }
    assert_eq!(schedules, 3);
    let rate = &template["Parameters"]["ScheduleRate"];
    assert_eq!(rate["Default"], "rate(1 minute)");
    let config = read("deploy/aws/samconfig.toml");
    for line in config
        .lines()
        .filter(|line| line.contains("DatabaseMinCapacity=0 "))
    {
        assert!(line.contains("ScheduleRate=\"rate(1 hour)\""), "{line}");
    }
}

/// An alarm that waits for what nobody says any more would be silent for ever.
#[test]
fn the_alarm_on_damaged_snapshots_waits_for_what_search_says() {
    let filter = &template()["Resources"]["DamagedSnapshotCount"]["Properties"];
    let pattern = filter["FilterPattern"].as_str().unwrap();
    let phrase = pattern.trim_matches('"');
    let said = read("shared/search/src/searcher.rs");
    assert!(phrase.len() > 10 && said.contains(phrase), "{pattern}");
    assert_eq!(filter["LogGroupName"]["Ref"], "SearchLog");
}

/// The names of the methods called on `on` in a source.
fn called(source: &str, on: &str) -> Set {
    let squeezed: String = source.split_whitespace().collect();
    let calls = squeezed.split(on).skip(1);
    let name = |call: &str| call.split('(').next().unwrap_or_default().to_owned();
    calls.map(name).collect()
}

#[test]
fn the_adapters_call_nothing_that_the_rights_above_do_not_know() {
    let sqs = read("shared/runtime/src/sqs.rs");
    let known = [
        "send_message_batch",
        "send_message",
        "change_message_visibility_batch",
    ];
    assert_eq!(called(&sqs, "self.sqs."), set(&known));
    let photos = read("shared/objects/src/photos.rs");
    assert_eq!(
        called(&photos, "self.store."),
        set(&["put", "get", "list", "delete_stream"])
    );
    let snapshots = read("shared/search/src/snapshot_store.rs");
    let known = [
        "list_with_delimiter",
        "list_with_offset",
        "get",
        "put",
        "put_opts",
        "delete_stream",
        "list",
    ];
    assert_eq!(called(&snapshots, "self.store."), set(&known));
}
