//! The supervisor with a real child process.

use std::collections::BTreeMap;

use super::*;
use crate::logs::Logs;
use crate::{ports, probe};

struct Fixture {
    process: Arc<Process>,
    folder: tempfile::TempDir,
}

fn start(environment: &[(&str, &str)]) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let reserved = ports::inner().unwrap();
    let own = std::env::current_exe().unwrap();
    let mut environment: BTreeMap<String, String> = environment
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    environment.insert("LISTEN".to_owned(), format!("127.0.0.1:{}", reserved.port));
    let spec = ProcessSpec {
        architecture: "microservices",
        name: "small".to_owned(),
        program: own
            .ancestors()
            .nth(2)
            .unwrap()
            .join("examples/small_service"),
        environment,
        port: reserved.port,
        admin_port: None,
        is_replica: false,
    };
    let logs = Logs::open(folder.path().to_owned()).unwrap();
    let process = Process::start(spec, vec![reserved], logs.source("microservices", "small"));
    Fixture { process, folder }
}

impl Fixture {
    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("microservices-small.log")).unwrap()
    }

    async fn reaches(&self, phase: Phase) {
        let mut phases = self.process.phase.subscribe();
        let reached = phases.wait_for(|now| *now == phase);
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .unwrap()
            .unwrap();
    }
}

#[tokio::test]
async fn a_crashed_service_is_started_again_on_the_same_port() {
    let fixture = start(&[]);
    fixture.process.ready().await.unwrap();
    let before = fixture.process.status();
    fixture.process.order(Order::Crash).await.unwrap();
    fixture.reaches(Phase::Running).await;
    let after = fixture.process.status();
    assert_ne!(before.pid, after.pid);
    assert_eq!(
        (before.port, before.restarts, after.restarts),
        (after.port, 0, 1)
    );
    assert!(probe::is_ready(after.port).await);
    fixture.process.order(Order::Stop).await.unwrap();
}

#[tokio::test]
async fn a_stopped_or_killed_service_stays_down_until_it_is_started() {
    let fixture = start(&[]);
    fixture.process.ready().await.unwrap();
    for order in [Order::Stop, Order::Kill] {
        fixture.process.order(order).await.unwrap();
        let status = fixture.process.status();
        assert_eq!((status.state, status.pid), (Phase::Stopped, None));
        assert!(!probe::is_ready(status.port).await);
        fixture.process.order(Order::Start).await.unwrap();
        assert_eq!(fixture.process.status().state, Phase::Running);
        assert!(probe::is_ready(status.port).await);
    }
    assert_eq!(fixture.log().matches("stopping in good order").count(), 1);
    fixture.process.order(Order::Stop).await.unwrap();
}

#[tokio::test]
async fn a_service_that_will_not_stop_is_killed() {
    let fixture = start(&[("IGNORE_TERM", "1")]);
    fixture.process.ready().await.unwrap();
    let began = Instant::now();
    fixture.process.order(Order::Stop).await.unwrap();
    assert!(began.elapsed() >= GRACE);
    assert_eq!(fixture.process.status().state, Phase::Stopped);
}

#[tokio::test]
async fn a_service_that_fails_at_start_is_an_error_with_its_log() {
    let fixture = start(&[("FAIL_AT_START", "1")]);
    let error = fixture.process.ready().await.unwrap_err();
    assert!(
        error.contains("microservices/small") && error.contains("no database today"),
        "{error}"
    );
    fixture.process.order(Order::Stop).await.unwrap();
}
