//! A thread and a runtime for each core, so that a request and all it waits for stay on one: threads that wake each other
//! cost more than much of what services do. What computes for long goes to threads of its own (`spawn_blocking`).

use std::{
    future::{Future, poll_fn},
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot, watch},
    task::coop::unconstrained,
};

use crate::{
    Result,
    front::{Around, Front, Fronted, Meeting},
};

/// How long no connection is taken on once there can't be more (open files, say).
const FULL: Duration = Duration::from_secs(1);

/// The threads, each with the connections it was given.
pub(crate) struct Cores(Vec<Core>);

struct Core {
    connections: mpsc::UnboundedSender<Accepted>,
    open: Arc<AtomicUsize>,
    /// Ends with the thread.
    done: oneshot::Receiver<()>,
}

/// A connection for a core, which counts as the core's as long as it lives.
struct Accepted {
    stream: std::net::TcpStream,
    peer: SocketAddr,
    open: Open,
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cores {
    /// Starts a thread for each core, with a front of its own.
    pub(crate) fn start<F: Front>(
        front: impl Fn() -> F + Send + Sync + 'static,
        around: &Around,
    ) -> Result<Self> {
        let front = Arc::new(front);
        let count = thread::available_parallelism()?.get();
        let cores = (0..count).map(|_| Core::start(front.clone(), around.clone()));
        Ok(Self(cores.collect::<io::Result<_>>()?))
    }

    /// Takes connections on, for as long as it is polled.
    pub(crate) async fn accept(&self, listener: TcpListener) {
        loop {
            match listener.accept().await {
                Ok((stream, peer)) => self.give(stream, peer),
                Err(error) if is_the_peers(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "a connection can't be taken on");
                    tokio::time::sleep(FULL).await;
                }
            }
        }
    }

    /// Gives a connection to the core with the fewest.
    fn give(&self, stream: TcpStream, peer: SocketAddr) {
        let open = |core: &&Core| core.open.load(Ordering::Relaxed);
        let Some(core) = self.0.iter().min_by_key(open) else {
            return;
        };
        core.open.fetch_add(1, Ordering::Relaxed);
        let open = Open(core.open.clone());
        // An answer is written at once and whole, so there is nothing to wait for.
        let stream = stream.set_nodelay(true).and_then(|()| stream.into_std());
        if let Ok(stream) = stream {
            let _ = core.connections.send(Accepted { stream, peer, open });
        }
    }

    /// Lets every connection finish what is under way, and waits for them.
    pub(crate) async fn finish(self) {
        let done = self.0.into_iter().map(|core| core.done);
        let _ = futures::future::join_all(done).await;
    }
}

impl Core {
    fn start<F: Front>(
        front: Arc<impl Fn() -> F + Send + Sync + 'static>,
        around: Around,
    ) -> io::Result<Self> {
        let (connections, accepted) = mpsc::unbounded_channel();
        let (end, done) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = thread::Builder::new().name("core".to_owned());
        thread.spawn(move || {
            runtime.block_on(async {
                let front = front();
                serve(Arc::new(Fronted { front, around }), accepted).await;
            });
            runtime.shutdown_background();
            let _ = end.send(());
        })?;
        Ok(Self {
            connections,
            open: Arc::default(),
            done,
        })
    }
}

/// Serves the connections that are given until no more can be, then lets them finish.
async fn serve<F: Front>(
    fronted: Arc<Fronted<F>>,
    mut accepted: mpsc::UnboundedReceiver<Accepted>,
) {
    let (stop, stopping) = watch::channel(());
    while let Some(Accepted { stream, peer, open }) = accepted.recv().await {
        let Ok(stream) = TcpStream::from_std(stream) else {
            continue;
        };
        let connection = connection(fronted.clone(), stream, peer, stopping.clone());
        tokio::spawn(async move {
            connection.await;
            drop(open);
        });
    }
    drop(stopping);
    let _ = stop.send(());
    stop.closed().await;
}

/// Answers what comes over a connection until either side ends it.
fn connection<F: Front>(
    fronted: Arc<Fronted<F>>,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<()>,
) -> impl Future<Output = ()> + Send {
    let meeting = Arc::new(Meeting::of(fronted, peer));
    let service = service_fn(move |request| meeting.clone().answer(request));
    let served = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    async move {
        let mut served = pin!(served);
        let seen = stopping.clone();
        // It listens from the first time on, however much the task has done by then.
        let mut changed = pin!(unconstrained(stopping.changed()));
        let mut listens = false;
        let ended = poll_fn(|context| {
            if let Poll::Ready(ended) = served.as_mut().poll(context) {
                return Poll::Ready(Some(ended));
            }
            // It wakes the task it was asked in first, which is this one and stays it. To ask again with each request would
            // take a hundredth of a forwarded one.
            if listens && seen.has_changed().is_ok_and(|changed| !changed) {
                return Poll::Pending;
            }
            listens = true;
            changed.as_mut().poll(context).map(|_| None)
        });
        if let Some(ended) = ended.await {
            return told(ended);
        }
        served.as_mut().graceful_shutdown();
        told(served.await);
    }
}

/// How a connection ended is of interest to nobody but who looks for it: clients come and go.
fn told(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection broke");
    }
}

/// Whether the client was gone before it was taken on.
fn is_the_peers(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use axum::{
        Router,
        body::Body,
        http::{Request, Response},
    };
    use bothways_http::layers::{Edge, EdgeSettings, Routes};
    use http_body_util::Limited;
    use hyper::body::Incoming;
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        sync::Semaphore,
    };

    use super::*;
    use crate::{Settings, admission::Admission};

    /// Says which thread answers; what is asked at `/slow` waits until it may.
    struct Threads(Arc<Semaphore>);

    impl Front for Threads {
        type Body = Body;
        type Client = ();

        fn meet(&self, _: SocketAddr) {}

        fn takes(&self, _: &str) -> bool {
            true
        }

        async fn answer(&self, request: Request<Limited<Incoming>>, (): &()) -> Response<Body> {
            if request.uri().path() == "/slow" {
                let _permit = self.0.acquire().await;
            }
            Response::new(Body::from(format!("{:?};", thread::current().id())))
        }
    }

    async fn start() -> (Cores, TcpListener, SocketAddr, Arc<Semaphore>) {
        let edges = EdgeSettings {
            service: "test",
            catch_panics: true,
        };
        let around = Around {
            routes: Routes::new(Router::new()),
            edge: Edge::new(edges),
            admission: Admission::new(Settings).expect("settings"),
            marks: None,
        };
        let gate = Arc::new(Semaphore::new(0));
        let front = gate.clone();
        let cores = Cores::start(move || Threads(front.clone()), &around).expect("threads");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        (cores, listener, address, gate)
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
    }

    /// An answer's body up to its semicolon; empty when the connection ends without one.
    async fn answer(stream: &mut TcpStream) -> String {
        let mut text = String::new();
        while !text.ends_with(';') {
            let mut piece = [0; 1024];
            let read = stream.read(&mut piece).await.expect("a piece");
            if read == 0 {
                return String::new();
            }
            text += &String::from_utf8_lossy(&piece[..read]);
        }
        let (_, body) = text.split_once("\r\n\r\n").expect("a body");
        body.to_owned()
    }

    #[tokio::test]
    async fn connections_are_shared_out_and_stay_where_they_are() {
        let (cores, listener, address, _gate) = start().await;
        let count = cores.0.len();
        let asked = async {
            let mut streams = Vec::new();
            let mut threads = BTreeMap::new();
            for _ in 0..2 * count {
                let mut stream = TcpStream::connect(address).await.expect("a connection");
                ask(&mut stream, "/").await;
                let thread = answer(&mut stream).await;
                *threads.entry(thread.clone()).or_insert(0) += 1;
                streams.push((stream, thread));
            }
            for (stream, thread) in &mut streams {
                ask(stream, "/").await;
                assert_eq!(answer(stream).await, *thread);
            }
            threads
        };
        let threads = tokio::select! {
            () = cores.accept(listener) => BTreeMap::new(),
            threads = asked => threads,
        };
        assert_eq!(threads.len(), count);
        assert!(threads.values().all(|connections| *connections == 2));
    }

    #[tokio::test]
    async fn what_is_under_way_is_finished_and_who_asks_nothing_is_let_go() {
        let (cores, listener, address, gate) = start().await;
        let connected = async {
            let mut idle = TcpStream::connect(address).await.expect("a connection");
            ask(&mut idle, "/").await;
            answer(&mut idle).await;
            let mut busy = TcpStream::connect(address).await.expect("a connection");
            ask(&mut busy, "/").await;
            answer(&mut busy).await;
            ask(&mut busy, "/slow").await;
            // So that it has arrived.
            tokio::time::sleep(Duration::from_millis(100)).await;
            (idle, busy)
        };
        let (mut idle, mut busy) = tokio::select! {
            () = cores.accept(listener) => return,
            connected = connected => connected,
        };
        let finished = tokio::spawn(cores.finish());
        assert_eq!(answer(&mut idle).await, "");
        assert!(!finished.is_finished());
        gate.add_permits(1);
        assert!(answer(&mut busy).await.starts_with("ThreadId"));
        finished.await.expect("the end");
    }
}
