//! A service that behaves as the launcher expects of one, or doesn't: what the supervisor's tests run.

use std::io::Read as _;

use axum::Router;
use axum::routing::get;
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    if std::env::var_os("FAIL_AT_START").is_some() {
        println!("no database today");
        std::process::exit(4);
    }
    std::thread::spawn(|| {
        let mut sink = [0; 16];
        while std::io::stdin().read(&mut sink).is_ok_and(|read| read > 0) {}
        std::process::exit(0);
    });
    let address = std::env::var("LISTEN").map_err(std::io::Error::other)?;
    let listener = tokio::net::TcpListener::bind(address).await?;
    println!("listening");
    let app = Router::new().route("/readyz", get(async || "ready"));
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        served = async { axum::serve(listener, app).await } => served,
        () = async {
            terminate.recv().await;
            if std::env::var_os("IGNORE_TERM").is_some() {
                std::future::pending::<()>().await;
            }
            println!("stopping in good order");
        } => Ok(()),
    }
}
