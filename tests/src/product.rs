//! Products made through the public API.

use serde_json::{Map, Value, json};

use crate::{
    ask::{Ask, Reply},
    poll::{PICTURES, eventually},
    shop::Shop,
    unique,
};

/// Money as the contract writes it, in the shop's currency.
pub fn money(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "USD" })
}

/// A product being put together.
#[must_use]
pub struct ProductBuilder {
    shop: Shop,
    product: Product,
    stock: Option<i64>,
}

/// A product as it was written.
#[derive(Debug, Clone)]
pub struct Product {
    /// Its id.
    pub id: String,
    /// A word of its name that no other product has.
    pub word: String,
    /// The body it was written with.
    pub body: Value,
}

impl ProductBuilder {
    pub(crate) fn new(shop: Shop) -> Self {
        let word = unique::word();
        let body = json!({
            "name": format!("{word} kettle"),
            "brand": null,
            "category": ["Trials"],
            "description": "Boils water for a test.",
            "price": money(1299),
        });
        Self {
            shop,
            product: Product {
                id: unique::id(),
                word,
                body,
            },
            stock: None,
        }
    }

    /// Under this id.
    pub fn id(mut self, id: &str) -> Self {
        id.clone_into(&mut self.product.id);
        self
    }

    /// With this member of the body.
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.product.body[member] = value.into();
        self
    }

    /// Named like this.
    pub fn name(self, name: &str) -> Self {
        self.with("name", name)
    }

    /// Of this brand.
    pub fn brand(self, brand: &str) -> Self {
        self.with("brand", brand)
    }

    /// In this category, from broad to narrow.
    pub fn category(self, path: &[&str]) -> Self {
        self.with("category", path.to_vec())
    }

    /// In a category of its own, so that it is related to no other test's product, and its page
    /// changes only when this test changes it.
    pub fn alone(self) -> Self {
        let category = unique::word();
        self.category(&[&category])
    }

    /// At this price in minor units.
    pub fn price(self, amount: i64) -> Self {
        self.with("price", money(amount))
    }

    /// With this many on hand.
    pub fn stock(mut self, on_hand: i64) -> Self {
        self.stock = Some(on_hand);
        self
    }

    /// Writes it as the administrator.
    pub async fn create(self) -> Product {
        let reply = self.product.put(&self.shop).await;
        reply.expect(201);
        if let Some(on_hand) = self.stock {
            self.shop.restock(&self.product.id, on_hand).await;
        }
        self.product
    }

    /// Asks to write it and gives whatever is answered.
    pub async fn attempt(self) -> Reply {
        self.product.put(&self.shop).await
    }

    /// The product without writing it.
    pub fn unwritten(self) -> Product {
        self.product
    }
}

impl Product {
    /// The page of the API about it.
    pub fn path(&self) -> String {
        format!("/api/products/{}", self.id)
    }

    /// Its name as written.
    pub fn name(&self) -> String {
        crate::shop::text(&self.body["name"])
    }

    /// A copy with another member.
    pub fn with(&self, member: &str, value: impl Into<Value>) -> Self {
        let mut copy = self.clone();
        copy.body[member] = value.into();
        copy
    }

    /// Writes it as the administrator and gives the answer.
    pub async fn put(&self, shop: &Shop) -> Reply {
        self.ask_to_put(shop).await.send().await
    }

    /// Asks to write it; no answer at all is an `Err`.
    pub async fn try_put(&self, shop: &Shop) -> Result<Reply, String> {
        self.ask_to_put(shop).await.try_send().await
    }

    async fn ask_to_put(&self, shop: &Shop) -> Ask {
        let ask = shop.put(&self.path()).bearer(&shop.admin().await);
        ask.json(&self.body)
    }

    /// Where its photo is put.
    pub fn photo_path(&self) -> String {
        format!("{}/photo", self.path())
    }

    /// Uploads a photo as the administrator and gives the answer.
    pub async fn upload(&self, shop: &Shop, media_type: &str, photo: Vec<u8>) -> Reply {
        shop.put(&self.photo_path())
            .bearer(&shop.admin().await)
            .body(media_type, photo)
            .send()
            .await
    }

    /// Uploads a photo and waits until the product shows the pictures made of it, which are given.
    pub async fn photograph(&self, shop: &Shop, media_type: &str, photo: Vec<u8>) -> Value {
        let reply = self.upload(shop, media_type, photo).await;
        reply.expect(202);
        let full = reply.must_header("location").to_owned();
        eventually(PICTURES, "the product shows its picture", async || {
            let product = shop.get(&self.path()).send().await.expect(200);
            let images = &product["images"];
            if images["full"] == full.as_str() {
                Ok(images.clone())
            } else {
                Err(images.to_string())
            }
        })
        .await
    }

    /// Deletes it as the administrator.
    pub async fn delete(&self, shop: &Shop) {
        shop.delete(&self.path())
            .bearer(&shop.admin().await)
            .send()
            .await
            .expect(204);
    }

    /// One line of an import: the body with its id.
    pub fn line(&self) -> String {
        let mut members = Map::new();
        members.insert("id".to_owned(), json!(self.id));
        members.extend(self.body.as_object().cloned().unwrap_or_default());
        Value::Object(members).to_string()
    }
}
