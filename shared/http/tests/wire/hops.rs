//! How clients call: replicas that are gone, calls that must not be made twice, and how long there is for them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    extract::Request,
    http::{HeaderMap, HeaderValue, Method, StatusCode},
    response::{IntoResponse, Response},
};
use bothways_domain::{
    Caller, Error,
    cart::CartApi,
    id::{CartId, OrderId},
    inventory::InventoryApi,
};
use bothways_http::{
    clients::{CartClient, InventoryClient, Remote},
    request::RequestContext,
};
use bothways_upstream::{Policy, Registry};
use serde_json::json;

use crate::{round_trip::listen, values::product_id};

/// What a replica was asked.
type Asked = Arc<Mutex<Vec<(Method, HeaderMap)>>>;

/// A replica that answers every question like this.
async fn replica(answer: impl Fn() -> Response + Clone + Send + Sync + 'static) -> (String, Asked) {
    let asked = Asked::default();
    let log = asked.clone();
    let router = Router::new().fallback(async move |request: Request| {
        let seen = (request.method().clone(), request.headers().clone());
        log.lock().unwrap().push(seen);
        answer()
    });
    (listen(router).await, asked)
}

fn availability() -> Response {
    Json(json!({ "a": "in_stock" })).into_response()
}

fn count(asked: &Asked) -> usize {
    asked.lock().unwrap().len()
}

fn remote(name: &'static str, urls: &[&str]) -> Remote {
    let upstreams = Registry::new(Policy {
        patience: Duration::from_millis(50),
        ..Policy::default()
    });
    let upstream = upstreams.upstream(name, &urls.join(",")).unwrap();
    Remote::new(name, upstream, "between services").unwrap()
}

/// Nobody listens there.
const GONE: &str = "http://127.0.0.1:1";

#[tokio::test]
async fn a_replica_that_is_gone_costs_no_call() {
    let (well, asked) = replica(availability).await;
    let inventory = InventoryClient::new(remote("inventory", &[GONE, &well]));
    for _ in 0..20 {
        inventory.availability(&[product_id("a")]).await.unwrap();
    }
    assert_eq!(count(&asked), 20);
    // Nor one that must not be made twice: it was not made.
    let (well, asked) = replica(|| StatusCode::FORBIDDEN.into_response()).await;
    let carts = CartClient::new(remote("cart", &[GONE, &well]));
    for _ in 0..20 {
        let _ = carts.create(&Caller::Anonymous).await;
    }
    assert_eq!(count(&asked), 20);
}

#[tokio::test]
async fn a_fault_is_another_replicas_to_make_good_where_a_call_only_reads() {
    let (faulty, asked) = replica(|| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    let (well, _) = replica(availability).await;
    let inventory = InventoryClient::new(remote("inventory", &[&faulty, &well]));
    for _ in 0..20 {
        inventory.availability(&[product_id("a")]).await.unwrap();
    }
    assert_eq!(count(&asked), 3, "then it is left out");
    let (other, asked_other) = replica(|| StatusCode::INTERNAL_SERVER_ERROR.into_response()).await;
    let inventory = InventoryClient::new(remote("inventory", &[&faulty, &other]));
    let order = OrderId::parse("o1").unwrap();
    assert!(inventory.release(&order).await.is_err());
    assert_eq!(count(&asked) + count(&asked_other), 4);
}

#[tokio::test]
async fn a_call_has_no_more_time_than_the_request_it_is_made_for() {
    let (well, asked) = replica(availability).await;
    let inventory = InventoryClient::new(remote("inventory", &[&well]));
    let within = async |millis: &'static str| {
        let headers = [(
            "x-deadline-ms".parse().unwrap(),
            HeaderValue::from_static(millis),
        )];
        let context = RequestContext::of(&HeaderMap::from_iter(headers));
        let ids = [product_id("a")];
        context.scope(inventory.availability(&ids)).await
    };
    let left = |asked: &Asked| -> u64 {
        let (_, headers) = asked.lock().unwrap().pop().unwrap();
        headers["x-deadline-ms"].to_str().unwrap().parse().unwrap()
    };
    within("1000").await.unwrap();
    let told = left(&asked);
    assert!((1..=1_000).contains(&told), "{told}");
    within("90000").await.unwrap();
    let told = left(&asked);
    assert!((1_001..=1_500).contains(&told), "the call's own: {told}");
    let late = within("0").await;
    assert!(matches!(late, Err(Error::Unavailable { .. })), "{late:?}");
    assert_eq!(count(&asked), 0, "what nobody waits for is not asked");
}

#[tokio::test]
async fn a_service_that_is_full_is_asked_again_and_one_that_stops_no_more() {
    let full = || (StatusCode::SERVICE_UNAVAILABLE, [("x-untouched", "1")]).into_response();
    let (full, asked) = replica(full).await;
    let carts = CartClient::new(remote("cart", &[&full]));
    let id = CartId::parse("c1").unwrap();
    assert!(carts.delete(&Caller::Anonymous, &id).await.is_err());
    assert_eq!(count(&asked), 2);
    let (stopping, asked) =
        replica(|| ([("x-stopping", "1")], availability()).into_response()).await;
    let (well, asked_well) = replica(availability).await;
    let inventory = InventoryClient::new(remote("inventory", &[&stopping, &well]));
    for _ in 0..50 {
        inventory.availability(&[product_id("a")]).await.unwrap();
    }
    assert_eq!((count(&asked), count(&asked_well)), (1, 49));
}
