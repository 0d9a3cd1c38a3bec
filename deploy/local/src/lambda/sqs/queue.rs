//! A queue with SQS's semantics: visibility timeout, delay, receive counts and dead letters, and for
//! FIFO queues order per message group and deduplication within five minutes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tokio::sync::Notify;

use super::journal::{Change, Journal};
use super::message::{Attributes, Message};
use crate::lambda::ids::{now_ms, uuid};
use crate::lambda::template::model::QueueSpec;
use crate::lambda::template::{ACCOUNT, REGION};
use crate::sync::lock;

/// How long a FIFO queue remembers a deduplication id.
const DEDUPLICATION_MS: u64 = 5 * 60 * 1_000;

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    /// What the template says.
    pub(crate) spec: QueueSpec,
    dead_letters: OnceLock<Arc<Queue>>,
    state: Mutex<State>,
    /// Rung when something may have become receivable.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    messages: BTreeMap<u64, Message>,
    next_sequence: u64,
    /// Deduplication id → when it was sent, and as which message.
    recent: HashMap<String, (u64, String, u64)>,
    journal: Journal,
}

/// A message to send.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outgoing {
    pub(crate) body: String,
    pub(crate) attributes: Attributes,
    pub(crate) group: Option<String>,
    pub(crate) deduplication_id: Option<String>,
    /// Instead of the queue's own delay.
    pub(crate) delay: Option<Duration>,
}

/// How many messages a queue holds, as `GetQueueAttributes` counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Depth {
    pub(crate) visible: usize,
    pub(crate) in_flight: usize,
    pub(crate) delayed: usize,
}

impl Queue {
    /// Opens the queue kept in `folder`.
    pub(crate) fn open(spec: QueueSpec, folder: &Path) -> io::Result<Arc<Self>> {
        std::fs::create_dir_all(folder)?;
        let (journal, messages) = Journal::open(folder.join(format!("{}.ndjson", spec.name)))?;
        // Sequence numbers never repeat, even when every message was deleted.
        let next_sequence = messages
            .keys()
            .last()
            .copied()
            .unwrap_or_default()
            .max(now_ms() << 20)
            + 1;
        let recent = messages
            .values()
            .filter_map(|m| {
                Some((
                    m.deduplication_id.clone()?,
                    (m.sent_at, m.id.clone(), m.sequence),
                ))
            })
            .collect();
        let state = State {
            messages,
            next_sequence,
            recent,
            journal,
        };
        Ok(Arc::new(Self {
            spec,
            dead_letters: OnceLock::new(),
            state: Mutex::new(state),
            changed: Notify::new(),
        }))
    }

    /// Says where messages received too often go.
    pub(crate) fn set_dead_letters(&self, queue: Arc<Queue>) {
        let _ = self.dead_letters.set(queue);
    }

    /// The queue's ARN.
    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{}", self.spec.name)
    }

    /// Sends a message; gives its id and sequence number. A duplicate within five minutes gives
    /// those of the first and sends nothing.
    pub(crate) fn send(&self, outgoing: Outgoing, now: u64) -> io::Result<(String, u64)> {
        let mut state = lock(&self.state);
        if let Some(id) = &outgoing.deduplication_id {
            state
                .recent
                .retain(|_, (sent_at, _, _)| *sent_at + DEDUPLICATION_MS > now);
            if let Some((_, message_id, sequence)) = state.recent.get(id) {
                return Ok((message_id.clone(), *sequence));
            }
        }
        let delay = outgoing.delay.unwrap_or(self.spec.delay);
        let message = Message {
            sequence: state.next_sequence,
            id: uuid(),
            body: outgoing.body,
            attributes: outgoing.attributes,
            group: outgoing.group,
            deduplication_id: outgoing.deduplication_id,
            sent_at: now,
            first_received_at: None,
            receive_count: 0,
            visible_at: now + millis(delay),
            receipt: None,
        };
        let sent = (message.id.clone(), message.sequence);
        state.journal.append(&[Change::Sent(message.clone())])?;
        state.admit(message);
        drop(state);
        self.changed.notify_waiters();
        Ok(sent)
    }

    /// Takes a message over from the queue that gave up on it, keeping its id and age.
    fn bury(&self, mut message: Message, now: u64) -> io::Result<()> {
        let mut state = lock(&self.state);
        message.sequence = state.next_sequence;
        message.visible_at = now;
        message.receipt = None;
        state.journal.append(&[Change::Sent(message.clone())])?;
        state.admit(message);
        drop(state);
        self.changed.notify_waiters();
        Ok(())
    }

    /// Receives up to `most` messages, hiding them for `visibility`.
    pub(crate) fn receive(
        &self,
        most: usize,
        visibility: Option<Duration>,
        now: u64,
    ) -> io::Result<Vec<Message>> {
        let hidden_until = now + millis(visibility.unwrap_or(self.spec.visibility_timeout));
        let mut state = lock(&self.state);
        let taken = self.choose(&mut state, most, now)?;
        let mut changes = Vec::new();
        let mut received = Vec::new();
        for sequence in taken {
            let Some(message) = state.messages.get_mut(&sequence) else {
                continue;
            };
            message.receive_count += 1;
            let first_at = *message.first_received_at.get_or_insert(now);
            message.visible_at = hidden_until;
            message.receipt = Some(format!("{sequence}.{:032x}", rand::random::<u128>()));
            changes.push(Change::Received {
                sequence,
                count: message.receive_count,
                first_at,
            });
            received.push(message.clone());
        }
        state.journal.append(&changes)?;
        Ok(received)
    }

    /// Which messages a receive gets. What was received too often already, or is too old, leaves the
    /// queue here, as it does in SQS: when its turn comes again.
    fn choose(&self, state: &mut State, most: usize, now: u64) -> io::Result<Vec<u64>> {
        let mut blocked: HashSet<String> = HashSet::new();
        let mut taken = Vec::new();
        let mut gone = Vec::new();
        for message in state.messages.values() {
            if taken.len() == most {
                break;
            }
            let waits = message.visible_at > now
                || message
                    .group
                    .as_ref()
                    .is_some_and(|group| blocked.contains(group));
            if waits {
                // Behind a message in flight or delayed, the whole group waits.
                if self.spec.fifo {
                    blocked.extend(message.group.clone());
                }
                continue;
            }
            let expired = message.sent_at + millis(self.spec.retention) <= now;
            let exhausted = self
                .spec
                .redrive
                .as_ref()
                .is_some_and(|(_, most)| message.receive_count >= *most);
            if expired || exhausted {
                gone.push((message.sequence, expired));
            } else {
                taken.push(message.sequence);
            }
        }
        for (sequence, expired) in gone {
            let message = state.messages.get(&sequence).filter(|_| !expired).cloned();
            // There first, then gone from here: a crash in between repeats it, and loses nothing.
            if let (Some(message), Some(dead_letters)) = (message, self.dead_letters.get()) {
                dead_letters.bury(message, now)?;
            }
            state.journal.append(&[Change::Deleted(sequence)])?;
            state.messages.remove(&sequence);
        }
        Ok(taken)
    }

    /// Receives, waiting up to `wait` for a first message.
    pub(crate) async fn receive_within(
        &self,
        most: usize,
        visibility: Option<Duration>,
        wait: Duration,
    ) -> io::Result<Vec<Message>> {
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening starts before looking, so that nothing sent in between is missed.
            changed.as_mut().enable();
            let now = now_ms();
            let messages = self.receive(most, visibility, now)?;
            if !messages.is_empty() || tokio::time::Instant::now() >= deadline {
                return Ok(messages);
            }
            let wake = self.next_visible_in(now).map_or(deadline, |pause| {
                deadline.min(tokio::time::Instant::now() + pause)
            });
            tokio::select! {
                () = changed => {}
                () = tokio::time::sleep_until(wake) => {}
            }
        }
    }

    /// How long until the next hidden message shows.
    fn next_visible_in(&self, now: u64) -> Option<Duration> {
        let state = lock(&self.state);
        let next = state
            .messages
            .values()
            .map(|m| m.visible_at)
            .filter(|at| *at > now)
            .min()?;
        Some(Duration::from_millis(next - now))
    }

    /// Deletes a received message. A handle of an earlier receive still deletes from a standard
    /// queue; a FIFO queue wants the latest. False when the handle is none of this queue's.
    pub(crate) fn delete(&self, receipt: &str, now: u64) -> io::Result<bool> {
        let Some(sequence) = sequence_of(receipt) else {
            return Ok(false);
        };
        let mut state = lock(&self.state);
        let current = |message: &Message| {
            message.receipt.as_deref() == Some(receipt) && message.visible_at > now
        };
        match state.messages.get(&sequence) {
            Some(message) if self.spec.fifo && !current(message) => return Ok(false),
            Some(_) => {}
            None => return Ok(true),
        }
        state.journal.append(&[Change::Deleted(sequence)])?;
        state.messages.remove(&sequence);
        let State {
            journal, messages, ..
        } = &mut *state;
        journal.compact_if_worth_it(messages)?;
        drop(state);
        self.changed.notify_waiters();
        Ok(true)
    }

    /// Changes how long a message in flight stays hidden; `false` when it is not in flight.
    pub(crate) fn change_visibility(&self, receipt: &str, visibility: Duration, now: u64) -> bool {
        let mut state = lock(&self.state);
        let message = sequence_of(receipt).and_then(|sequence| state.messages.get_mut(&sequence));
        let Some(message) =
            message.filter(|m| m.receipt.as_deref() == Some(receipt) && m.visible_at > now)
        else {
            return false;
        };
        message.visible_at = now + millis(visibility);
        drop(state);
        self.changed.notify_waiters();
        true
    }

    /// Deletes everything.
    pub(crate) fn purge(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        let changes: Vec<Change> = state
            .messages
            .keys()
            .map(|sequence| Change::Deleted(*sequence))
            .collect();
        state.journal.append(&changes)?;
        state.messages.clear();
        Ok(())
    }

    /// Counts the messages.
    pub(crate) fn depth(&self, now: u64) -> Depth {
        let state = lock(&self.state);
        let mut depth = Depth::default();
        for message in state.messages.values() {
            if message.visible_at <= now {
                depth.visible += 1;
            } else if message.receive_count == 0 {
                depth.delayed += 1;
            } else {
                depth.in_flight += 1;
            }
        }
        depth
    }
}

impl State {
    fn admit(&mut self, message: Message) {
        self.next_sequence = self.next_sequence.max(message.sequence) + 1;
        if let Some(id) = &message.deduplication_id {
            self.recent.insert(
                id.clone(),
                (message.sent_at, message.id.clone(), message.sequence),
            );
        }
        self.messages.insert(message.sequence, message);
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn sequence_of(receipt: &str) -> Option<u64> {
    receipt.split_once('.')?.0.parse().ok()
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
