//! Packs events into the messages of a FIFO queue: several in one, because a function is handed ten messages at
//! most, and still in order per subject, because all events of a subject go to the same message group.

use bothways_domain::{event::Event, id::digest};

/// The message groups. A group is handled in order; another one need not wait for it.
const GROUPS: u64 = 8;
/// The most events in a message: what fails comes again, and is parked, as one.
const MAX_EVENTS: usize = 25;

/// A message.
#[derive(Debug)]
pub(crate) struct Message<'a> {
    group: u64,
    /// Where its events stand in what was packed.
    pub(crate) indexes: Vec<usize>,
    /// Its events, in order.
    pub(crate) events: Vec<&'a Event>,
}

impl Message<'_> {
    /// The message group.
    pub(crate) fn group(&self) -> String {
        format!("subjects-{}", self.group)
    }

    /// The same for the same events, so that a repetition is recognised.
    pub(crate) fn deduplication_id(&self) -> String {
        let ids: Vec<&str> = self.events.iter().map(|event| event.id.as_str()).collect();
        digest(&ids.join(" "))
    }
}

/// Packs `events` into messages which, sent in order, keep the order of each subject.
pub(crate) fn pack(events: &[Event]) -> Vec<Message<'_>> {
    let mut messages: Vec<Message<'_>> = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let group = group_of(&event.subject);
        let last = messages.iter_mut().rfind(|message| message.group == group);
        match last.filter(|message| message.events.len() < MAX_EVENTS) {
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

/// The same for the same subject on every machine and in every version (FNV-1a).
fn group_of(subject: &str) -> u64 {
    let hash = subject
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
    hash % GROUPS
}

#[cfg(test)]
mod tests {
    use bothways_domain::{event::EventKind, id::EventId, time::Timestamp};

    use super::*;

    fn events(subjects: impl IntoIterator<Item = String>) -> Vec<Event> {
        let event = |(index, subject): (usize, String)| {
            let id = EventId::parse(&format!("e{index}")).unwrap();
            let at = Timestamp::from_millis(0);
            Event::new(id, EventKind::ProductChanged, subject, at)
        };
        subjects.into_iter().enumerate().map(event).collect()
    }

    #[test]
    fn every_event_is_in_one_message_and_subjects_keep_their_order() {
        let events = events((0..1_000).map(|n| format!("p{}", n * 7 % 90)));
        let messages = pack(&events);
        let mut seen: Vec<usize> = messages.iter().flat_map(|m| m.indexes.clone()).collect();
        for subject in (0..90).map(|n| format!("p{n}")) {
            let of: Vec<usize> = (seen.iter().copied())
                .filter(|index| events[*index].subject == subject)
                .collect();
            assert!(of.is_sorted(), "{subject}: {of:?}");
            let groups = messages
                .iter()
                .filter(|m| m.events.iter().any(|e| e.subject == subject));
            let groups: std::collections::HashSet<_> = groups.map(Message::group).collect();
            assert_eq!(groups.len(), 1, "{subject} is in one group");
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..1_000).collect::<Vec<_>>());
        assert!(
            messages
                .iter()
                .all(|message| message.events.len() <= MAX_EVENTS)
        );
        assert!(
            messages.len() <= 1_000 / MAX_EVENTS + 8,
            "messages are full"
        );
    }

    #[test]
    fn the_same_events_have_the_same_deduplication_id_and_others_another() {
        let events = events(["a".to_owned(), "b".to_owned()]);
        let id = |events: &[Event]| pack(events)[0].deduplication_id();
        assert_eq!(id(&events[..1]), id(&events[..1]));
        assert_ne!(id(&events[..1]), id(&events[1..]));
    }
}
