//! Importing into a small shop that takes few lines at once and fails now and then.

use std::io::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::*;

/// What the shop saw, and how it behaves.
#[derive(Default)]
struct Shop {
    lines: Mutex<Vec<String>>,
    requests: AtomicU32,
    fail_after: Option<u32>,
}

async fn serve(shop: Arc<Shop>) -> String {
    let app = Router::new()
        .route(
            "/api/sessions",
            post(async || Json(json!({"access_token": "t"}))),
        )
        .route("/api/products/import", post(take))
        .route("/api/inventory/import", post(take))
        .with_state(shop);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

async fn take(State(shop): State<Arc<Shop>>, headers: HeaderMap, body: String) -> Response {
    assert_eq!(headers["authorization"], "Bearer t");
    assert_eq!(headers["content-type"], "application/x-ndjson");
    let request = shop.requests.fetch_add(1, Ordering::SeqCst);
    if shop.fail_after.is_some_and(|most| request >= most) {
        return (StatusCode::FORBIDDEN, Json(json!({"detail": "no more"}))).into_response();
    }
    let lines: Vec<&str> = body.lines().collect();
    if lines.len() > 2 {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    }
    if request == 1 {
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    let (mut created, mut rejected) = (0, Vec::new());
    let mut known = shop.lines.lock().unwrap();
    for (index, line) in lines.iter().enumerate() {
        if serde_json::from_str::<Value>(line).is_err() {
            rejected.push(json!({"line": index + 1, "detail": "not JSON"}));
        } else if !known.iter().any(|known| known == line) {
            known.push((*line).to_owned());
            created += 1;
        }
    }
    Json(json!({"created": created, "updated": 0, "rejected": rejected})).into_response()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

async fn run(file: &Path, url: &str, data: &DataFolder) -> Result<Summary, String> {
    crate::crypto::install();
    let mut client = ShopClient::new(url, "a@b.example", "secret")?;
    interactive(file, url, false, &mut client, data).await
}

#[tokio::test(flavor = "multi_thread")]
async fn rejected_lines_are_named_by_their_number_in_the_file() {
    let url = serve(Arc::default()).await;
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    let file = file("{\"id\":1}\n\nbroken\n{\"id\":2}\n{\"id\":3}\nalso broken\n");
    let first = run(file.path(), &url, &data).await.unwrap();
    assert_eq!((first.created, first.unchanged), (3, 0));
    assert_eq!(
        first.rejected,
        [(3, "not JSON".to_owned()), (6, "not JSON".to_owned())]
    );
    let second = run(file.path(), &url, &data).await.unwrap();
    assert_eq!(
        (second.created, second.changed, second.unchanged),
        (0, 0, 3)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_goes_on_where_it_stopped() {
    let lines: Vec<String> = (0..1_200).map(|id| format!("{{\"id\":{id}}}")).collect();
    let text = lines.join("\n");
    let file = file(&text);
    let folder = tempfile::tempdir().unwrap();
    let data = DataFolder::open(folder.path()).unwrap();
    // Enough for the first 500 lines in twos, with the halving on the way, and some more.
    let shop = Arc::new(Shop {
        fail_after: Some(800),
        ..Shop::default()
    });
    let url = serve(Arc::clone(&shop)).await;
    assert!(
        run(file.path(), &url, &data)
            .await
            .unwrap_err()
            .contains("no more")
    );
    let digest = look(file.path()).await.unwrap().digest;
    let so_far = Checkpoint::of(&data, &digest, &url).unwrap().load();
    assert_eq!((so_far.lines, so_far.created), (500, 500));
}
