//! Everything that means "end now": Ctrl-C, SIGTERM, a closed terminal, and on request the end of
//! standard input.

use std::io::Read as _;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells when to end.
#[derive(Debug, Clone)]
pub(crate) struct StopSignal {
    stopped: watch::Receiver<bool>,
}

impl StopSignal {
    /// Starts listening. Must be called before anything is started that has to be stopped.
    pub(crate) fn listen(with_stdin: bool) -> std::io::Result<Self> {
        let (sender, stopped) = watch::channel(false);
        for kind in [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
        ] {
            let mut signals = signal(kind)?;
            let sender = sender.clone();
            tokio::spawn(async move {
                signals.recv().await;
                sender.send_replace(true);
            });
        }
        if with_stdin {
            // A thread of its own: it may sit in a read for ever, which must not hold up the end.
            std::thread::Builder::new()
                .name("stdin".to_owned())
                .spawn(move || {
                    let mut sink = [0; 256];
                    while std::io::stdin().read(&mut sink).is_ok_and(|read| read > 0) {}
                    sender.send_replace(true);
                })?;
        }
        Ok(Self { stopped })
    }

    /// Waits for it.
    pub(crate) async fn wait(&self) {
        let mut stopped = self.stopped.clone();
        if stopped.wait_for(|stopped| *stopped).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
