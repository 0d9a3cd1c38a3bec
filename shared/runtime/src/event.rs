//! Runs functions that follow a queue or a schedule.

use std::{collections::HashSet, process::ExitCode, sync::Arc, time::Instant};

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use bothways_domain::{
    checkout::{CheckoutApi, RecoveryReport},
    event::{Event, EventHandler},
};
use lambda_runtime::{LambdaEvent, service_fn};

use crate::{Result, Settings, Shop, entry, function::CONNECTIONS};

/// Runs the function `name`, which handles the events of an SQS queue with what `wire` puts together. What can't
/// be handled is reported message by message (`ReportBatchItemFailures`), so that only that comes again.
pub fn queue_function<W>(name: &'static str, wire: W) -> ExitCode
where
    W: AsyncFnOnce(Arc<Shop>) -> Result<Arc<dyn EventHandler>>,
{
    start(name, async |shop| {
        let handler = wire(shop).await?;
        let handle = |event: LambdaEvent<SqsEvent>| {
            let handler = handler.clone();
            async move { respond(handler.as_ref(), &event.payload.records).await }
        };
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
        lambda_runtime::run(service_fn(async |_: LambdaEvent<serde_json::Value>| {
            work().await
        }))
        .await
    })
}

fn start(name: &'static str, serve: impl AsyncFnOnce(Arc<Shop>) -> Result<()>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    entry::run(name, runtime, async {
        serve(Arc::new(Shop::open(Settings, CONNECTIONS)?)).await
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
    Ok(async move || {
        let started = Instant::now();
        loop {
            let report = checkout.recover().await?;
            if report != RecoveryReport::default() {
                tracing::info!(?report, "recovered interrupted checkouts");
            }
            if started.elapsed() + pause > window {
                return Ok(());
            }
            tokio::time::sleep(pause).await;
        }
    })
}

/// Handles a batch. In a FIFO queue what follows a failure of the same group has to come again behind it.
async fn respond(handler: &dyn EventHandler, messages: &[SqsMessage]) -> Result<SqsBatchResponse> {
    let mut failed = HashSet::new();
    let (mut places, mut events) = (Vec::new(), Vec::new());
    for (place, message) in messages.iter().enumerate() {
        match parse(message) {
            Ok(packed) => {
                places.extend(packed.iter().map(|_| place));
                events.extend(packed);
            }
            Err(error) => {
                tracing::error!(%error, message = message.message_id, "a message holds no events");
                failed.insert(place);
            }
        }
    }
    for (index, reason) in handler.handle(&events).await? {
        tracing::warn!(reason, "an event could not be handled");
        failed.extend(places.get(index));
    }
    let response = failures(messages, &failed);
    Ok(response)
}

/// The events of a message, a JSON array (`CloudEvents` batch format).
fn parse(message: &SqsMessage) -> serde_json::Result<Vec<Event>> {
    serde_json::from_str(message.body.as_deref().unwrap_or_default())
}

fn failures(messages: &[SqsMessage], failed: &HashSet<usize>) -> SqsBatchResponse {
    let mut groups = HashSet::new();
    let mut response = SqsBatchResponse::default();
    for (place, message) in messages.iter().enumerate() {
        let group = message.attributes.get("MessageGroupId");
        let behind = group.is_some_and(|group| groups.contains(group));
        if failed.contains(&place) || behind {
            groups.extend(group);
            let mut failure = BatchItemFailure::default();
            failure.item_identifier = message.message_id.clone().unwrap_or_default();
            response.batch_item_failures.push(failure);
        }
    }
    response
}
