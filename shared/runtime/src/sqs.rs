//! Amazon SQS: where the outbox relay sends events, and the poke that makes it run at once.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lambda_events::sqs::SqsMessage;
use axum::{
    Router,
    extract::Request,
    middleware::{self, Next},
};
use bothways_domain::{
    Error, Result,
    event::{Event, EventHandler, EventSink, MAX_DELIVERY_ATTEMPTS, PendingEvent},
};
use bothways_http::problem::causes;

use crate::{
    Settings,
    packing::{Message, Packing},
    sqs_client::{Batch, Client, SendEntry, VisibilityEntry},
};

/// The most messages SQS takes at once (API reference, `SendMessageBatch`).
const BATCH: usize = 10;

/// A queue that takes events; a FIFO queue in order per subject, repetitions recognised.
pub struct QueueSink {
    sqs: Client,
    queue_url: String,
    packing: Packing,
}

impl QueueSink {
    /// The queue whose URL is in the environment variable `variable`, several events to a message.
    pub fn shared(settings: Settings, variable: &str) -> crate::Result<Arc<Self>> {
        Self::from_env(settings, variable, Packing::Shared)
    }

    /// The queue whose URL is in the environment variable `variable`, a message per event.
    pub fn single(settings: Settings, variable: &str) -> crate::Result<Arc<Self>> {
        Self::from_env(settings, variable, Packing::Single)
    }

    fn from_env(settings: Settings, variable: &str, packing: Packing) -> crate::Result<Arc<Self>> {
        Ok(Arc::new(Self {
            sqs: Client::from_env(settings)?,
            queue_url: settings.require(variable)?,
            packing,
        }))
    }

    /// FIFO queues are told by their names, and only they know groups and repetitions.
    #[expect(
        clippy::case_sensitive_file_extension_comparisons,
        reason = "it is no file"
    )]
    fn is_fifo(&self) -> bool {
        self.queue_url.ends_with(".fifo")
    }

    /// Sends up to [`BATCH`] messages; the places of those that were not taken, with the reason.
    async fn send(&self, messages: &[Message<'_>]) -> Result<Vec<(usize, String)>> {
        let entry = |(index, message): (usize, &Message<'_>)| {
            let fifo = self.is_fifo();
            Ok(SendEntry {
                id: index.to_string(),
                message_body: message.body().map_err(Error::internal)?,
                message_group_id: fifo.then(|| message.group.clone()),
                message_deduplication_id: fifo.then(|| message.deduplication_id()),
            })
        };
        let entries = messages.iter().enumerate().map(entry);
        let batch = Batch {
            queue_url: &self.queue_url,
            entries: entries.collect::<Result<Vec<_>>>()?,
        };
        let failed = self.sqs.send_message_batch(&batch).await.map_err(|error| {
            tracing::warn!(error = %causes(&error), "the queue can't be reached");
            Error::unavailable("the event queue")
        })?;
        let failed = failed.into_iter().filter_map(|failure| {
            let index: usize = failure.id.parse().ok()?;
            Some((index, failure.message.unwrap_or(failure.code)))
        });
        Ok(failed.collect())
    }
}

#[async_trait]
impl EventSink for QueueSink {
    async fn deliver(&self, batch: &[PendingEvent]) -> Result<Vec<(usize, String)>> {
        let mut failed = Vec::new();
        for messages in self.packing.pack(batch).chunks(BATCH) {
            for (place, reason) in self.send(messages).await? {
                let lost = messages.get(place).into_iter();
                let indexes = lost.flat_map(|message| &message.indexes);
                failed.extend(indexes.map(|index| (*index, reason.clone())));
            }
        }
        failed.sort_unstable();
        Ok(failed)
    }
}

/// What a poke holds: a batch of no events, so that it reads like the other messages that invoke the relay.
const NO_EVENTS: &str = "[]";

/// What makes the relay run at once. A lost poke only means that the relay's schedule finds the event.
#[derive(Clone)]
pub(crate) struct Poke {
    sqs: Arc<Client>,
    queue_url: String,
}

impl Poke {
    /// The poke that the environment names, if any.
    pub(crate) fn from_env(settings: Settings) -> crate::Result<Option<Self>> {
        let Some(queue_url) = settings.text("OUTBOX_WAKE_QUEUE_URL") else {
            return Ok(None);
        };
        let sqs = Arc::new(Client::from_env(settings)?);
        Ok(Some(Self { sqs, queue_url }))
    }

    /// Makes the relay run.
    pub(crate) async fn send(&self) {
        if let Err(error) = self.sqs.send_message(&self.queue_url, NO_EVENTS).await {
            tracing::warn!(error = %causes(&error), "could not poke the outbox relay");
        }
    }
}

/// Makes every request that may have written an event poke the relay before it is answered (nothing may run after
/// the response).
pub fn poke_relay_after_writes(router: Router, settings: Settings) -> crate::Result<Router> {
    let Some(poke) = Poke::from_env(settings)? else {
        return Ok(router);
    };
    Ok(
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let poke = poke.clone();
            async move {
                let reads = request.method().is_safe();
                let response = next.run(request).await;
                // A refused checkout has moved stock, too: there and back.
                if !reads {
                    poke.send().await;
                }
                response
            }
        })),
    )
}

/// Makes every batch of events, whose handling may have written others, poke the relay.
pub fn poke_relay_after_events(
    handler: Arc<dyn EventHandler>,
    settings: Settings,
) -> crate::Result<Arc<dyn EventHandler>> {
    Ok(match Poke::from_env(settings)? {
        Some(poke) => Arc::new(Poking { handler, poke }),
        None => handler,
    })
}

/// Makes what was not handled come again sooner than its queue's visibility timeout ends.
pub(crate) struct Backoff {
    sqs: Client,
    queue_url: String,
}

impl Backoff {
    /// The longest wait: past it a queue's own visibility timeout is soon over anyway.
    const LONGEST: u32 = 900;

    /// For the messages of the queue at `QUEUE_URL`; without it they wait as long as the queue says.
    pub(crate) fn from_env(settings: Settings) -> crate::Result<Option<Self>> {
        let Some(queue_url) = settings.text("QUEUE_URL") else {
            return Ok(None);
        };
        let sqs = Client::from_env(settings)?;
        Ok(Some(Self { sqs, queue_url }))
    }

    /// Hides `messages` for 1 second after their first delivery and `base` times as long after each further one. Where that can't be said, they
    /// come again when their visibility timeout is over.
    pub(crate) async fn postpone(&self, messages: &[&SqsMessage], base: u32) {
        for messages in messages.chunks(BATCH) {
            let entry = |(index, message): (usize, &&SqsMessage)| VisibilityEntry {
                id: index.to_string(),
                receipt_handle: message.receipt_handle.clone().unwrap_or_default(),
                visibility_timeout: Self::wait(message, base),
            };
            let batch = Batch {
                queue_url: &self.queue_url,
                entries: messages.iter().enumerate().map(entry).collect(),
            };
            if let Err(error) = self.sqs.change_message_visibility_batch(&batch).await {
                tracing::warn!(error = %causes(&error), "what failed comes again later than it could");
            }
        }
    }

    /// In seconds. After its last delivery a message needn't wait to be given up on.
    fn wait(message: &SqsMessage, base: u32) -> u32 {
        let received = message.attributes.get("ApproximateReceiveCount");
        let received: u32 = received.and_then(|count| count.parse().ok()).unwrap_or(1);
        if received >= MAX_DELIVERY_ATTEMPTS {
            return 0;
        }
        let wait = base.saturating_pow(received.saturating_sub(1));
        wait.min(Self::LONGEST)
    }
}

struct Poking {
    handler: Arc<dyn EventHandler>,
    poke: Poke,
}

#[async_trait]
impl EventHandler for Poking {
    async fn handle(&self, events: &[Event]) -> Result<Vec<(usize, String)>> {
        let handled = self.handler.handle(events).await;
        self.poke.send().await;
        handled
    }
}
