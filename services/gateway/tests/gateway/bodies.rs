//! How large a body may be.

use std::convert::Infallible;

use futures::stream;
use reqwest::{Body, Method};

use crate::{
    door::{Door, Plan, Reply, serve},
    upstream,
};

const MIB: usize = 1 << 20;

/// The same bytes in pieces, without saying in advance how many.
fn in_pieces(bytes: usize) -> Body {
    Body::wrap_stream(stream::unfold(bytes, async |left| {
        let piece = (left > 0).then(|| vec![b'x'; left.min(64 * 1024)])?;
        let rest = left - piece.len();
        Some((Ok::<_, Infallible>(piece), rest))
    }))
}

#[tokio::test]
async fn bodies_have_up_to_1_mib_and_not_one_byte_more() {
    let door = Door::start().await;
    for (method, path) in [
        (Method::POST, "/api/checkout"),
        (Method::PUT, "/api/products/a"),
        (Method::POST, "/login"),
    ] {
        let ask = || door.ask(method.clone(), path);
        assert_eq!(
            Reply::of(ask().body(vec![b'x'; MIB])).await.json()["bytes"],
            MIB
        );
        assert_eq!(
            Reply::of(ask().body(in_pieces(MIB))).await.json()["bytes"],
            MIB
        );
        let declared = Reply::of(ask().body(vec![b'x'; MIB + 1])).await;
        declared.is_problem(413, "payload-too-large");
        let undeclared = Reply::of(ask().body(in_pieces(MIB + 1))).await;
        undeclared.is_problem(413, "payload-too-large");
    }
}

#[tokio::test]
async fn imports_and_photos_have_up_to_4_mib_and_not_one_byte_more() {
    let door = Door::start().await;
    for (method, path) in [
        (Method::POST, "/api/products/import"),
        (Method::POST, "/api/inventory/import"),
        (Method::PUT, "/api/products/a/photo"),
    ] {
        let ask = || door.ask(method.clone(), path);
        assert_eq!(
            Reply::of(ask().body(vec![b'x'; 4 * MIB])).await.json()["bytes"],
            4 * MIB
        );
        assert_eq!(
            Reply::of(ask().body(in_pieces(4 * MIB))).await.json()["bytes"],
            4 * MIB
        );
        let declared = Reply::of(ask().body(vec![b'x'; 4 * MIB + 1])).await;
        declared.is_problem(413, "payload-too-large");
        let undeclared = Reply::of(ask().body(in_pieces(4 * MIB + 1))).await;
        undeclared.is_problem(413, "payload-too-large");
    }
}

#[tokio::test]
async fn a_client_that_sends_far_too_much_hears_so_every_time() {
    let door = Door::start().await;
    for _ in 0..10 {
        let declared = door
            .ask(Method::POST, "/api/checkout")
            .body(vec![b'x'; 8 * MIB]);
        Reply::of(declared)
            .await
            .is_problem(413, "payload-too-large");
        let undeclared = door
            .ask(Method::POST, "/api/checkout")
            .body(in_pieces(8 * MIB));
        Reply::of(undeclared)
            .await
            .is_problem(413, "payload-too-large");
    }
}

#[tokio::test]
async fn a_service_that_answers_before_it_has_read_everything_is_heard() {
    let address = serve(upstream::hasty()).await;
    let door = Plan::new()
        .await
        .with("CHECKOUT_URL", address)
        .start()
        .await;
    for _ in 0..10 {
        let body = in_pieces(MIB);
        let reply = Reply::of(door.ask(Method::POST, "/api/checkout").body(body)).await;
        assert_eq!(reply.status, 401, "{reply:?}");
    }
}
