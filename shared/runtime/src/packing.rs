//! Packs events into the messages of a queue. Events of a subject go to one message group, so that a FIFO queue keeps
//! their order.

use bothways_domain::{event::PendingEvent, id::digest};

/// How events share messages and message groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Packing {
    /// Several to a message and many subjects to a group, as a function is handed ten messages at most: for many events
    /// that cost less together. What fails comes again, and is parked, with all that is in its message.
    Shared,
    /// Each by itself, in a group of its subject: for events each of which is work of its own.
    Single,
}

/// The message groups of shared messages. A group is handled in order; another one need not wait for it.
const GROUPS: u64 = 8;
/// The most events in a shared message.
const MAX_EVENTS: usize = 25;

/// A message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    /// The message group.
    pub(crate) group: String,
    /// Where its events stand in what was packed.
    pub(crate) indexes: Vec<usize>,
    /// Its events, in order.
    pub(crate) events: Vec<&'a PendingEvent>,
}

impl Message<'_> {
    /// The same for the same events, so that a repetition is recognised. An event that went through the dead letters has
    /// another place in its outbox: sent anew, it is no repetition.
    pub(crate) fn deduplication_id(&self) -> String {
        let parts = self.events.iter();
        let parts = parts.map(|pending| format!("{} {}", pending.event.id, pending.sequence));
        digest(&parts.collect::<Vec<_>>().join(" "))
    }

    /// The events as a JSON array (`CloudEvents` batch format).
    pub(crate) fn body(&self) -> serde_json::Result<String> {
        let events: Vec<_> = self.events.iter().map(|pending| &pending.event).collect();
        serde_json::to_string(&events)
    }
}

impl Packing {
    fn group_of(self, subject: &str) -> String {
        match self {
            Self::Shared => format!("subjects-{}", hash(subject) % GROUPS),
            // A group is named by up to 128 characters, an id by up to 64.
            Self::Single => subject.to_owned(),
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Shared => MAX_EVENTS,
            Self::Single => 1,
        }
    }

    /// Packs `events` into messages which, sent in order, keep the order of each subject.
    pub(crate) fn pack(self, events: &[PendingEvent]) -> Vec<Message<'_>> {
        let mut messages: Vec<Message<'_>> = Vec::new();
        for (index, event) in events.iter().enumerate() {
            let group = self.group_of(&event.event.subject);
            let last = messages.iter_mut().rfind(|message| message.group == group);
            match last.filter(|message| message.events.len() < self.most()) {
                Some(message) => {
                    message.indexes.push(index);
                    message.events.push(event);
                }
                None => messages.push(Message {
                    group,
                    indexes: vec![index],
                    events: vec![event],
                }),
            }
        }
        messages
    }
}

/// The same for the same subject on every machine and in every version (FNV-1a).
fn hash(subject: &str) -> u64 {
    subject
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use bothways_domain::{
        event::{Event, EventKind},
        id::EventId,
        time::Timestamp,
    };

    use super::*;

    fn events(subjects: impl IntoIterator<Item = String>) -> Vec<PendingEvent> {
        let event = |(subject, sequence): (String, i64)| {
            let id = EventId::parse(&format!("e{sequence}")).unwrap();
            let at = Timestamp::from_millis(0);
            PendingEvent {
                sequence,
                event: Event::new(id, EventKind::ProductChanged, subject, at),
                attempts: 0,
            }
        };
        subjects.into_iter().zip(0..).map(event).collect()
    }

    #[test]
    fn every_event_is_in_one_message_and_subjects_keep_their_order() {
        let events = events((0..1_000).map(|n| format!("p{}", n * 7 % 90)));
        for packing in [Packing::Shared, Packing::Single] {
            let messages = packing.pack(&events);
            let mut seen: Vec<usize> = messages.iter().flat_map(|m| m.indexes.clone()).collect();
            for subject in (0..90).map(|n| format!("p{n}")) {
                let of: Vec<usize> = (seen.iter().copied())
                    .filter(|index| events[*index].event.subject == subject)
                    .collect();
                assert!(of.is_sorted(), "{subject}: {of:?}");
                let of_subject =
                    |m: &&Message<'_>| m.events.iter().any(|e| e.event.subject == subject);
                let groups: HashSet<_> = (messages.iter().filter(of_subject))
                    .map(|m| &m.group)
                    .collect();
                assert_eq!(groups.len(), 1, "{subject} is in one group");
            }
            seen.sort_unstable();
            assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
            let fits = |message: &Message<'_>| message.events.len() <= packing.most();
            assert!(messages.iter().all(fits));
            assert!(
                messages.len() <= 1_000 / packing.most() + 8,
                "messages are full"
            );
        }
    }

    #[test]
    fn the_same_events_have_the_same_deduplication_id_and_others_another() {
        let mut events = events(["a".to_owned(), "b".to_owned()]);
        let id = |events: &[PendingEvent]| Packing::Shared.pack(events)[0].deduplication_id();
        let first = id(&events[..1]);
        assert_eq!(id(&events[..1]), first);
        assert_ne!(id(&events[1..]), first);
        events[0].sequence = 9;
        assert_ne!(id(&events[..1]), first, "replayed from the dead letters");
    }
}
