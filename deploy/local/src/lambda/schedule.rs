//! Schedules that invoke functions: once at start, then at their rate.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::ids::uuid;
use super::pool::Pool;
use super::template::model::{ScheduleSender, ScheduleSpec};
use super::template::{ACCOUNT, REGION};

/// Invokes until aborted. An invocation doesn't wait for the one before: on AWS it doesn't either.
pub(crate) async fn run(schedule: ScheduleSpec, pool: Arc<Pool>) {
    let mut ticks = tokio::time::interval(schedule.every);
    loop {
        ticks.tick().await;
        let event = Bytes::from(event(&schedule, OffsetDateTime::now_utc()).to_string());
        let pool = Arc::clone(&pool);
        tokio::spawn(async move {
            if let Err(failure) = pool.invoke(event).await {
                pool.log.record(&format!("scheduled invocation: {failure}"));
            }
        });
    }
}

/// The event a rule or the scheduler sends.
fn event(schedule: &ScheduleSpec, at: OffsetDateTime) -> Value {
    if let Some(input) = &schedule.input {
        return input.clone();
    }
    let name = &schedule.name;
    let (source, resource, detail) = match schedule.sender {
        ScheduleSender::EventBridgeRule => (
            "aws.events",
            format!("arn:aws:events:{REGION}:{ACCOUNT}:rule/{name}"),
            json!({}),
        ),
        ScheduleSender::Scheduler => (
            "aws.scheduler",
            format!("arn:aws:scheduler:{REGION}:{ACCOUNT}:schedule/default/{name}"),
            json!("{}"),
        ),
    };
    let at = at.replace_nanosecond(0).unwrap_or(at);
    json!({
        "version": "0",
        "id": uuid(),
        "detail-type": "Scheduled Event",
        "source": source,
        "account": ACCOUNT,
        "time": at.format(&Rfc3339).unwrap_or_default(),
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_event_is_the_senders_or_the_given_input() {
        let mut schedule = ScheduleSpec {
            name: "Tick".to_owned(),
            function: "f".to_owned(),
            every: Duration::from_mins(1),
            input: None,
            sender: ScheduleSender::EventBridgeRule,
        };
        let event_at = |schedule: &ScheduleSpec| event(schedule, OffsetDateTime::UNIX_EPOCH);
        assert_eq!(event_at(&schedule)["source"], "aws.events");
        assert_eq!(event_at(&schedule)["time"], "1970-01-01T00:00:00Z");
        assert_eq!(
            event_at(&schedule)["resources"][0],
            "arn:aws:events:us-east-1:000000000000:rule/Tick"
        );
        schedule.input = Some(json!({"pass": 1}));
        assert_eq!(event_at(&schedule), json!({"pass": 1}));
    }
}
