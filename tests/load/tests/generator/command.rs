//! The command, as a person or a program runs it.

use std::process::{Command, Output};

use axum::{Router, http::StatusCode, routing::get};
use bothways_load::stand::{self, Server};
use serde_json::Value;

fn load(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_load"))
        .args(arguments)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_run_prints_a_table_of_each_target_and_writes_the_raw_figures() {
    let stands = [
        Server::start(stand::routes()).unwrap(),
        Server::start(stand::routes()).unwrap(),
    ];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("raw.json");
    let (left, right) = (
        format!("left={}", stands[0].url()),
        format!("right={}/", stands[1].url()),
    );
    let output = load(&[
        "run",
        "--to",
        &left,
        "--to",
        &right,
        "--rate",
        "20",
        "--for",
        "1s",
        "--think",
        "0s",
        "--json",
        file.to_str().unwrap(),
    ]);
    let printed = text(&output.stdout);
    assert!(output.status.success(), "{printed}{}", text(&output.stderr));
    assert_eq!(
        printed
            .matches("20 journeys offered, 20 started, 20 completed, 0 failed")
            .count(),
        2,
        "{printed}"
    );
    assert!(
        text(&output.stderr).contains("journeys/s due"),
        "progress, once at least"
    );
    let raw: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for (target, name) in [(&raw[0], "left"), (&raw[1], "right")] {
        assert_eq!(target["target"]["name"], name);
        let all = &target["figures"]["all"];
        assert!(all["right"].as_u64() > Some(20), "{all}");
        // Every answer is in the histogram, and in the second in which it was due.
        let buckets = all["micros"]["histogram"].as_array().unwrap();
        let sum: u64 = buckets.iter().filter_map(|bucket| bucket[1].as_u64()).sum();
        assert_eq!(Some(sum), all["right"].as_u64());
        let seconds = target["figures"]["seconds"].as_array().unwrap();
        let sum: u64 = seconds
            .iter()
            .filter_map(|second| second["right"].as_u64())
            .sum();
        assert_eq!(Some(sum), all["right"].as_u64());
    }
}

#[test]
fn an_answer_that_is_wrong_fails_the_command_and_is_shown() {
    let broken = Router::new().route(
        "/api/products/{id}",
        get(|| async { (StatusCode::INTERNAL_SERVER_ERROR, "the lights are out") }),
    );
    let good = Server::start(stand::routes()).unwrap();
    let search = {
        let url = good.url().to_owned();
        move |uri: axum::http::Uri| async move {
            let body = reqwest::get(format!("{url}{uri}"))
                .await
                .unwrap()
                .bytes()
                .await
                .unwrap();
            (
                [(axum::http::header::CONTENT_TYPE, "application/json")],
                body,
            )
        }
    };
    let server = Server::start(broken.route("/api/search", get(search))).unwrap();
    let output = load(&[
        "run",
        "--to",
        server.url(),
        "--rate",
        "5",
        "--for",
        "1s",
        "--journey",
        "look:1=search,view",
        "--think",
        "0s",
    ]);
    let printed = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{printed}");
    assert!(
        printed.contains("view: status 500") && printed.contains("the lights are out"),
        "{printed}"
    );
}

#[test]
fn the_ceiling_is_measured_and_printed() {
    let mut arguments = vec!["ceiling", "--highest", "5"];
    arguments.extend(["--for", "1s", "--p99-under", "1m"]);
    let output = load(&arguments);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let printed = text(&output.stdout);
    assert!(
        printed.contains("ceiling  5 journeys/s") && printed.contains("floor    p50"),
        "{printed}"
    );
    arguments.push("--json");
    let found: Value = serde_json::from_slice(&load(&arguments).stdout).unwrap();
    assert_eq!(found["journeys_per_second"], 5.0);
}

#[test]
fn a_shop_that_is_not_there_fails_the_command_at_once() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let output = load(&["run", "--to", &url]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("GET /api/search") || text(&output.stderr).contains(&url)
    );
    assert_eq!(load(&["run", "--to", "ftp://shop"]).status.code(), Some(2));
}
