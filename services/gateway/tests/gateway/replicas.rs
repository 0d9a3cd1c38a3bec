//! Services with replicas that share the load, die, freeze, fail and stop.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, http::StatusCode};
use bothways_upstream::BreakerState;
use futures::{future::join_all, stream};
use reqwest::{Body, Method};

use crate::{
    door::{Door, Plan, Reply, nobody, serve},
    upstream::{always, counting, echo, slow},
};

/// A replica, and how often it was asked.
async fn replica(router: Router) -> (SocketAddr, Arc<AtomicUsize>) {
    let (router, asked) = counting(router);
    (serve(router).await, asked)
}

fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::Relaxed)
}

/// Two replicas of the cart, the first of which is well.
async fn beside(other: Router) -> (Plan, Arc<AtomicUsize>, Arc<AtomicUsize>) {
    let (well, asked_well) = replica(echo("cart")).await;
    let (other, asked_other) = replica(other).await;
    let plan = Plan::new().await.with_all("CART_URL", &[well, other]);
    (plan, asked_well, asked_other)
}

/// A body in pieces, of a length nobody was told.
fn in_pieces() -> Body {
    let pieces = ["one", "two"].map(Ok::<_, std::convert::Infallible>);
    Body::wrap_stream(stream::iter(pieces))
}

async fn statuses(door: &Door, method: &Method, times: usize) -> Vec<u16> {
    let mut statuses = Vec::new();
    for _ in 0..times {
        let request = door.ask(method.clone(), "/api/carts/1").body("{}");
        statuses.push(Reply::of(request).await.status);
    }
    statuses
}

fn all_are(statuses: &[u16], status: u16) -> bool {
    statuses.iter().all(|one| *one == status)
}

#[tokio::test]
async fn three_replicas_share_the_requests() {
    let mut replicas = Vec::new();
    for _ in 0..3 {
        replicas.push(replica(echo("cart")).await);
    }
    let addresses: Vec<_> = replicas.iter().map(|(address, _)| *address).collect();
    let plan = Plan::new().await.with_all("CART_URL", &addresses);
    let door = plan.start().await;
    let each = join_all((0..10).map(|_| statuses(&door, &Method::POST, 90))).await;
    assert!(each.iter().all(|some| all_are(some, 200)));
    for (_, asked) in &replicas {
        let share = read(asked);
        assert!((225..=378).contains(&share), "{share} of 900");
    }
}

#[tokio::test]
async fn a_replica_that_is_gone_costs_nobody_an_answer() {
    let (well, asked) = replica(echo("cart")).await;
    let (gone, _kept) = nobody();
    for method in [Method::GET, Method::PUT, Method::DELETE, Method::POST] {
        let plan = Plan::new().await.with_all("CART_URL", &[well, gone]);
        let door = plan.start().await;
        let before = read(&asked);
        assert!(all_are(&statuses(&door, &method, 50).await, 200));
        assert_eq!(read(&asked) - before, 50, "{method}");
        let state = door.state("cart");
        assert_eq!(state.endpoints[1].ejections, 1, "{state:?}");
        assert_eq!(state.endpoints[1].requests, 3, "{state:?}");
    }
}

#[tokio::test]
async fn a_body_that_streams_goes_to_another_replica_while_nobody_has_taken_a_piece() {
    let (well, asked) = replica(echo("cart")).await;
    let (gone, _kept) = nobody();
    let plan = Plan::new().await.with_all("CART_URL", &[well, gone]);
    let door = plan.start().await;
    for _ in 0..50 {
        let reply = Reply::of(door.ask(Method::POST, "/api/carts").body(in_pieces())).await;
        assert_eq!(reply.json()["bytes"], 6);
    }
    assert_eq!(read(&asked), 50);
    assert!(door.state("cart").retries > 0);
}

#[tokio::test]
async fn a_frozen_replica_is_left_out_after_three_requests_that_others_answer() {
    let (mut plan, _, frozen) = beside(slow(Duration::from_hours(1))).await;
    plan.policy.patience = Duration::from_millis(50);
    let door = plan.start().await;
    assert!(all_are(&statuses(&door, &Method::GET, 200).await, 200));
    assert_eq!(read(&frozen), 3);
    assert!(door.state("cart").endpoints[1].ejected);
}

#[tokio::test]
async fn a_slow_replica_is_not_waited_for_and_an_only_one_is() {
    let (mut plan, well, _) = beside(slow(Duration::from_secs(1))).await;
    plan.policy.patience = Duration::from_millis(50);
    let door = plan.start().await;
    assert!(all_are(&statuses(&door, &Method::GET, 10).await, 200));
    assert_eq!(read(&well), 10);
    let mut plan = Plan::new().await;
    plan.policy.patience = Duration::from_millis(50);
    let alone = serve(slow(Duration::from_millis(300))).await;
    let door = plan.with("CART_URL", alone).start().await;
    assert_eq!(door.get("/api/carts/1").await.text, "at last");
}

#[tokio::test]
async fn a_replica_with_a_fault_answers_only_what_may_not_be_asked_again() {
    let broken = || always(StatusCode::INTERNAL_SERVER_ERROR, &[]);
    let (plan, well, asked) = beside(broken()).await;
    let door = plan.start().await;
    assert!(all_are(&statuses(&door, &Method::GET, 50).await, 200));
    assert_eq!((read(&well), read(&asked)), (50, 3));
    let (plan, well, asked) = beside(broken()).await;
    let door = plan.start().await;
    let answers = statuses(&door, &Method::POST, 50).await;
    let faults = answers.iter().filter(|status| **status == 500).count();
    assert_eq!((faults, read(&asked), read(&well)), (3, 3, 47));
}

#[tokio::test]
async fn what_a_service_refused_untouched_another_does_whatever_it_is() {
    let full = always(StatusCode::SERVICE_UNAVAILABLE, &[("x-untouched", "1")]);
    let (plan, well, _) = beside(full.clone()).await;
    let door = plan.start().await;
    assert!(all_are(&statuses(&door, &Method::POST, 10).await, 200));
    assert_eq!(read(&well), 10);
    // Nobody else is there: what it said is the answer, but for what is between the gateway and its services.
    let (alone, asked) = replica(full).await;
    let door = Plan::new().await.with("CART_URL", alone).start().await;
    let reply = Reply::of(door.ask(Method::POST, "/api/carts").body("{}")).await;
    assert_eq!(reply.status, 503);
    assert!(!reply.headers.contains_key("x-untouched"));
    assert_eq!(read(&asked), 2);
    let reply = Reply::of(door.ask(Method::POST, "/api/carts").body(in_pieces())).await;
    assert_eq!(reply.status, 503);
    assert_eq!(read(&asked), 3, "a piece of the body may be gone");
}

#[tokio::test]
async fn an_ordinary_503_is_an_answer() {
    let (plan, _, asked) = beside(always(StatusCode::SERVICE_UNAVAILABLE, &[])).await;
    let door = plan.start().await;
    let answers = statuses(&door, &Method::GET, 50).await;
    let refused = answers.iter().filter(|status| **status == 503).count();
    assert_eq!(refused, read(&asked));
    assert_eq!(door.state("cart").retries, 0);
}

#[tokio::test]
async fn a_replica_that_says_it_stops_is_asked_no_more() {
    let stopping = always(StatusCode::OK, &[("x-stopping", "1")]);
    let (plan, _, asked) = beside(stopping).await;
    let door = plan.start().await;
    for _ in 0..100 {
        let reply = Reply::of(door.ask(Method::POST, "/api/carts").body("{}")).await;
        assert_eq!(reply.status, 200);
        assert!(!reply.headers.contains_key("x-stopping"));
    }
    assert_eq!(read(&asked), 1);
}

#[tokio::test]
async fn when_a_service_fails_again_and_again_nobody_waits_for_it_any_more() {
    let (faulty, asked) = replica(always(StatusCode::INTERNAL_SERVER_ERROR, &[])).await;
    let door = Plan::new().await.with("CART_URL", faulty).start().await;
    assert!(all_are(&statuses(&door, &Method::POST, 20).await, 500));
    let reply = door.get("/api/carts/1").await;
    reply.is_problem(503, "unavailable");
    let wait: u32 = reply.header("retry-after").parse().expect("seconds");
    assert_eq!(wait, 1);
    assert_eq!(read(&asked), 20);
    assert_eq!(door.state("cart").breaker, BreakerState::Open);
    assert_eq!(door.get("/api/products/a").await.status, 200);
}

#[tokio::test]
async fn more_at_once_than_a_service_can_take_is_refused_with_a_time_to_come_back() {
    let address = serve(slow(Duration::from_millis(500))).await;
    let mut plan = Plan::new().await.with("CART_URL", address);
    plan.policy.in_flight = 2;
    let door = plan.start().await;
    let replies = join_all((0..5).map(|_| door.get("/api/carts/1"))).await;
    let (served, refused): (Vec<_>, Vec<_>) =
        replies.into_iter().partition(|reply| reply.status == 200);
    assert_eq!((served.len(), refused.len()), (2, 3));
    for reply in refused {
        reply.is_problem(503, "unavailable");
        assert_eq!(reply.header("retry-after"), "1");
    }
    assert_eq!(door.get("/api/carts/1").await.status, 200);
    assert_eq!(door.state("cart").shed, 3);
}

#[tokio::test]
async fn a_service_is_told_how_long_somebody_waits_and_a_stranger_has_no_say_in_it() {
    let mut plan = Plan::new().await;
    plan.patience.answer = Duration::from_secs(7);
    let door = plan.start().await;
    let request = door.ask(Method::GET, "/api/carts/1");
    let seen = Reply::of(request.header("x-deadline-ms", "90000"))
        .await
        .json();
    let left = seen["headers"]["x-deadline-ms"].as_str().expect("a time");
    let left: u32 = left.parse().expect("milliseconds");
    assert!((1..=7_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_name_is_every_replica_it_has() {
    let address = serve(echo("cart")).await;
    let named = format!("dns+http://localhost:{}", address.port());
    let door = Plan::new().await.at("CART_URL", named).start().await;
    // A name may also have an IPv6 address, where nobody listens.
    assert!(all_are(&statuses(&door, &Method::POST, 20).await, 200));
    let known = door.state("cart").endpoints;
    assert!(known.iter().any(|one| one.address == address.to_string()));
}
