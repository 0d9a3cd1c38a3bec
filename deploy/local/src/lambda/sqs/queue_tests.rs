//! The queue's semantics, on a clock the test holds.

use super::*;

const SECOND: u64 = 1_000;

fn spec(name: &str) -> QueueSpec {
    QueueSpec {
        name: name.to_owned(),
        fifo: name.contains(".fifo"),
        content_based_deduplication: false,
        visibility_timeout: Duration::from_secs(30),
        delay: Duration::ZERO,
        retention: Duration::from_hours(24),
        receive_wait: Duration::ZERO,
        maximum_message_size: 1_048_576,
        redrive: None,
    }
}

fn open(spec: QueueSpec) -> (tempfile::TempDir, Arc<Queue>) {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(spec, folder.path()).unwrap();
    (folder, queue)
}

fn text(body: &str) -> Outgoing {
    Outgoing {
        body: body.to_owned(),
        ..Outgoing::default()
    }
}

fn fifo(group: &str, body: &str) -> Outgoing {
    Outgoing {
        group: Some(group.to_owned()),
        deduplication_id: Some(format!("{group}-{body}")),
        ..text(body)
    }
}

fn bodies(messages: &[Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.body.as_str())
        .collect()
}

fn receipt(message: &Message) -> &str {
    message.receipt.as_deref().unwrap()
}

#[test]
fn a_received_message_is_hidden_until_its_visibility_ends() {
    let (_folder, queue) = open(spec("q"));
    queue.send(text("a"), 0).unwrap();
    let first = queue.receive(10, None, 0).unwrap();
    assert_eq!(bodies(&first), ["a"]);
    assert!(queue.receive(10, None, 29 * SECOND).unwrap().is_empty());
    assert_eq!(
        queue.depth(29 * SECOND),
        Depth {
            visible: 0,
            in_flight: 1,
            delayed: 0
        }
    );
    let second = queue.receive(10, None, 30 * SECOND).unwrap();
    assert_eq!(second[0].receive_count, 2);
    assert_ne!(receipt(&first[0]), receipt(&second[0]));
    assert!(queue.delete(receipt(&second[0]), 31 * SECOND).unwrap());
    assert!(queue.receive(10, None, 99 * SECOND).unwrap().is_empty());
}

#[test]
fn visibility_can_be_changed_while_in_flight_only() {
    let (_folder, queue) = open(spec("q"));
    queue.send(text("a"), 0).unwrap();
    let received = queue.receive(1, None, 0).unwrap();
    assert!(queue.change_visibility(receipt(&received[0]), Duration::ZERO, 1));
    assert!(!queue.change_visibility(receipt(&received[0]), Duration::ZERO, 2));
    assert_eq!(queue.receive(1, None, 2).unwrap().len(), 1);
}

#[test]
fn a_delayed_message_shows_when_its_delay_is_over() {
    let (_folder, queue) = open(spec("q"));
    queue
        .send(
            Outgoing {
                delay: Some(Duration::from_secs(5)),
                ..text("a")
            },
            0,
        )
        .unwrap();
    assert_eq!(queue.depth(0).delayed, 1);
    assert!(queue.receive(1, None, 4 * SECOND).unwrap().is_empty());
    assert_eq!(queue.receive(1, None, 5 * SECOND).unwrap().len(), 1);
}

#[test]
fn a_group_is_received_in_order_and_waits_for_its_message_in_flight() {
    let (_folder, queue) = open(spec("q.fifo"));
    for (group, body) in [("a", "1"), ("a", "2"), ("b", "1"), ("a", "3")] {
        queue.send(fifo(group, body), 0).unwrap();
    }
    let first = queue.receive(1, None, 0).unwrap();
    assert_eq!(bodies(&first), ["1"]);
    let others = queue.receive(10, None, 0).unwrap();
    assert_eq!(others.len(), 1, "only group b is free");
    assert_eq!(others[0].group.as_deref(), Some("b"));
    assert!(queue.delete(receipt(&first[0]), 1).unwrap());
    assert_eq!(bodies(&queue.receive(10, None, 1).unwrap()), ["2", "3"]);
    // Not deleted in time: the group comes back in the same order.
    assert_eq!(
        bodies(&queue.receive(10, None, 31 * SECOND).unwrap()),
        ["2", "1", "3"]
    );
}

#[test]
fn a_fifo_queue_wants_the_latest_receipt_and_in_time() {
    let (_folder, queue) = open(spec("q.fifo"));
    queue.send(fifo("a", "1"), 0).unwrap();
    let received = queue.receive(1, None, 0).unwrap();
    assert!(!queue.delete(receipt(&received[0]), 30 * SECOND).unwrap());
    let again = queue.receive(1, None, 30 * SECOND).unwrap();
    assert!(!queue.delete(receipt(&received[0]), 31 * SECOND).unwrap());
    assert!(queue.delete(receipt(&again[0]), 31 * SECOND).unwrap());
}

#[test]
fn a_duplicate_within_five_minutes_is_not_sent_again() {
    let (_folder, queue) = open(spec("q.fifo"));
    let sent = queue.send(fifo("a", "1"), 0).unwrap();
    assert_eq!(queue.send(fifo("a", "1"), 299 * SECOND).unwrap(), sent);
    assert_eq!(queue.depth(299 * SECOND).visible, 1);
    assert_ne!(queue.send(fifo("a", "1"), 301 * SECOND).unwrap(), sent);
}

#[test]
fn what_fails_too_often_moves_to_the_dead_letter_queue() {
    let folder = tempfile::tempdir().unwrap();
    let dead = Queue::open(spec("dead.fifo"), folder.path()).unwrap();
    let queue = Queue::open(
        QueueSpec {
            redrive: Some(("Dead".to_owned(), 2)),
            ..spec("q.fifo")
        },
        folder.path(),
    )
    .unwrap();
    queue.set_dead_letters(Arc::clone(&dead));
    let (id, _) = queue.send(fifo("a", "poison"), 0).unwrap();
    queue.send(fifo("a", "after"), 0).unwrap();
    for attempt in 0..2 {
        let received = queue.receive(1, None, attempt * 30 * SECOND).unwrap();
        assert_eq!(bodies(&received), ["poison"]);
    }
    assert_eq!(
        bodies(&queue.receive(1, None, 60 * SECOND).unwrap()),
        ["after"]
    );
    let buried = dead.receive(10, None, 60 * SECOND).unwrap();
    assert_eq!((buried[0].body.as_str(), &buried[0].id), ("poison", &id));
}

#[test]
fn a_restart_loses_no_message_and_no_count() {
    let folder = tempfile::tempdir().unwrap();
    let queue = Queue::open(spec("q.fifo"), folder.path()).unwrap();
    for body in ["1", "2", "3"] {
        queue.send(fifo("a", body), now_ms()).unwrap();
    }
    let received = queue.receive(2, None, now_ms()).unwrap();
    assert!(queue.delete(receipt(&received[0]), now_ms()).unwrap());
    drop(queue);
    let reopened = Queue::open(spec("q.fifo"), folder.path()).unwrap();
    let again = reopened.receive(10, None, now_ms()).unwrap();
    assert_eq!(bodies(&again), ["2", "3"]);
    assert_eq!(again[0].receive_count, 2);
    reopened.send(fifo("a", "4"), now_ms()).unwrap();
    assert!(
        lock(&reopened.state)
            .messages
            .values()
            .last()
            .unwrap()
            .sequence
            > again[1].sequence
    );
}

#[tokio::test]
async fn a_waiting_receive_gets_a_message_at_once() {
    let (_folder, queue) = open(spec("q"));
    let receiver = Arc::clone(&queue);
    let waiting = tokio::spawn(async move {
        receiver
            .receive_within(10, None, Duration::from_secs(20))
            .await
            .unwrap()
    });
    tokio::task::yield_now().await;
    let started = std::time::Instant::now();
    queue.send(text("a"), now_ms()).unwrap();
    assert_eq!(waiting.await.unwrap().len(), 1);
    assert!(started.elapsed() < Duration::from_secs(5));
}
