//! Somebody in the shop: what they have seen so far, what they ask next, and whether the answer is what they asked for.

use std::collections::BTreeMap;

use rand::{RngExt as _, rngs::StdRng};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    answer::{Answer, Failure, ask},
    catalogue::{Catalogue, Hit},
    journey::Step,
};

/// How many products a list shows.
const PER_PAGE: u64 = 24;

/// How a step went: when its answer was there, and what is wrong with it.
pub(crate) type Taken = (Instant, Result<(), Failure>);

/// Somebody on a journey.
pub(crate) struct Shopper<'a> {
    client: &'a reqwest::Client,
    url: &'a str,
    catalogue: &'a Catalogue,
    /// How checkouts are paid.
    payment: &'a str,
    rng: StdRng,
    hits: Vec<Hit>,
    /// What they looked at last.
    seen: Option<Hit>,
    cart: Option<Cart>,
    order: Option<Order>,
}

struct Cart {
    id: String,
    lines: BTreeMap<String, i64>,
}

struct Order {
    id: String,
    access_token: String,
    total: i64,
    lines: BTreeMap<String, i64>,
}

impl<'a> Shopper<'a> {
    pub(crate) fn new(
        client: &'a reqwest::Client,
        url: &'a str,
        catalogue: &'a Catalogue,
        payment: &'a str,
        rng: StdRng,
    ) -> Self {
        let (hits, seen, cart, order) = (Vec::new(), None, None, None);
        Self {
            client,
            url,
            catalogue,
            payment,
            rng,
            hits,
            seen,
            cart,
            order,
        }
    }

    /// Whether `step` needs a cart first.
    pub(crate) fn needs_cart(&self, step: Step) -> bool {
        step == Step::Add && self.cart.is_none()
    }

    /// Takes a step.
    pub(crate) async fn take(&mut self, step: Step) -> Taken {
        let (arrived, result) = match step {
            Step::Browse => self.browse().await,
            Step::Search => self.search().await,
            Step::View => self.view().await,
            Step::OpenCart => self.open_cart().await,
            Step::Add => self.add().await,
            Step::CheckOut => self.check_out().await,
            Step::Order => self.read_order().await,
        };
        (arrived, result)
    }

    async fn get(&self, path: &str) -> (Instant, Result<Answer, Failure>) {
        ask(
            format!("GET {path}"),
            self.client.get(format!("{}{path}", self.url)),
        )
        .await
    }

    async fn list(&self, pairs: &[(&str, &str)]) -> (Instant, Result<Answer, Failure>) {
        let what = pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&");
        let request = self
            .client
            .get(format!("{}/api/search", self.url))
            .query(pairs);
        ask(format!("GET /api/search?{what}"), request).await
    }

    async fn browse(&mut self) -> Taken {
        let category = self.catalogue.category(&mut self.rng).to_owned();
        let (arrived, answer) = self
            .list(&[
                ("category", &category),
                ("sort", "price_asc"),
                ("in_stock", "true"),
            ])
            .await;
        let checked = answer.and_then(|answer| {
            let hits = hits(&answer, &answer.json(200)?)?;
            let below = format!("{category} > ");
            let belongs = |hit: &Hit| hit.category == category || hit.category.starts_with(&below);
            answer.check(hits.iter().all(belongs), "a product of another category")?;
            answer.check(
                hits.is_sorted_by_key(|hit| hit.price),
                "not the cheapest first",
            )?;
            Ok(hits)
        });
        (arrived, checked.map(|hits| self.hits = hits))
    }

    async fn search(&mut self) -> Taken {
        let word = self.catalogue.word(&mut self.rng).to_owned();
        let (arrived, answer) = self.list(&[("q", &word)]).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(200)?;
            answer.check(body["query"] == word.as_str(), "an answer to another query")?;
            let hits = hits(&answer, &body)?;
            answer.check(!hits.is_empty(), "a product's own word finds nothing")?;
            Ok(hits)
        });
        (arrived, checked.map(|hits| self.hits = hits))
    }

    /// Something of the latest list that can be bought, else anything the shop is known to sell.
    fn choose(&mut self) -> Hit {
        let buyable: Vec<&Hit> = self.hits.iter().filter(|hit| hit.in_stock).collect();
        if buyable.is_empty() {
            return self.catalogue.product(&mut self.rng).clone();
        }
        buyable[self.rng.random_range(0..buyable.len())].clone()
    }

    async fn view(&mut self) -> Taken {
        let hit = self.choose();
        let (arrived, answer) = self.get(&format!("/api/products/{}", hit.id)).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(200)?;
            answer.check(
                body["id"] == hit.id.as_str() && body["name"] == hit.name.as_str(),
                "another product",
            )?;
            answer.money(&body["price"])?;
            answer.check(answer.header("etag").is_some(), "a product without an ETag")
        });
        self.seen = Some(hit);
        (arrived, checked)
    }

    async fn open_cart(&mut self) -> Taken {
        let request = self.client.post(format!("{}/api/carts", self.url));
        let (arrived, answer) = ask("POST /api/carts".to_owned(), request).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(201)?;
            let id = body["id"].as_str().unwrap_or_default().to_owned();
            let empty = answer.lines(&body)?.is_empty();
            answer.check(!id.is_empty() && empty, "not an empty cart")?;
            Ok(Cart {
                id,
                lines: BTreeMap::new(),
            })
        });
        (arrived, checked.map(|cart| self.cart = Some(cart)))
    }

    async fn add(&mut self) -> Taken {
        let product = self
            .seen
            .clone()
            .unwrap_or_else(|| self.catalogue.product(&mut self.rng).clone())
            .id;
        let Some(cart) = &mut self.cart else {
            return (Instant::now(), Err(Failure::out_of_turn()));
        };
        let quantity = cart
            .lines
            .get(&product)
            .map_or(1, |before| (before + 1).min(99));
        cart.lines.insert(product.clone(), quantity);
        let path = format!("/api/carts/{}/items/{product}", cart.id);
        let request = self
            .client
            .put(format!("{}{path}", self.url))
            .json(&json!({ "quantity": quantity }));
        let (arrived, answer) = ask(format!("PUT {path}"), request).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(200)?;
            answer.check(body["id"] == cart.id.as_str(), "another cart")?;
            answer.check(
                answer.lines(&body)? == cart.lines,
                "not what was put into the cart",
            )
        });
        (arrived, checked)
    }

    async fn check_out(&mut self) -> Taken {
        let Some(cart) = self.cart.take() else {
            return (Instant::now(), Err(Failure::out_of_turn()));
        };
        let body = json!({
            "cart_id": cart.id,
            "email": "load@shoppers.example",
            "shipping_address": {
                "name": "Robin Load", "line1": "1 Test Street", "city": "Springfield",
                "postal_code": "12345", "country": "US",
            },
            "payment_method": self.payment,
        });
        // From the system and not from the run's seed: the same seed again has to buy again, not replay.
        let key = format!("load-{:032x}", rand::random::<u128>());
        let request = self
            .client
            .post(format!("{}/api/checkout", self.url))
            .header("idempotency-key", key)
            .json(&body);
        let (arrived, answer) = ask("POST /api/checkout".to_owned(), request).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(201)?;
            answer.check(
                answer.lines(&body)? == cart.lines,
                "not what was in the cart",
            )?;
            answer.check(
                body["status"] == "confirmed",
                "an order that is not confirmed",
            )?;
            let total = answer.money(&body["total"])?;
            let sum = answer.money(&body["subtotal"])? + answer.money(&body["shipping"])?;
            answer.check(total == sum, "the order does not add up")?;
            let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
            let (id, access_token) = (text("id"), text("access_token"));
            answer.check(
                !id.is_empty() && !access_token.is_empty(),
                "an order nobody can read",
            )?;
            Ok(Order {
                id,
                access_token,
                total,
                lines: cart.lines,
            })
        });
        (arrived, checked.map(|order| self.order = Some(order)))
    }

    async fn read_order(&mut self) -> Taken {
        let Some(order) = &self.order else {
            return (Instant::now(), Err(Failure::out_of_turn()));
        };
        let path = format!("/api/orders/{}", order.id);
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .bearer_auth(&order.access_token);
        let (arrived, answer) = ask(format!("GET {path}"), request).await;
        let checked = answer.and_then(|answer| {
            let body = answer.json(200)?;
            answer.check(body["id"] == order.id.as_str(), "another order")?;
            answer.check(answer.lines(&body)? == order.lines, "not what was ordered")?;
            answer.check(
                answer.money(&body["total"])? == order.total,
                "not what was charged",
            )
        });
        (arrived, checked)
    }
}

/// The first page of a list: as many as there have to be, and every one whole.
fn hits(answer: &Answer, body: &Value) -> Result<Vec<Hit>, Failure> {
    let listed = body["hits"].as_array().map_or(&[][..], Vec::as_slice);
    let hits: Vec<Hit> = listed.iter().filter_map(Hit::from).collect();
    answer.check(hits.len() == listed.len(), "a hit is not whole")?;
    answer.check(
        body["page"] == 1 && body["per_page"] == PER_PAGE,
        "another page",
    )?;
    let wanted = body["total"].as_u64().map(|total| total.min(PER_PAGE));
    answer.check(
        wanted == u64::try_from(hits.len()).ok(),
        "not as many hits as there are",
    )?;
    Ok(hits)
}
