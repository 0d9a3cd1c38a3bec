//! A market stand: the smallest server that keeps the part of the contract that journeys need, in memory. The generator is
//! measured against it (`load ceiling`) and tested with it. It is no shop: nothing is stored, searched or paid.

use std::{
    collections::{BTreeMap, HashMap},
    net::{Ipv4Addr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
};

use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde_json::{Value, json};
use tokio::sync::oneshot;

/// What the stand sells: id, name and price in cents.
const WARES: [(&str, &str, i64); 6] = [
    ("apple", "Crisp Apple", 120),
    ("pear", "Juicy Pear", 150),
    ("plum", "Purple Plum", 80),
    ("bread", "Sourdough Bread", 450),
    ("honey", "Heather Honey", 790),
    ("cheese", "Mountain Cheese", 1290),
];

#[derive(Default)]
struct Books {
    opened: u64,
    carts: HashMap<String, BTreeMap<String, i64>>,
    orders: HashMap<String, Value>,
}

type Shelf = Arc<Mutex<Books>>;

fn books(shelf: &Shelf) -> MutexGuard<'_, Books> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The routes of a stand that has sold nothing yet.
pub fn routes() -> Router {
    Router::new()
        .route("/api/search", get(search))
        .route("/api/products/{id}", get(product))
        .route("/api/carts", post(open_cart))
        .route("/api/carts/{id}/items/{product}", put(put_item))
        .route("/api/checkout", post(check_out))
        .route("/api/orders/{id}", get(order))
        .with_state(Shelf::default())
}

fn money(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

fn missing() -> Response {
    let problem = json!({ "type": "/problems/not-found", "title": "Not found", "status": 404 });
    (
        StatusCode::NOT_FOUND,
        [(header::CONTENT_TYPE, "application/problem+json")],
        problem.to_string(),
    )
        .into_response()
}

async fn search(Query(pairs): Query<HashMap<String, String>>) -> Json<Value> {
    let query = pairs.get("q").map_or("", String::as_str).to_lowercase();
    let mut found: Vec<_> = WARES
        .iter()
        .filter(|(_, name, _)| name.to_lowercase().contains(&query))
        .collect();
    found.sort_by_key(|(_, _, price)| *price);
    let number = |name: &str, default: usize| {
        pairs
            .get(name)
            .and_then(|text| text.parse().ok())
            .unwrap_or(default)
    };
    let (page, per_page) = (number("page", 1), number("per_page", 24));
    let hit = |(id, name, price): &(&str, &str, i64)| json!({ "id": id, "name": name, "category": ["Food"], "price": money(*price), "availability": "in_stock" });
    let hits: Vec<Value> = found.iter().map(|ware| hit(ware)).collect();
    Json(json!({
        "query": query, "corrected_query": null, "total": hits.len(), "page": page, "per_page": per_page, "hits": hits,
        "facets": { "category": [{ "value": "Food", "count": hits.len() }] },
    }))
}

async fn product(Path(id): Path<String>) -> Response {
    let ware = WARES.iter().find(|(known, ..)| *known == id);
    ware.map_or_else(missing, |(id, name, price)| {
        let body =
            json!({ "id": id, "name": name, "price": money(*price), "availability": "in_stock" });
        ([(header::ETAG, format!("\"{id}\""))], Json(body)).into_response()
    })
}

fn lines(items: &BTreeMap<String, i64>) -> (Vec<Value>, i64) {
    let mut sum = 0;
    let line = |(id, quantity): (&String, &i64)| {
        let price = WARES
            .iter()
            .find(|(known, ..)| known == id)
            .map_or(0, |(_, _, price)| *price);
        sum += price * quantity;
        json!({
            "product_id": id, "quantity": quantity, "unit_price": money(price), "line_total": money(price * quantity),
        })
    };
    let lines = items.iter().map(line).collect();
    (lines, sum)
}

fn cart(id: &str, items: &BTreeMap<String, i64>) -> Value {
    let (lines, sum) = lines(items);
    json!({ "id": id, "items": lines, "subtotal": money(sum) })
}

async fn open_cart(State(shelf): State<Shelf>) -> Response {
    let mut books = books(&shelf);
    books.opened += 1;
    let id = format!("cart-{}", books.opened);
    books.carts.insert(id.clone(), BTreeMap::new());
    (StatusCode::CREATED, Json(cart(&id, &BTreeMap::new()))).into_response()
}

async fn put_item(
    State(shelf): State<Shelf>,
    Path((id, product)): Path<(String, String)>,
    Json(body): Json<Value>,
) -> Response {
    let mut books = books(&shelf);
    let Some(items) = books.carts.get_mut(&id) else {
        return missing();
    };
    items.insert(product, body["quantity"].as_i64().unwrap_or_default());
    Json(cart(&id, items)).into_response()
}

async fn check_out(State(shelf): State<Shelf>, Json(body): Json<Value>) -> Response {
    let mut books = books(&shelf);
    let Some(items) = body["cart_id"]
        .as_str()
        .and_then(|id| books.carts.remove(id))
    else {
        return missing();
    };
    let (lines, sum) = lines(&items);
    let id = format!("order-{}", books.orders.len() + 1);
    let order = json!({
        "id": id, "status": "confirmed", "items": lines, "subtotal": money(sum), "shipping": money(499),
        "total": money(sum + 499), "access_token": "anybody",
    });
    books.orders.insert(id, order.clone());
    (StatusCode::CREATED, Json(order)).into_response()
}

async fn order(State(shelf): State<Shelf>, Path(id): Path<String>) -> Response {
    let order = books(&shelf).orders.get(&id).cloned();
    order.map_or_else(missing, |order| Json(order).into_response())
}

/// A server on a free port, in a thread of its own; it ends with this value.
pub struct Server {
    url: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Serves these routes.
    pub fn start(routes: Router) -> std::io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let url = format!("http://{}", listener.local_addr()?);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            runtime.block_on(async {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                // Dropped with its connections: nobody is left who waits for an answer of it.
                tokio::select! {
                    _ = axum::serve(listener, routes) => {}
                    _ = stopped => {}
                }
            });
        });
        Ok(Self {
            url,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
