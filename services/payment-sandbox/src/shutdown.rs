//! When to stop: on SIGTERM, SIGINT or, with `EXIT_WITH_STDIN=1`, when whoever holds standard input goes away.

use std::io::Read as _;

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

/// Resolves once the process is told to stop.
pub async fn told_to_stop() {
    tokio::select! {
        () = caught(SignalKind::terminate()) => {}
        () = caught(SignalKind::interrupt()) => {}
        () = end_of_stdin() => {}
    }
    tracing::info!("stopping");
}

async fn caught(kind: SignalKind) {
    match signal(kind) {
        Ok(mut signals) => {
            signals.recv().await;
        }
        Err(error) => {
            tracing::warn!(%error, "can't listen for a signal");
            std::future::pending::<()>().await;
        }
    }
}

async fn end_of_stdin() {
    if std::env::var("EXIT_WITH_STDIN").is_ok_and(|value| value == "1") {
        let (ended, end) = oneshot::channel();
        // A plain thread: the process may end while it still reads, which a runtime's blocking task would prevent.
        std::thread::spawn(move || {
            let mut bytes = [0; 64];
            while std::io::stdin().read(&mut bytes).is_ok_and(|read| read > 0) {}
            // Nobody waits any more when the process is stopping for another reason.
            let _ = ended.send(());
        });
        let _ = end.await;
    } else {
        std::future::pending::<()>().await;
    }
}
