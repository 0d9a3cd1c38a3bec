//! A service that behaves as the launcher expects of one, or doesn't: what the supervisor's tests run.

use std::io::Read as _;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    if std::env::var_os("FAIL_AT_START").is_some() {
        println!("no database today");
        std::process::exit(4);
    }
    let (ended, end_of_input) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut sink = [0; 16];
        while std::io::stdin().read(&mut sink).is_ok_and(|read| read > 0) {}
        let _ = ended.send(());
    });
    let address = std::env::var("LISTEN").map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening");
    let app = Router::new().route("/readyz", get(async || "ready"));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = async { axum::serve(listener, app).await } => return served,
        _ = terminate.recv() => {}
        _ = end_of_input => {}
    }
    if std::env::var_os("IGNORE_TERM").is_some() {
        // Not for ever: a test that was killed must leave nothing.
        tokio::time::sleep(Duration::from_secs(30)).await;
    }
    println!("stopping in good order");
    Ok(())
}
