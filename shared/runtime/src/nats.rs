//! NATS `JetStream`: carries events between the services where there is a broker, as in containers.
//!
//! A stream keeps the events for a week. Each kind of follower is a durable consumer of it, which its replicas share: an
//! event goes to one of them and comes again unless it is acknowledged after it was handled. What was given up on goes to
//! a second stream, from which the service that told it takes it back into its outbox (ADR 7).

use std::{collections::HashSet, fmt::Display, sync::Arc, time::Duration};

use async_nats::{
    Client, ConnectOptions, ServerAddr,
    jetstream::{
        AckKind, Context, Message,
        consumer::{AckPolicy, PullConsumer, pull},
        context::PublishAckFuture,
        message::PublishMessage,
        new as jetstream,
        stream::{self, RetentionPolicy, StorageType},
    },
};
use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    event::{Event, EventHandler, EventSink, MAX_DELIVERY_ATTEMPTS, Outbox, PendingEvent},
};
use bothways_http::problem::causes;
use futures::{StreamExt as _, future::join_all};
use serde::{Deserialize, Serialize};
use tokio::sync::OnceCell;

use crate::Background;

/// How long events are kept: a follower may be away for that long.
const KEPT: Duration = Duration::from_hours(7 * 24);
/// How long an event may be worked on without a sign of life before it goes to another replica.
const ACK_WAIT: Duration = Duration::from_secs(15);
/// How often such a sign is given.
const SIGN_OF_LIFE: Duration = Duration::from_secs(5);
/// How long one wait for a first event lasts; a new one follows at once.
const WAIT: Duration = Duration::from_secs(20);
/// How long the first retry of a refused event waits; each further one twice as long, as in the relay.
const FIRST_BACKOFF: Duration = Duration::from_secs(1);
/// Pause before what could not be handled, because something it takes is unavailable, is tried again.
const OUTAGE: Duration = Duration::from_secs(1);
/// How long the broker may take to answer.
const TIMEOUT: Duration = Duration::from_secs(5);

/// A broker, connected to when it is first needed and again whenever it was gone.
#[derive(Clone)]
pub(crate) struct Broker {
    url: String,
    /// What the streams' names begin with, so that several shops can share a broker.
    prefix: String,
    context: Arc<OnceCell<Context>>,
}

impl Broker {
    pub(crate) fn new(url: String, prefix: String) -> Self {
        Self {
            url,
            prefix,
            context: Arc::default(),
        }
    }

    /// The connection, with both streams there.
    async fn context(&self) -> Result<&Context> {
        self.context
            .get_or_try_init(async || {
                let client = self.connect().await?;
                let context = jetstream(client);
                for config in [self.events(), self.dead_letters()] {
                    let made = context.get_or_create_stream(config).await;
                    made.map_err(|error| unavailable(&error))?;
                }
                Ok(context)
            })
            .await
    }

    async fn connect(&self) -> Result<Client> {
        let address: ServerAddr = self.url.parse().map_err(Error::internal)?;
        let mut options = ConnectOptions::new()
            .connection_timeout(TIMEOUT)
            .request_timeout(Some(TIMEOUT));
        if let (Some(user), Some(password)) = (address.username(), address.password()) {
            options = options.user_and_password(user.to_owned(), password.to_owned());
        }
        let client = options.connect(address).await;
        client.map_err(|error| unavailable(&error))
    }

    fn events(&self) -> stream::Config {
        stream::Config {
            name: format!("{}_EVENTS", self.prefix),
            subjects: vec![format!("{}.events.>", self.prefix)],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            max_age: KEPT,
            ..stream::Config::default()
        }
    }

    /// Kept until it is taken back.
    fn dead_letters(&self) -> stream::Config {
        stream::Config {
            name: format!("{}_DEAD_LETTERS", self.prefix),
            subjects: vec![format!("{}.dead-letters.>", self.prefix)],
            retention: RetentionPolicy::WorkQueue,
            storage: StorageType::File,
            ..stream::Config::default()
        }
    }

    /// Hands a message over; it is kept when the answer is awaited. Sent again with the same `id` within two minutes, it is
    /// kept once.
    async fn publish(
        &self,
        subject: String,
        id: &str,
        payload: Vec<u8>,
    ) -> Result<PublishAckFuture> {
        let context = self.context().await?;
        let message = PublishMessage::build()
            .message_id(id)
            .payload(payload.into());
        let sent = context.send_publish(subject, message).await;
        sent.map_err(|error| unavailable(&error))
    }

    async fn consumer(&self, config: stream::Config, pull: pull::Config) -> Result<PullConsumer> {
        let context = self.context().await?;
        // There already, unless the broker lost its data.
        let stream = context.get_or_create_stream(config).await;
        let stream = stream.map_err(|error| unavailable(&error))?;
        let name = pull.durable_name.clone().unwrap_or_default();
        let consumer = stream.get_or_create_consumer(&name, pull).await;
        consumer.map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &dyn Display) -> Error {
    tracing::debug!(%error, "the event broker can't be reached");
    Error::unavailable("the event broker")
}

/// Tells events to the broker.
pub(crate) struct BrokerSink(pub(crate) Broker);

#[async_trait]
impl EventSink for BrokerSink {
    async fn deliver(&self, batch: &[PendingEvent]) -> Result<Vec<(usize, String)>> {
        let mut acknowledgements = Vec::with_capacity(batch.len());
        for PendingEvent {
            sequence, event, ..
        } in batch
        {
            let subject = format!("{}.events.{}", self.0.prefix, event.kind.as_str());
            let payload = serde_json::to_vec(event).map_err(Error::internal)?;
            // An event that went through the dead letters has another place in its outbox: it is no repetition.
            let id = format!("{} {sequence}", event.id);
            acknowledgements.push(self.0.publish(subject, &id, payload).await?);
        }
        for acknowledgement in
            join_all(acknowledgements.into_iter().map(IntoFuture::into_future)).await
        {
            acknowledgement.map_err(|error| unavailable(&error))?;
        }
        Ok(Vec::new())
    }
}

/// A follower of events: what it is called, what it follows, and what it does with it.
pub(crate) struct Follower {
    pub(crate) broker: Broker,
    /// Its durable consumer, which its replicas share.
    pub(crate) name: &'static str,
    /// What the kinds of event that it follows begin with, such as `product`.
    pub(crate) kinds: &'static [&'static str],
    /// The most events handled at a time.
    pub(crate) batch: usize,
    pub(crate) handler: Arc<dyn EventHandler>,
}

impl Follower {
    /// Follows as long as the service runs.
    pub(crate) fn task(self) -> Background {
        let follower = Arc::new(self);
        Background::new("following events", OUTAGE, move || {
            let follower = follower.clone();
            async move {
                Box::pin(follower.round()).await?;
                Ok(true)
            }
        })
    }

    /// Handles what is there, or what comes next.
    async fn round(&self) -> Result<()> {
        let prefix = &self.broker.prefix;
        let subjects = self.kinds.iter();
        let pull = pull::Config {
            durable_name: Some(self.name.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            filter_subjects: subjects
                .map(|kind| format!("{prefix}.events.{kind}.*"))
                .collect(),
            ..pull::Config::default()
        };
        let consumer = self.broker.consumer(self.broker.events(), pull).await?;
        let messages = next(&consumer, self.batch).await?;
        if messages.is_empty() {
            return Ok(());
        }
        let working = self.handle(&messages);
        tokio::pin!(working);
        loop {
            tokio::select! {
                handled = &mut working => return handled,
                () = tokio::time::sleep(SIGN_OF_LIFE) => {
                    for message in &messages {
                        acknowledge(message, AckKind::Progress).await;
                    }
                }
            }
        }
    }

    async fn handle(&self, messages: &[Message]) -> Result<()> {
        let (mut taken, mut events) = (Vec::new(), Vec::new());
        for message in messages {
            match serde_json::from_slice::<Event>(&message.payload) {
                // Whoever handles it five times and is gone before the end does not live to refuse it.
                Ok(event) if deliveries(message) > MAX_DELIVERY_ATTEMPTS => {
                    let reason = "what handles it is gone each time";
                    self.give_up(message, event, reason).await?;
                }
                Ok(event) => {
                    taken.push(message);
                    events.push(event);
                }
                Err(error) => {
                    tracing::error!(%error, subject = %message.subject, "a message holds no event");
                    acknowledge(message, AckKind::Term).await;
                }
            }
        }
        let failures = loop {
            match self.handler.handle(&events).await {
                Ok(failures) => break failures,
                // It costs the events no try, as where they are pushed.
                Err(error) => {
                    tracing::warn!(error = %causes(&error), "events have to wait");
                    tokio::time::sleep(OUTAGE).await;
                }
            }
        };
        let mut blocked = HashSet::new();
        for (index, (message, event)) in taken.into_iter().zip(events).enumerate() {
            let failure = failures.iter().find(|(failed, _)| *failed == index);
            match failure {
                // What follows a failure of the same subject comes again behind it.
                None if !blocked.contains(&event.subject) => {
                    acknowledge(message, AckKind::Ack).await;
                }
                Some((_, reason)) if deliveries(message) >= MAX_DELIVERY_ATTEMPTS => {
                    self.give_up(message, event, reason).await?;
                }
                _ => {
                    blocked.insert(event.subject);
                    let wait = FIRST_BACKOFF * (1 << (deliveries(message).clamp(1, 5) - 1));
                    acknowledge(message, AckKind::Nak(Some(wait))).await;
                }
            }
        }
        Ok(())
    }

    /// Hands the event to who told it, and only then lets go of it.
    async fn give_up(&self, message: &Message, event: Event, reason: &str) -> Result<()> {
        let context = event.source.trim_start_matches('/');
        let subject = format!("{}.dead-letters.{context}", self.broker.prefix);
        // One that was replayed is another message: given up on again, it is no repetition.
        let place = message.info().map_or(0, |info| info.stream_sequence);
        let id = format!("{} {place} {}", event.id, self.name);
        let letter = GivenUp {
            attempts: MAX_DELIVERY_ATTEMPTS,
            reason: reason.to_owned(),
            event,
        };
        let payload = serde_json::to_vec(&letter).map_err(Error::internal)?;
        let kept = self.broker.publish(subject, &id, payload).await?;
        kept.await.map_err(|error| unavailable(&error))?;
        acknowledge(message, AckKind::Ack).await;
        Ok(())
    }
}

/// An event that a follower gave up on.
#[derive(Serialize, Deserialize)]
struct GivenUp {
    event: Event,
    attempts: u32,
    reason: String,
}

/// Takes back into a context's outbox what followers of its events gave up on.
pub(crate) struct TakeBack {
    pub(crate) broker: Broker,
    pub(crate) context: &'static str,
    pub(crate) outbox: Arc<dyn Outbox>,
}

impl TakeBack {
    /// Takes back as long as the service runs.
    pub(crate) fn task(self) -> Background {
        let taking = Arc::new(self);
        Background::new("taking back dead letters", OUTAGE, move || {
            let taking = taking.clone();
            async move {
                taking.round().await?;
                Ok(true)
            }
        })
    }

    async fn round(&self) -> Result<()> {
        let pull = pull::Config {
            durable_name: Some(self.context.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: ACK_WAIT,
            filter_subject: format!("{}.dead-letters.{}", self.broker.prefix, self.context),
            ..pull::Config::default()
        };
        let config = self.broker.dead_letters();
        let consumer = self.broker.consumer(config, pull).await?;
        for message in next(&consumer, 100).await? {
            match serde_json::from_slice::<GivenUp>(&message.payload) {
                Ok(letter) => {
                    let GivenUp {
                        event,
                        attempts,
                        reason,
                    } = letter;
                    tracing::error!(event = %event.id, reason, "an event is parked in the dead letters");
                    self.outbox.park(&event, attempts, &reason).await?;
                    acknowledge(&message, AckKind::Ack).await;
                }
                Err(error) => {
                    tracing::error!(%error, "a dead letter can't be read");
                    acknowledge(&message, AckKind::Term).await;
                }
            }
        }
        Ok(())
    }
}

/// Up to `most` messages that are there or, if there are none, what comes within [`WAIT`].
async fn next(consumer: &PullConsumer, most: usize) -> Result<Vec<Message>> {
    let first = consumer.batch().max_messages(1).expires(WAIT);
    let mut messages = collect(first.messages().await).await?;
    if !messages.is_empty() && most > 1 {
        let rest = consumer.fetch().max_messages(most - 1);
        messages.extend(collect(rest.messages().await).await?);
    }
    Ok(messages)
}

async fn collect<E: Display>(batch: std::result::Result<pull::Batch, E>) -> Result<Vec<Message>> {
    let mut batch = batch.map_err(|error| unavailable(&error))?;
    let mut messages = Vec::new();
    while let Some(message) = batch.next().await {
        messages.push(message.map_err(|error| unavailable(&error))?);
    }
    Ok(messages)
}

/// How often a message was delivered, this time included.
fn deliveries(message: &Message) -> u32 {
    let delivered = message.info().map_or(1, |info| info.delivered);
    u32::try_from(delivered).unwrap_or(u32::MAX)
}

/// An answer that gets lost makes the message come again, no more.
async fn acknowledge(message: &Message, kind: AckKind) {
    if let Err(error) = message.ack_with(kind).await {
        tracing::debug!(error, "a message will come again");
    }
}
