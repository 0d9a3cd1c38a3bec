//! The outbox relay: order per subject, retries, dead letters.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    event::{
        DeadLetter, Event, EventKind, EventSink, MAX_DELIVERY_ATTEMPTS, Outbox, PendingEvent, Relay,
    },
    id::EventId,
    paging::Page,
    time::{Clock, Timestamp},
};

use crate::world::World;

#[derive(Default)]
struct Rows {
    /// Event, attempts, due at, whether parked.
    waiting: Vec<(PendingEvent, Timestamp, bool)>,
}

#[derive(Default)]
struct MemoryOutbox(Mutex<Rows>);

impl MemoryOutbox {
    fn with(subjects: &[&str]) -> Arc<Self> {
        let now = Timestamp::from_millis(0);
        let rows = subjects.iter().enumerate().map(|(n, subject)| {
            let id = EventId::parse(&format!("e{n}")).unwrap();
            let event = Event::new(id, EventKind::ProductChanged, *subject, now);
            (
                PendingEvent {
                    sequence: i64::try_from(n).unwrap(),
                    event,
                    attempts: 0,
                },
                now,
                false,
            )
        });
        Arc::new(Self(Mutex::new(Rows {
            waiting: rows.collect(),
        })))
    }

    fn left(&self) -> Vec<(i64, bool)> {
        self.0
            .lock()
            .unwrap()
            .waiting
            .iter()
            .map(|(pending, _, parked)| (pending.sequence, *parked))
            .collect()
    }
}

#[async_trait]
impl Outbox for MemoryOutbox {
    async fn lease(&self, _: &str, _: Timestamp, _: Timestamp) -> Result<bool> {
        Ok(true)
    }

    async fn pending(&self, now: Timestamp, limit: u32) -> Result<Vec<PendingEvent>> {
        let rows = self.0.lock().unwrap();
        let mut waits = std::collections::HashSet::new();
        let due =
            rows.waiting
                .iter()
                .filter(|(_, _, parked)| !parked)
                .filter(|(pending, due, _)| {
                    let blocked = waits.contains(&pending.event.subject);
                    if *due > now {
                        waits.insert(pending.event.subject.clone());
                    }
                    *due <= now && !blocked
                });
        Ok(due
            .take(limit as usize)
            .map(|(pending, _, _)| pending.clone())
            .collect())
    }

    async fn delivered(&self, sequences: &[i64]) -> Result<()> {
        self.0
            .lock()
            .unwrap()
            .waiting
            .retain(|(pending, _, _)| !sequences.contains(&pending.sequence));
        Ok(())
    }

    async fn failed(&self, sequence: i64, _: &str, retry_at: Option<Timestamp>) -> Result<()> {
        let mut rows = self.0.lock().unwrap();
        let row = rows
            .waiting
            .iter_mut()
            .find(|(pending, _, _)| pending.sequence == sequence)
            .unwrap();
        row.0.attempts += 1;
        match retry_at {
            Some(at) => row.1 = at,
            None => row.2 = true,
        }
        Ok(())
    }

    async fn park(&self, _: &Event, _: u32, _: &str) -> Result<()> {
        Ok(())
    }

    async fn dead_letters(&self, _: u32) -> Result<Page<DeadLetter>> {
        let (entries, total) = (Vec::new(), 0);
        Ok(Page { entries, total })
    }

    async fn replay(&self, _: &EventId, _: Timestamp) -> Result<bool> {
        Ok(false)
    }
}

/// Takes everything but the poisoned subject, and remembers the order.
struct Picky {
    poison: &'static str,
    down: bool,
    taken: Mutex<Vec<String>>,
}

impl Picky {
    fn new(poison: &'static str, down: bool) -> Arc<Self> {
        Arc::new(Self {
            poison,
            down,
            taken: Mutex::default(),
        })
    }
}

#[async_trait]
impl EventSink for Picky {
    async fn deliver(&self, batch: &[PendingEvent]) -> Result<Vec<(usize, String)>> {
        if self.down {
            return Err(Error::unavailable("the sink"));
        }
        let mut failed = Vec::new();
        for (index, PendingEvent { event, .. }) in batch.iter().enumerate() {
            if event.subject == self.poison {
                failed.push((index, "poison".to_owned()));
            } else {
                self.taken.lock().unwrap().push(event.id.to_string());
            }
        }
        Ok(failed)
    }
}

fn relay(outbox: &Arc<MemoryOutbox>, sink: &Arc<Picky>, world: &Arc<World>) -> Relay {
    Relay::new(
        outbox.clone(),
        sink.clone(),
        world.clone(),
        "relay".to_owned(),
    )
}

#[tokio::test]
async fn a_failure_holds_up_its_own_subject_only_and_is_parked_after_five_tries() {
    let world = World::new(0, 0, false, Vec::new());
    let outbox = MemoryOutbox::with(&["a", "bad", "b", "bad", "a"]);
    let sink = Picky::new("bad", false);
    let relay = relay(&outbox, &sink, &world);
    assert_eq!(relay.pass().await.unwrap(), Some(3));
    assert_eq!(*sink.taken.lock().unwrap(), ["e0", "e2", "e4"]);
    for _ in 1..MAX_DELIVERY_ATTEMPTS {
        assert_eq!(outbox.left(), [(1, false), (3, false)]);
        assert_eq!(relay.pass().await.unwrap(), Some(0), "not due yet");
        world.pass(60_000);
        relay.pass().await.unwrap();
    }
    assert_eq!(
        outbox.left(),
        [(1, true), (3, false)],
        "the first is parked, the next one's turn has come"
    );
}

#[tokio::test]
async fn a_sink_that_is_down_costs_no_event_a_try() {
    let world = World::new(0, 0, false, Vec::new());
    let outbox = MemoryOutbox::with(&["a"]);
    for _ in 0..20 {
        assert!(
            relay(&outbox, &Picky::new("", true), &world)
                .pass()
                .await
                .is_err()
        );
        world.pass(60_000);
    }
    assert_eq!(
        outbox.pending(world.now(), 10).await.unwrap()[0].attempts,
        0
    );
    let sink = Picky::new("", false);
    assert_eq!(
        relay(&outbox, &sink, &world)
            .drain(world.now().plus_millis(60_000))
            .await
            .unwrap(),
        Some(1)
    );
}
