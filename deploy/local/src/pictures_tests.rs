//! Pictures for small shops that are busy, refuse, or have some already.

use std::sync::Mutex;

use axum::extract::{Path as PathParameter, Query, State};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use http::{HeaderMap, StatusCode};
use serde_json::json;

use super::*;

/// What a shop has, and how it behaves.
#[derive(Default)]
struct Shop {
    /// Products that had pictures before.
    pictured: Vec<&'static str>,
    /// Uploads by product, in their order.
    photos: Mutex<Vec<(String, Bytes)>>,
    /// Whether it knows nothing of photos.
    without_photos: bool,
    /// Products whose photo is refused.
    refused: Mutex<Vec<&'static str>>,
}

const IDS: [&str; 3] = ["kettle-a", "lamp-b", "boots-c"];

async fn serve(shop: Arc<Shop>) -> ShopState {
    let app = Router::new()
        .route(
            "/api/sessions",
            post(async || Json(json!({"access_token": "t"}))),
        )
        .route("/api/products", get(products))
        .route("/api/products/{id}/photo", put(photo))
        .with_state(shop);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    ShopState {
        url,
        payment_url: String::new(),
        payment_key: String::new(),
        admin_email: "a@b.example".to_owned(),
        admin_password: "secret".to_owned(),
        snapshot_dir: PathBuf::new(),
    }
}

async fn products(
    State(shop): State<Arc<Shop>>,
    Query(query): Query<std::collections::BTreeMap<String, String>>,
) -> Json<serde_json::Value> {
    let products = query["ids"].split(',').filter(|id| IDS.contains(id));
    let products: Vec<_> = products
        .map(|id| {
            let images = shop.pictured.contains(&id).then(|| json!({"thumb": "x"}));
            json!({"id": id, "images": images})
        })
        .collect();
    Json(json!({ "products": products }))
}

async fn photo(
    State(shop): State<Arc<Shop>>,
    PathParameter(id): PathParameter<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    assert_eq!(headers["authorization"], "Bearer t");
    assert_eq!(headers["content-type"], "image/png");
    if shop.refused.lock().unwrap().contains(&id.as_str()) {
        return (StatusCode::FORBIDDEN, Json(json!({"detail": "not now"}))).into_response();
    }
    let mut photos = shop.photos.lock().unwrap();
    if photos.is_empty() && !photos.iter().any(|(known, _)| *known == id) {
        photos.push(("busy".to_owned(), Bytes::new()));
        return (StatusCode::SERVICE_UNAVAILABLE, [("retry-after", "0")]).into_response();
    }
    if shop.without_photos || !IDS.contains(&id.as_str()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    photos.push((id, body));
    StatusCode::ACCEPTED.into_response()
}

impl Shop {
    fn uploaded(&self) -> Vec<String> {
        let photos = self.photos.lock().unwrap();
        let uploads = photos.iter().filter(|(id, _)| id != "busy");
        uploads.map(|(id, _)| id.clone()).collect()
    }
}

fn catalogue() -> tempfile::NamedTempFile {
    use std::io::Write as _;
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for id in IDS.iter().chain(&["deleted-d"]) {
        writeln!(file, "{}", json!({"id": id, "name": "A thing", "price": 1})).unwrap();
    }
    file
}

#[tokio::test]
async fn both_shops_get_the_same_pictures_for_what_has_none() {
    crate::crypto::install();
    let (first, second) = (
        Arc::new(Shop::default()),
        Arc::new(Shop {
            pictured: vec!["lamp-b"],
            ..Shop::default()
        }),
    );
    let states = [
        serve(Arc::clone(&first)).await,
        serve(Arc::clone(&second)).await,
    ];
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let shops = || {
        let folders = folders.iter().map(|folder| folder.path().to_owned());
        states.iter().zip(folders)
    };
    let file = catalogue();
    assert_eq!(hang(file.path(), shops()).await.unwrap(), 3);
    assert_eq!(first.uploaded(), IDS);
    assert_eq!(second.uploaded(), ["kettle-a", "boots-c"]);
    {
        let (first, second) = (first.photos.lock().unwrap(), second.photos.lock().unwrap());
        assert_eq!(first.last(), second.last());
        assert!(first[1].1.starts_with(b"\x89PNG"));
    }
    // Once is enough, though these shops never scale anything.
    assert_eq!(hang(file.path(), shops()).await.unwrap(), 0);
}

#[tokio::test]
async fn what_was_interrupted_goes_on() {
    crate::crypto::install();
    let shop = Arc::new(Shop {
        pictured: vec!["kettle-a"],
        refused: Mutex::new(vec!["boots-c"]),
        ..Shop::default()
    });
    let state = serve(Arc::clone(&shop)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = catalogue();
    let once = || hang(file.path(), [(&state, folder.path().to_owned())]);
    assert!(once().await.unwrap_err().contains("not now"));
    assert_eq!(shop.uploaded(), ["lamp-b"]);
    shop.refused.lock().unwrap().clear();
    assert_eq!(once().await.unwrap(), 2);
    assert_eq!(shop.uploaded(), ["lamp-b", "lamp-b", "boots-c"]);
}

#[tokio::test]
async fn a_photo_nobody_takes_is_an_error_unless_its_product_is_gone() {
    crate::crypto::install();
    let shop = Shop {
        without_photos: true,
        ..Shop::default()
    };
    let state = serve(Arc::new(shop)).await;
    let mut client = ShopClient::new(&state.url, "a@b.example", "secret").unwrap();
    client.put_photo("deleted-d", Bytes::new()).await.unwrap();
    let error = client
        .put_photo("kettle-a", Bytes::new())
        .await
        .unwrap_err();
    assert!(error.contains("404"), "{error}");
}
