//! SIGTERM: a service says that it stops, takes on what comes meanwhile, finishes what is under way, and ends.

use bothways_tests::{Case, Launcher, Options, Process, SOON, Shop, cases, eventually};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::processes::Running;

pub(crate) fn cases() -> Vec<Case> {
    cases![a_service_told_to_stop_says_so_serves_on_finishes_and_ends]
}

const ARCHITECTURE: &str = "microservices";
const ITEM: &str = r#"{"quantity":1}"#;

/// One request on a connection of its own; `None` when nobody listens.
async fn ask(port: u16, path: &str) -> Option<String> {
    let mut connection = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).await.ok()?;
    rest(&mut connection).await
}

async fn rest(connection: &mut TcpStream) -> Option<String> {
    let mut answer = String::new();
    let read = timeout(SOON, connection.read_to_string(&mut answer)).await;
    read.expect("an end").ok().map(|_| answer)
}

/// A request whose body is not sent yet.
async fn begun(process: &Process, cart: &str, product: &str) -> TcpStream {
    let connection = TcpStream::connect(("127.0.0.1", process.port)).await;
    let mut connection = connection.expect("it listens");
    let head = format!(
        "PUT /api/carts/{cart}/items/{product} HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        ITEM.len()
    );
    connection.write_all(head.as_bytes()).await.expect("sent");
    connection
}

async fn a_service_told_to_stop_says_so_serves_on_finishes_and_ends(_given: &Shop) {
    let options = Options::of(ARCHITECTURE)
        .argument("--replicas=cart=2")
        .env("STOP_DELAY_MS", "2000");
    let launcher = Launcher::start(options);
    let shop = launcher.shop(ARCHITECTURE);
    let product = shop.product().stock(9).create().await;
    let cart = shop.cart().await;
    let process = shop.control().process(ARCHITECTURE, "cart-2").await;
    let pid = process.pid.expect("it runs");
    let running = Running::of(pid).expect("it runs");
    let ready = ask(process.port, "/readyz").await.expect("an answer");
    assert!(ready.starts_with("HTTP/1.1 200 "), "{ready}");
    assert!(!ready.contains("x-stopping"), "{ready}");

    let mut under_way = begun(&process, &cart.id, &product.id).await;
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::TERM).expect("it runs");
    eventually(SOON, "it says that it stops", async || {
        let ready = ask(process.port, "/readyz").await.unwrap_or_default();
        if ready.starts_with("HTTP/1.1 503 ") && ready.contains("x-stopping: 1") {
            Ok(())
        } else {
            Err(ready)
        }
    })
    .await;
    let served = ask(process.port, "/healthz").await.expect("an answer");
    assert!(served.starts_with("HTTP/1.1 200 "), "{served}");
    eventually(SOON, "it takes nothing on any more", async || {
        match ask(process.port, "/healthz").await {
            None => Ok(()),
            Some(answer) => Err(answer),
        }
    })
    .await;
    assert!(running.still_runs(), "it finishes first");
    under_way.write_all(ITEM.as_bytes()).await.expect("sent");
    let answer = rest(&mut under_way).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.contains("connection: close"), "{answer}");
    eventually(SOON, "it ends", async || {
        if running.still_runs() {
            Err(format!("{running:?}"))
        } else {
            Ok(())
        }
    })
    .await;
    // What it did, its sibling knows.
    assert_eq!(cart.read().await["items"][0]["quantity"], 1);
}
