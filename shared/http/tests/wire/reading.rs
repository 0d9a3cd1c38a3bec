//! Asking for things.

use std::sync::Arc;

use axum::{body::Body, http::Method};
use bothways_domain::Error;
use serde_json::json;

use crate::{
    ask::{get, send, shop},
    fake::Fake,
};

#[tokio::test]
async fn a_search_is_read_from_its_query() {
    let fake = Arc::new(Fake::default());
    let router = shop(&fake);
    let query = "q=hp+tonr&category=A+%3E+B&category=C&brand=X%26Y&brand=Z&min_price=1&max_price=&in_stock=true\
                 &sort=price_asc&page=2&per_page=5&unheard_of=1";
    let reply = get(&router, &format!("/api/search?{query}")).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), "application/json");
    let asked = fake.taken().remove(0);
    for part in [
        "query: \"hp tonr\"",
        "[Category([\"A\", \"B\"]), Category([\"C\"])]",
        "brands: [\"X&Y\", \"Z\"]",
        "min_price: Some(1)",
        "max_price: None",
        "in_stock: Some(true)",
        "sort: PriceAsc",
        "Paging { page: 2, per_page: 5 }",
    ] {
        assert!(asked.contains(part), "{part}: {asked}");
    }
    let body = reply.json();
    assert_eq!(body["corrected_query"], json!(null));
    assert_eq!(body["facets"]["price"][0]["to"], json!(null));
}

#[tokio::test]
async fn an_empty_query_is_browsing() {
    let fake = Arc::new(Fake::default());
    for path in [
        "/api/search",
        "/api/search?q=&brand=&category=&min_price=&in_stock=&sort=&page=&per_page=",
    ] {
        assert_eq!(get(&shop(&fake), path).await.status, 200);
    }
    let asked = fake.taken();
    assert_eq!(asked[0], asked[1]);
}

#[tokio::test]
async fn each_bad_parameter_is_named() {
    let router = shop(&Arc::new(Fake::default()));
    let long = format!("q={}", "x".repeat(501));
    for (query, pointer) in [
        ("sort=cheapest", "?sort"),
        ("page=0", "?page"),
        ("page=x", "?page"),
        ("per_page=101", "?per_page"),
        ("per_page=-1", "?per_page"),
        ("page=101&per_page=100", "?page"),
        ("page=18446744073709551615", "?page"),
        ("min_price=1.5", "?min_price"),
        ("max_price=-1", "?max_price"),
        ("min_price=3&max_price=2", "?min_price"),
        ("in_stock=perhaps", "?in_stock"),
        (&long, "?q"),
        ("page=x&sort=y", "?page"),
        ("page=x&sort=y", "?sort"),
    ] {
        get(&router, &format!("/api/search?{query}"))
            .await
            .invalid(pointer);
    }
    get(&router, &format!("/api/search/suggest?{long}"))
        .await
        .invalid("?q");
    let bearer = [("authorization", "Bearer user")];
    let orders = (Method::GET, "/api/orders?per_page=0");
    let reply = send(&router, orders, &bearer, Body::empty()).await;
    reply.invalid("?per_page");
}

#[tokio::test]
async fn several_products_are_asked_for_by_ids() {
    let fake = Arc::new(Fake::default());
    let router = shop(&fake);
    let reply = get(&router, "/api/products?ids=b,a%20b,a,b,").await;
    let ids: Vec<_> = reply.json()["products"]
        .as_array()
        .unwrap()
        .iter()
        .map(|product| product["id"].clone())
        .collect();
    assert_eq!(ids, ["b", "a"]);
    get(&router, "/api/products").await.invalid("?ids");
    get(&router, "/api/products?ids=").await.invalid("?ids");
    let hundred = vec!["a"; 100].join(",");
    let reply = get(&router, &format!("/api/products?ids={hundred}")).await;
    assert_eq!(reply.status, 200);
    let reply = get(&router, &format!("/api/products?ids={hundred},a")).await;
    reply.invalid("?ids");
}

#[tokio::test]
async fn an_impossible_id_is_not_found() {
    let router = shop(&Arc::new(Fake::default()));
    let long = "x".repeat(65);
    for id in [&long, "a%20b", "%C3%A4", "%FF", "a%2Fb", "%00", "none"] {
        for things in ["products", "carts", "orders"] {
            let reply = get(&router, &format!("/api/{things}/{id}")).await;
            reply.problem(404, "not-found");
        }
    }
}

#[tokio::test]
async fn a_product_the_client_has_is_not_sent_again() {
    let router = shop(&Arc::new(Fake::default()));
    let reply = get(&router, "/api/products/p").await;
    let tag = reply.header("etag").to_owned();
    assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
    assert_eq!(reply.header("cache-control"), "no-cache");
    assert_eq!(reply.header("content-type"), "application/json");
    let with = async |held: &str| {
        let headers = [("if-none-match", held)];
        let path = (Method::GET, "/api/products/p");
        send(&router, path, &headers, Body::empty()).await
    };
    for held in [&tag, &format!("\"x\", {tag}"), &format!("W/{tag}"), "*"] {
        let reply = with(held).await;
        assert_eq!(reply.status, 304, "{held}");
        assert_eq!(reply.header("etag"), tag);
        assert_eq!(reply.header("cache-control"), "no-cache");
        assert!(reply.body.is_empty());
    }
    for other in ["\"x\"", "x", "", tag.trim_matches('"')] {
        assert_eq!(with(other).await.status, 200, "{other}");
    }
}

#[tokio::test]
async fn who_does_not_sign_in_is_told_how() {
    let fake = Arc::new(Fake::default());
    fake.fail(Some(|| Error::Unauthenticated));
    let reply = get(&shop(&fake), "/api/me").await;
    reply.problem(401, "unauthenticated");
    assert_eq!(reply.header("www-authenticate"), "Bearer");
}

#[tokio::test]
async fn stock_is_hidden_from_whoever_is_no_administrator() {
    let router = shop(&Arc::new(Fake::default()));
    let with = async |token: &str, id: &str| {
        let headers = [("authorization", token)];
        let path = format!("/api/inventory/{id}");
        send(&router, (Method::GET, &path), &headers, Body::empty()).await
    };
    for id in ["p", "im%20possible"] {
        let reply = get(&router, &format!("/api/inventory/{id}")).await;
        reply.problem(401, "unauthenticated");
        with("Basic YWRtaW46", id)
            .await
            .problem(401, "unauthenticated");
        with("Bearer nonsense", id)
            .await
            .problem(401, "unauthenticated");
        with("Bearer user", id).await.problem(403, "forbidden");
    }
    with("bearer admin", "im%20possible")
        .await
        .problem(404, "not-found");
    assert_eq!(with("Bearer admin", "p").await.json()["available"], 5);
}

#[tokio::test]
async fn keys_are_published_as_a_set() {
    let router = shop(&Arc::new(Fake::default()));
    let reply = get(&router, "/.well-known/jwks.json").await;
    assert_eq!(reply.json()["keys"][0]["use"], "sig");
    assert!(reply.header("cache-control").starts_with("public"));
}
