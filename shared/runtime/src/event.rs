//! Runs functions that follow a queue or a schedule.

use std::{
    collections::HashSet,
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use bothways_domain::{
    checkout::{CheckoutApi, RecoveryReport},
    event::EventHandler,
    fulfilment::FulfilmentUseCases,
};
use bothways_http::problem::causes;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{
    Relays, Result, Settings, Shop, entry, failpoint, message,
    sqs::{Backoff, Poke},
    stores::Opening,
};

/// Runs the function `name`, which handles the events of an SQS queue with what `wire` puts together. What can't
/// be handled is reported message by message (`ReportBatchItemFailures`), so that only that comes again.
pub fn queue_function<W>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<Arc<dyn EventHandler>>,
{
    start(name, async |shop| {
        let settings = shop.settings;
        let consumer = &Consumer::new(settings, wire(shop).await?)?;
        let handle =
            async |event: LambdaEvent<SqsEvent>| consumer.take(event.payload.records).await;
        lambda_runtime::run(service_fn(handle)).await
    })
}

/// Runs the function `name`, which does `work` at every invocation, whatever invoked it (a schedule, a wake-up).
pub fn task_function<W, T>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<T>,
    T: AsyncFn() -> Result<()>,
{
    start(name, async |shop| {
        let work = wire(shop).await?;
        let work = &work;
        lambda_runtime::run(service_fn(async |_: LambdaEvent<Value>| work().await)).await
    })
}

/// What invoked a function that follows a queue and a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Invoked {
    /// Events, which are handled by now.
    ByEvents,
    /// The schedule.
    BySchedule,
}

/// Runs the function `name`, which handles the events of an SQS queue as [`queue_function`] does, and works after them
/// and on a schedule. That the work fails after events is only logged: they are handled, and the schedule comes again.
pub fn queue_and_schedule_function<W, T>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<(Arc<dyn EventHandler>, T)>,
    T: AsyncFn(Invoked) -> Result<()>,
{
    start(name, async |shop| {
        let settings = shop.settings;
        let (handler, work) = wire(shop).await?;
        follow_both(Consumer::new(settings, handler)?, work).await
    })
}

/// Runs the function `name`, which drains the outboxes whatever invoked it, and takes back what the queues gave up on
/// when it was one of those.
pub fn relay_function<W>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<Relays>,
{
    start(name, async |shop| {
        let handler = shop.parking().await?;
        let relays = wire(shop).await?;
        let parking = Consumer {
            handler,
            backoff: None,
        };
        follow_both(parking, async |_| relays.drain().await).await
    })
}

async fn follow_both(consumer: Consumer, work: impl AsyncFn(Invoked) -> Result<()>) -> Result<()> {
    let (consumer, work) = (&consumer, &work);
    let invoked = async |event: LambdaEvent<Value>| -> Result<SqsBatchResponse> {
        let Some(batch) = queue_event(event.payload)? else {
            work(Invoked::BySchedule).await?;
            return Ok(SqsBatchResponse::default());
        };
        let response = consumer.take(batch.records).await?;
        if let Err(error) = work(Invoked::ByEvents).await {
            tracing::warn!(error = %causes(error.as_ref()), "left to the schedule");
        }
        Ok(response)
    };
    lambda_runtime::run(service_fn(invoked)).await
}

/// The messages, when it was a queue that invoked the function: only queues send `Records`.
fn queue_event(payload: Value) -> serde_json::Result<Option<SqsEvent>> {
    let is_queue = payload.get("Records").is_some_and(Value::is_array);
    is_queue
        .then(|| serde_json::from_value(payload))
        .transpose()
}

fn start(name: &'static str, serve: impl AsyncFnOnce(Arc<Shop>) -> Result<()>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    entry::run(name, runtime, async {
        serve(Arc::new(Shop::open(Settings, Opening::Beside)?)).await
    })
}

/// Makes each invocation recover interrupted checkouts every `RECOVERY_INTERVAL_MS` for `RECOVERY_WINDOW_MS` (0, the
/// default, is once), because a schedule fires once a minute at most.
pub fn recovery(
    settings: Settings,
    checkout: Arc<dyn CheckoutApi>,
) -> Result<impl AsyncFn() -> Result<()>> {
    let pause = settings.millis("RECOVERY_INTERVAL_MS", 10_000)?;
    let window = settings.millis("RECOVERY_WINDOW_MS", 0)?;
    let poke = Poke::from_env(settings)?;
    Ok(async move || {
        let started = Instant::now();
        loop {
            let report = checkout.recover().await?;
            if report != RecoveryReport::default() {
                tracing::info!(?report, "recovered interrupted checkouts");
                if let Some(poke) = &poke {
                    poke.send().await;
                }
            }
            if started.elapsed() + pause > window {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
    })
}

/// How long an invocation by events works on what is due beside them: others wait for the instance.
const AFTER_EVENTS: Duration = Duration::from_secs(5);

/// Makes an invocation by the schedule do what is due every `FULFILMENT_INTERVAL_MS` for `FULFILMENT_WINDOW_MS` (0, the
/// default, is once), because a schedule fires once a minute at most; one by events does it once.
pub fn fulfilment(
    settings: Settings,
    orders: Arc<FulfilmentUseCases>,
) -> Result<impl AsyncFn(Invoked) -> Result<()>> {
    let pause = settings.millis("FULFILMENT_INTERVAL_MS", 1_000)?;
    let window = settings.millis("FULFILMENT_WINDOW_MS", 0)?;
    Ok(async move |invoked| {
        let (started, window) = match invoked {
            Invoked::ByEvents => (Instant::now(), Duration::ZERO),
            Invoked::BySchedule => (Instant::now(), window),
        };
        let until = started + window.max(AFTER_EVENTS);
        // Side by side: a mail server that is slow holds no shipments up.
        let goods = rounds(started, pause, window, async || {
            while orders.move_shipments().await? && Instant::now() < until {}
            Ok(())
        });
        let receipts = rounds(started, pause, window, async || {
            while orders.send_receipt().await? && Instant::now() < until {}
            Ok(())
        });
        let (goods, receipts) = futures::join!(goods, receipts);
        goods.and(receipts)
    })
}

/// Does `work` at once, and again after each `pause` that fits into `window`. That a round fails, when there is
/// another, is only logged.
async fn rounds(
    started: Instant,
    pause: Duration,
    window: Duration,
    work: impl AsyncFn() -> Result<()>,
) -> Result<()> {
    loop {
        let done = work().await;
        if started.elapsed() + pause > window {
            return done;
        }
        if let Err(error) = done {
            tracing::warn!(error = %causes(error.as_ref()), "a round of work failed");
        }
        tokio::time::sleep(pause).await;
    }
}

/// What follows a queue.
struct Consumer {
    handler: Arc<dyn EventHandler>,
    backoff: Option<Backoff>,
}

impl Consumer {
    /// Factor between the waits of what was refused, as in the relay: 1, 2, 4 and 8 s.
    const REFUSED: u32 = 2;
    /// The same where what handling takes is unavailable: 1, 6, 36 and 216 s, longer than a database takes to be
    /// replaced.
    const UNAVAILABLE: u32 = 6;

    fn new(settings: Settings, handler: Arc<dyn EventHandler>) -> Result<Self> {
        Ok(Self {
            handler: failpoint::handler(settings, handler),
            backoff: Backoff::from_env(settings)?,
        })
    }

    /// Handles a batch, and makes what failed come again after a while.
    async fn take(&self, messages: Vec<SqsMessage>) -> Result<SqsBatchResponse> {
        match self.failed(&messages).await {
            Ok(failed) => {
                let failed = with_what_is_behind(&messages, &failed);
                self.postpone(&failed, Self::REFUSED).await;
                let mut response = SqsBatchResponse::default();
                response.batch_item_failures = failed.into_iter().map(failure).collect();
                Ok(response)
            }
            Err(error) => {
                let all: Vec<&SqsMessage> = messages.iter().collect();
                self.postpone(&all, Self::UNAVAILABLE).await;
                Err(error)
            }
        }
    }

    async fn postpone(&self, messages: &[&SqsMessage], base: u32) {
        if let Some(backoff) = &self.backoff {
            backoff.postpone(messages, base).await;
        }
    }

    /// The places of the messages that hold something which was not handled.
    async fn failed(&self, messages: &[SqsMessage]) -> Result<HashSet<usize>> {
        let mut failed = HashSet::new();
        let (mut places, mut events) = (Vec::new(), Vec::new());
        for (place, message) in messages.iter().enumerate() {
            match message::events(message.body.as_deref().unwrap_or_default()) {
                Ok(packed) => {
                    places.extend(packed.iter().map(|_| place));
                    events.extend(packed);
                }
                Err(error) => {
                    tracing::error!(
                        error,
                        message = message.message_id,
                        "a message holds no events"
                    );
                    failed.insert(place);
                }
            }
        }
        for (index, reason) in self.handler.handle(&events).await? {
            tracing::warn!(reason, "an event could not be handled");
            failed.extend(places.get(index));
        }
        Ok(failed)
    }
}

/// The messages at the places that `failed`. In a FIFO queue what follows a failure of the same group has to come again
/// behind it.
fn with_what_is_behind<'m>(
    messages: &'m [SqsMessage],
    failed: &HashSet<usize>,
) -> Vec<&'m SqsMessage> {
    let mut groups = HashSet::new();
    let mut again = Vec::new();
    for (place, message) in messages.iter().enumerate() {
        let group = message.attributes.get("MessageGroupId");
        let behind = group.is_some_and(|group| groups.contains(group));
        if failed.contains(&place) || behind {
            groups.extend(group);
            again.push(message);
        }
    }
    again
}

fn failure(message: &SqsMessage) -> BatchItemFailure {
    let mut failure = BatchItemFailure::default();
    failure.item_identifier = message.message_id.clone().unwrap_or_default();
    failure
}
