//! A request's answer, and everything that can be wrong with one.

use std::{collections::BTreeMap, error::Error as _, fmt};

use serde_json::Value;
use tokio::time::Instant;

/// Why a request does not count as answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// No connection could be made.
    NoConnection,
    /// No whole answer within the time a shopper waits.
    TimedOut,
    /// The connection ended before the answer did.
    Cut,
    /// Another status than this request gets; with the problem's type, if the answer has one.
    Status(u16, Option<String>),
    /// Not JSON, or not said to be.
    NotJson,
    /// The status is right, but not what was asked for.
    Wrong(&'static str),
    /// Still not answered when the run was over.
    Unfinished,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoConnection => f.write_str("no connection"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Cut => f.write_str("connection cut"),
            Self::Status(status, None) => write!(f, "status {status}"),
            Self::Status(status, Some(problem)) => write!(f, "status {status} {problem}"),
            Self::NotJson => f.write_str("not JSON"),
            Self::Wrong(what) => write!(f, "wrong: {what}"),
            Self::Unfinished => f.write_str("unfinished"),
        }
    }
}

impl Kind {
    /// Whether a shopper waited in vain. How long they did belongs to the latencies, or a shop that stops answering would
    /// look faster than one that is slow.
    pub fn waited(&self) -> bool {
        matches!(self, Self::TimedOut | Self::Unfinished)
    }
}

/// A request that does not count as answered.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it is counted as.
    pub kind: Kind,
    /// What was seen, for a person.
    pub detail: String,
}

impl Failure {
    fn new(kind: Kind, detail: String) -> Self {
        Self { kind, detail }
    }

    /// The run was over first.
    pub(crate) fn unfinished() -> Self {
        Self::new(
            Kind::Unfinished,
            "no answer yet when the run was over".to_owned(),
        )
    }

    /// A step that needs what an earlier one did not get. Journeys are parsed so that it doesn't happen.
    pub(crate) fn out_of_turn() -> Self {
        Self::new(
            Kind::Wrong("a step out of turn"),
            "a step that needs another before it".to_owned(),
        )
    }

    fn of(error: &reqwest::Error) -> Self {
        let kind = match error {
            _ if error.is_connect() => Kind::NoConnection,
            _ if error.is_timeout() => Kind::TimedOut,
            _ => Kind::Cut,
        };
        let mut detail = error.to_string();
        let mut source = error.source();
        while let Some(inner) = source {
            detail = format!("{detail}: {inner}");
            source = inner.source();
        }
        Self::new(kind, detail)
    }
}

/// An answer that came whole.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Vec<u8>,
}

/// Sends `request`; how it went, and when its last byte was there. Checking comes after, in nobody's latency.
pub(crate) async fn ask(
    what: String,
    request: reqwest::RequestBuilder,
) -> (Instant, Result<Answer, Failure>) {
    let answer = async {
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = response.bytes().await?.to_vec();
        Ok((status, headers, body))
    };
    let answer: Result<_, reqwest::Error> = answer.await;
    let arrived = Instant::now();
    let answer = answer.map_err(|error| Failure::of(&error));
    (
        arrived,
        answer.map(|(status, headers, body)| Answer {
            what,
            status,
            headers,
            body,
        }),
    )
}

impl Answer {
    fn failure(&self, kind: Kind) -> Failure {
        let text: String = String::from_utf8_lossy(&self.body)
            .chars()
            .take(300)
            .collect();
        Failure::new(kind, format!("{} -> {} {text}", self.what, self.status))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The answer's JSON, if it has this status.
    pub(crate) fn json(&self, status: u16) -> Result<Value, Failure> {
        if self.status != status {
            let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
            let name = problem["type"]
                .as_str()
                .and_then(|name| name.strip_prefix("/problems/"));
            return Err(self.failure(Kind::Status(self.status, name.map(str::to_owned))));
        }
        let says = self
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/json"));
        let value = serde_json::from_slice(&self.body).ok().filter(|_| says);
        value.ok_or_else(|| self.failure(Kind::NotJson))
    }

    /// `Ok` if `right`; else the answer is wrong in `what`.
    pub(crate) fn check(&self, right: bool, what: &'static str) -> Result<(), Failure> {
        if right {
            Ok(())
        } else {
            Err(self.failure(Kind::Wrong(what)))
        }
    }

    /// An amount of money, in the shop's form.
    pub(crate) fn money(&self, value: &Value) -> Result<i64, Failure> {
        let currency = value["currency"]
            .as_str()
            .is_some_and(|code| code.len() == 3);
        let amount = value["amount"]
            .as_i64()
            .filter(|amount| *amount >= 0 && currency);
        amount.ok_or_else(|| self.failure(Kind::Wrong("not an amount of money")))
    }

    /// The lines of a cart or an order: what is in it and how many; the sums have to be right.
    pub(crate) fn lines(&self, value: &Value) -> Result<BTreeMap<String, i64>, Failure> {
        let mut lines = BTreeMap::new();
        let mut sum = 0;
        for item in value["items"].as_array().map_or(&[][..], Vec::as_slice) {
            let quantity = item["quantity"].as_i64().unwrap_or_default();
            let total = self.money(&item["line_total"])?;
            self.check(
                total == self.money(&item["unit_price"])? * quantity,
                "a line does not add up",
            )?;
            sum += total;
            lines.insert(
                item["product_id"].as_str().unwrap_or_default().to_owned(),
                quantity,
            );
        }
        self.check(
            self.money(&value["subtotal"])? == sum,
            "the lines do not add up",
        )?;
        Ok(lines)
    }
}
