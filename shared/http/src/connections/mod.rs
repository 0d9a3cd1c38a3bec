//! Connections to other services, kept for the next request.
//!
//! Each is driven by whoever waits for its answer (hyper would have it as a task of its own): what is done for a request is
//! done in one task, with no other to wake. A thread takes only those that it opened, as it may be a runtime of its own, which hears
//! first of what comes over them.

mod replica;
mod wire;

use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread::{self, ThreadId},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use hyper::{
    body::{Body as HttpBody, Frame, Incoming, SizeHint},
    client::conn::{
        TrySendError,
        http1::{Connection, SendRequest, handshake},
    },
};
use hyper_util::rt::TokioIo;
use tokio::time::Instant;

pub use replica::{address, judge};
pub use wire::Connector;
use wire::Wire;

/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// There is no connection, so nothing was sent.
    #[error("there is no connection")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or the request could not be sent to its end.
    #[error("the connection broke")]
    Broken(#[source] hyper::Error),
}

/// What can be sent as a request's body.
pub trait RequestBody:
    HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
    + Send
    + Unpin
    + 'static
{
}

impl<B> RequestBody for B where
    B: HttpBody<Data = Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>
        + Send
        + Unpin
        + 'static
{
}

/// Connections to whoever was asked so far, for requests with bodies of one kind.
#[derive(Debug)]
pub struct Connections<B: RequestBody> {
    connector: Connector,
    idle: Arc<Mutex<Idle<B>>>,
}

/// Connections that nobody uses.
#[derive(Debug)]
struct Idle<B: RequestBody> {
    // A service has few replicas, and their names are found sooner than hashed.
    lines: BTreeMap<Arc<str>, VecDeque<Box<Line<B>>>>,
    swept: Instant,
}

/// A connection with all that drives it.
#[derive(Debug)]
struct Line<B: RequestBody> {
    sender: SendRequest<B>,
    /// Until it ends. It has to go then: what it did not take of the sender comes back with its end.
    connection: Option<Connection<TokioIo<Wire>, B>>,
    place: Arc<str>,
    since: Instant,
    /// Who opened it.
    thread: ThreadId,
}

impl<B: RequestBody> Connections<B> {
    /// None yet; `connector` makes them.
    pub fn new(connector: Connector) -> Self {
        let (lines, swept) = (BTreeMap::new(), Instant::now());
        Self {
            connector,
            idle: Arc::new(Mutex::new(Idle { lines, swept })),
        }
    }

    /// Sends a request (with a path for its address, and `Host`) to a host and port, by TLS if `secure`; the answer's body is
    /// not read yet. What is asked over a connection that turns out to have been closed while nobody used it is asked over
    /// another.
    pub async fn send(
        &self,
        secure: bool,
        authority: &str,
        mut request: Request<B>,
    ) -> Result<Response<Answer<B>>, Unanswered> {
        // The one that was used last is the one most likely to be there still.
        while let Some(line) = self.idle(authority) {
            match line.ask(request).await {
                Ok((line, response)) => return Ok(self.answer(line, response)),
                Err(mut error) => match error.take_message() {
                    // It was closed while nobody used it.
                    Some(unsent) => request = unsent,
                    None => return Err(Unanswered::Broken(error.into_error())),
                },
            }
        }
        // On the heap, as it is large and rare: what is large is copied with each request that might need it.
        let line = Box::pin(self.open(secure, authority)).await?;
        let asked = line.ask(request).await;
        let (line, response) = asked.map_err(|error| Unanswered::Broken(error.into_error()))?;
        Ok(self.answer(line, response))
    }

    fn idle(&self, authority: &str) -> Option<Box<Line<B>>> {
        lock(&self.idle).take(authority)
    }

    async fn open(&self, secure: bool, authority: &str) -> Result<Box<Line<B>>, Unanswered> {
        let wire = self.connector.connect(secure, authority).await;
        let wire = wire.map_err(Unanswered::Connect)?;
        let opened = handshake(TokioIo::new(wire)).await;
        let (sender, connection) = opened.map_err(Unanswered::Broken)?;
        Ok(Box::new(Line {
            sender,
            connection: Some(connection),
            place: authority.into(),
            since: Instant::now(),
            thread: thread::current().id(),
        }))
    }

    fn answer(
        &self,
        line: Option<Box<Line<B>>>,
        response: Response<Incoming>,
    ) -> Response<Answer<B>> {
        response.map(|incoming| {
            let mut answer = Answer {
                incoming,
                line,
                idle: self.idle.clone(),
                broken: None,
            };
            if answer.incoming.is_end_stream() {
                answer.settle();
            } else {
                answer.drive(&mut nobody());
            }
            answer
        })
    }
}

impl<B: RequestBody> Idle<B> {
    fn take(&mut self, place: &str) -> Option<Box<Line<B>>> {
        let lines = self.lines.get_mut(place)?;
        let here = thread::current().id();
        let own = lines.iter().rposition(|line| line.thread == here)?;
        let line = lines.remove(own)?;
        (line.since.elapsed() < IDLE).then_some(line)
    }

    fn put(&mut self, mut line: Box<Line<B>>) {
        line.since = Instant::now();
        if line.since - self.swept > IDLE / 2 {
            self.sweep(line.since);
        }
        let place = line.place.clone();
        self.lines.entry(place).or_default().push_back(line);
    }

    /// Closes what was not used for long.
    fn sweep(&mut self, now: Instant) {
        self.lines.retain(|_, lines| {
            lines.retain(|line| now - line.since < IDLE);
            !lines.is_empty()
        });
        self.swept = now;
    }
}

/// For driving a connection that nobody is to be woken for. It remembers the last who drove it, and wakes them for what
/// they themselves do to it next, so that they would run once more for nothing; and who has gone on to something else, too.
fn nobody() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

fn lock<B: RequestBody>(idle: &Mutex<Idle<B>>) -> MutexGuard<'_, Idle<B>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

type Asked<B> = Result<(Option<Box<Line<B>>>, Response<Incoming>), TrySendError<Request<B>>>;

impl<B: RequestBody> Line<B> {
    /// Sends a request and waits until its answer begins. The connection comes back if it goes on.
    async fn ask(mut self: Box<Self>, request: Request<B>) -> Asked<B> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let answered = std::future::poll_fn(|context| {
            drive(&mut self.connection, context);
            // Only the connection, which was driven just now, makes it ready.
            answer.as_mut().poll(&mut nobody())
        });
        let response = answered.await?;
        let goes_on = self.connection.is_some();
        Ok((goes_on.then_some(self), response))
    }
}

/// Moves a connection on, if it has not ended; whether it has.
fn drive<B: RequestBody>(
    connection: &mut Option<Connection<TokioIo<Wire>, B>>,
    context: &mut Context<'_>,
) -> bool {
    let ended = connection.as_mut().map(|line| Pin::new(line).poll(context));
    if ended.is_some_and(|ended| ended.is_ready()) {
        *connection = None;
    }
    connection.is_none()
}

/// An answer's body, which drives its connection and gives it back at its end.
#[derive(Debug)]
pub struct Answer<B: RequestBody> {
    incoming: Incoming,
    line: Option<Box<Line<B>>>,
    idle: Arc<Mutex<Idle<B>>>,
    /// Why it broke off, until that is told.
    broken: Option<hyper::Error>,
}

impl<B: RequestBody> Answer<B> {
    fn next(&mut self) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.incoming).poll_frame(&mut nobody())
    }

    fn drive(&mut self, context: &mut Context<'_>) {
        let line = self.line.as_mut();
        if line.is_some_and(|line| drive(&mut line.connection, context)) {
            self.line = None;
        }
    }

    /// Gives the connection back, now that all is read, if it is fit for more.
    fn settle(&mut self) {
        self.drive(&mut nobody());
        let line = self.line.take().filter(|line| line.sender.is_ready());
        if let Some(line) = line {
            lock(&self.idle).put(line);
        }
    }
}

impl<B: RequestBody> HttpBody for Answer<B> {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.broken.take() {
            return Poll::Ready(Some(Err(error)));
        }
        // That it was asked for is what the connection waits for before it reads. Mostly it has read enough already.
        let mut frame = self.next();
        for waker in [Waker::noop(), context.waker()] {
            if frame.is_pending() {
                self.drive(&mut Context::from_waker(waker));
                frame = self.next();
            }
        }
        if matches!(frame, Poll::Ready(None)) || self.incoming.is_end_stream() {
            self.settle();
        }
        if let Poll::Ready(Some(Err(error))) = frame {
            // What came before is sent on first: an error at once would end the client's connection without it.
            self.broken = Some(error);
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
