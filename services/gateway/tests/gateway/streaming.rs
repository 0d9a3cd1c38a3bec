//! Bodies go through piece by piece, both ways.

use std::{convert::Infallible, time::Duration};

use futures::{StreamExt as _, stream};
use reqwest::{Body, Method};
use tokio::{sync::mpsc, time::timeout};

use crate::{
    door::{Plan, Reply, serve},
    upstream,
};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_answers_first_piece_is_here_before_the_second_is_made() {
    let (tell, told) = mpsc::unbounded_channel();
    let address = serve(upstream::drip(told)).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    tell.send("one").expect("listens");
    let mut answer = door
        .ask(Method::GET, "/api/carts/1")
        .send()
        .await
        .expect("an answer");
    let first = timeout(SOON, answer.chunk())
        .await
        .expect("soon")
        .expect("a piece");
    assert_eq!(first.as_deref(), Some("one".as_bytes()));
    tell.send("two").expect("listens");
    let second = timeout(SOON, answer.chunk())
        .await
        .expect("soon")
        .expect("a piece");
    assert_eq!(second.as_deref(), Some("two".as_bytes()));
    drop(tell);
    assert!(
        timeout(SOON, answer.chunk())
            .await
            .expect("soon")
            .expect("the end")
            .is_none()
    );
}

#[tokio::test]
async fn a_requests_first_piece_is_there_before_the_second_is_sent() {
    let address = serve(upstream::mirror()).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    let (tell, told) = mpsc::unbounded_channel::<&'static str>();
    let pieces = stream::unfold(told, async |mut told| {
        Some((Ok::<_, Infallible>(told.recv().await?), told))
    });
    tell.send("one").expect("listens");
    let request = door
        .ask(Method::POST, "/api/carts")
        .body(Body::wrap_stream(pieces));
    let answer = timeout(SOON, request.send())
        .await
        .expect("soon")
        .expect("an answer");
    let mut pieces = answer.bytes_stream();
    let first = timeout(SOON, pieces.next())
        .await
        .expect("soon")
        .expect("a piece");
    assert_eq!(first.expect("a piece"), "one");
    tell.send("two").expect("listens");
    let second = timeout(SOON, pieces.next())
        .await
        .expect("soon")
        .expect("a piece");
    assert_eq!(second.expect("a piece"), "two");
}

#[tokio::test]
async fn an_answer_that_breaks_off_breaks_off_here_too() {
    let half = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    let (address, _requests) = upstream::raw(vec![half]).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    let answer = door
        .ask(Method::GET, "/api/carts/1")
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.content_length(), Some(10));
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn many_bodies_at_once_stay_apart() {
    let address = serve(upstream::mirror()).await;
    let door = Plan::new().await.with("CART_URL", address).start().await;
    let each = (0..50_usize).map(async |n| {
        let body = format!("{n}-").repeat(5_000 + n);
        let reply = Reply::of(door.ask(Method::POST, "/api/carts").body(body.clone())).await;
        assert!(reply.text == body, "{n}");
    });
    futures::future::join_all(each).await;
}
