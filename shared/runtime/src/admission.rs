//! Which requests a service takes on: not more at once than it can work on, and fewer and fewer when it is to stop.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::Body,
    http::{HeaderValue, header::CONNECTION},
    response::{IntoResponse as _, Response},
};
use bothways_http::{
    Problem, ProblemType,
    header::{STOPPING, UNTOUCHED},
};

use crate::{ConfigError, Settings};

/// Requests under way at most, unless `MAX_IN_FLIGHT` says otherwise.
const MAX_IN_FLIGHT: usize = 1_000;
/// How long a service that is to stop goes on serving, so that all who ask it learn of that, in milliseconds.
const STOP_DELAY: u64 = 1_000;

/// A service's readiness to take requests on.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    state: Arc<Standing>,
    max_in_flight: usize,
    /// How long it goes on once it is to stop.
    pub(crate) stop_delay: Duration,
}

#[derive(Debug, Default)]
struct Standing {
    in_flight: AtomicUsize,
    stops: AtomicBool,
}

/// What is asked of a service.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Asked {
    /// Whether it takes requests on.
    Ready,
    /// Whether it lives.
    Health,
    /// What it is there for.
    Work,
}

impl Asked {
    pub(crate) fn of(path: &str) -> Self {
        match path {
            "/readyz" => Self::Ready,
            "/healthz" => Self::Health,
            _ => Self::Work,
        }
    }
}

/// A request under way.
struct UnderWay<'a>(&'a AtomicUsize);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Admission {
    /// As `MAX_IN_FLIGHT` and `STOP_DELAY_MS` say.
    pub(crate) fn new(settings: Settings) -> Result<Self, ConfigError> {
        Ok(Self {
            state: Arc::default(),
            max_in_flight: settings.parse("MAX_IN_FLIGHT")?.unwrap_or(MAX_IN_FLIGHT),
            stop_delay: settings.millis("STOP_DELAY_MS", STOP_DELAY)?,
        })
    }

    /// From now on the service is not ready, and says with each answer that others are to be asked.
    pub(crate) fn close(&self) {
        self.state.stops.store(true, Ordering::Relaxed);
    }

    /// Answers by `work` what is admitted.
    pub(crate) async fn answer<B: From<Body>>(
        &self,
        asked: Asked,
        work: Pin<&mut impl Future<Output = Response<B>>>,
    ) -> Response<B> {
        let state = &self.state;
        let stops = state.stops.load(Ordering::Relaxed);
        let mut response = match asked {
            Asked::Ready if stops => unavailable("it is about to stop").map(B::from),
            Asked::Ready | Asked::Health => work.await,
            Asked::Work => {
                let under_way = state.in_flight.fetch_add(1, Ordering::Relaxed);
                let _under_way = UnderWay(&state.in_flight);
                if under_way < self.max_in_flight {
                    work.await
                } else {
                    refuse().map(B::from)
                }
            }
        };
        if stops {
            let headers = response.headers_mut();
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
            headers.insert(STOPPING, HeaderValue::from_static("1"));
        }
        response
    }
}

fn refuse() -> Response {
    let mut response = unavailable("too much is asked at once");
    let headers = response.headers_mut();
    headers.insert(UNTOUCHED, HeaderValue::from_static("1"));
    response
}

fn unavailable(detail: &str) -> Response {
    let problem = Problem::new(ProblemType::Unavailable, detail);
    problem.retry_after(1).into_response()
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use axum::http::StatusCode;
    use tokio::sync::Semaphore;

    use super::*;

    fn admission(max_in_flight: usize) -> Admission {
        Admission {
            state: Arc::default(),
            max_in_flight,
            stop_delay: Duration::ZERO,
        }
    }

    /// Asks for `path`, which is answered once `gate` is passed, unless it is about health.
    async fn ask(admission: &Admission, gate: &Semaphore, path: &str) -> Response {
        let asked = Asked::of(path);
        let mut work = pin!(async {
            if matches!(asked, Asked::Work) {
                let _permit = gate.acquire().await.expect("open");
            }
            "ok".into_response()
        });
        admission.answer(asked, work.as_mut()).await
    }

    #[tokio::test]
    async fn more_at_once_than_allowed_are_refused_untouched_and_health_is_always_told() {
        let (admission, gate) = (admission(2), Arc::new(Semaphore::new(0)));
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let (admission, gate) = (admission.clone(), gate.clone());
                tokio::spawn(async move { ask(&admission, &gate, "/").await.status() })
            })
            .collect();
        tokio::task::yield_now().await;
        let refused = ask(&admission, &gate, "/").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["retry-after"], "1");
        assert_eq!(refused.headers()[UNTOUCHED], "1");
        let health = ask(&admission, &gate, "/healthz").await;
        assert_eq!(health.status(), StatusCode::OK);
        gate.add_permits(2);
        for status in waiting {
            assert_eq!(status.await.expect("an end"), StatusCode::OK);
        }
        let served = ask(&admission, &gate, "/").await;
        assert_eq!(served.status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn a_service_that_is_to_stop_is_not_ready_serves_on_and_says_so() {
        let (admission, gate) = (admission(10), Semaphore::new(10));
        let before = ask(&admission, &gate, "/readyz").await;
        assert_eq!(before.status(), StatusCode::OK);
        assert!(!before.headers().contains_key(STOPPING));
        admission.close();
        for (path, status) in [("/", 200), ("/healthz", 200), ("/readyz", 503)] {
            let answer = ask(&admission, &gate, path).await;
            assert_eq!(answer.status().as_u16(), status, "{path}");
            assert_eq!(answer.headers()[CONNECTION], "close", "{path}");
            assert_eq!(answer.headers()[STOPPING], "1", "{path}");
        }
    }
}
