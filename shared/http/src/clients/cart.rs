//! Carts over HTTP.

use async_trait::async_trait;
use axum::http::{Method, header::IF_MATCH};
use bothways_domain::{
    Caller, Result,
    cart::{Cart, CartApi, CartView, Quantity},
    id::{CartId, OrderId, ProductId},
    inventory::StockLine,
};

use super::{
    Remote,
    remote::{Call, optional},
};
use crate::{
    cart::ItemQuantity,
    internal::{CartQuery, Consumption},
};

/// Carts as another process runs them.
#[derive(Debug, Clone)]
pub struct CartClient(Remote);

impl CartClient {
    /// Carts at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }

    fn item(
        &self,
        method: Method,
        caller: &Caller,
        (id, product): (&CartId, &ProductId),
        if_version: Option<i64>,
    ) -> Result<Call> {
        let path = ["api", "carts", id.as_str(), "items", product.as_str()];
        let call = self.0.call(method, &path)?.caller(caller);
        // Setting and removing are the same done twice, unless the first time is what changed the version.
        Ok(match if_version {
            Some(version) => call.header(&IF_MATCH, &format!("\"{version}\"")),
            None => call.repeatable(),
        })
    }
}

#[async_trait]
impl CartApi for CartClient {
    async fn create(&self, caller: &Caller) -> Result<CartView> {
        let call = self.0.post(&["api", "carts"])?;
        call.caller(caller).send().await?.json()
    }

    async fn view(&self, caller: &Caller, id: &CartId) -> Result<Option<CartView>> {
        let read = async {
            let call = self.0.get(&["api", "carts", id.as_str()])?;
            call.caller(caller).send().await?.json()
        };
        optional(read.await)
    }

    async fn contents(&self, caller: &Caller, id: &CartId) -> Result<Option<Cart>> {
        let call = self.0.internal(Method::POST, "carts/contents")?.reading();
        let call = call.caller(caller).json(&CartQuery { cart: id.clone() });
        call.send().await?.json()
    }

    async fn put_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        quantity: Quantity,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        let call = self.item(Method::PUT, caller, (id, product), if_version)?;
        let quantity = i64::from(quantity.get());
        call.json(&ItemQuantity { quantity }).send().await?.json()
    }

    async fn remove_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        let call = self.item(Method::DELETE, caller, (id, product), if_version)?;
        call.send().await?.json()
    }

    async fn delete(&self, caller: &Caller, id: &CartId) -> Result<()> {
        let call = self
            .0
            .call(Method::DELETE, &["api", "carts", id.as_str()])?;
        call.caller(caller).send().await.map(|_| ())
    }

    async fn claim(&self, caller: &Caller, id: &CartId) -> Result<CartView> {
        let call = self.0.post(&["api", "carts", id.as_str(), "claim"])?;
        call.caller(caller).repeatable().send().await?.json()
    }

    async fn mine(&self, caller: &Caller) -> Result<Option<CartView>> {
        let read = async {
            let call = self.0.get(&["api", "carts", "mine"])?;
            call.caller(caller).send().await?.json()
        };
        optional(read.await)
    }

    async fn merge(&self, caller: &Caller, guest: &CartId) -> Result<CartView> {
        // Not repeated: the second time there is no guest's cart.
        let call = self.0.post(&["api", "carts", guest.as_str(), "merge"])?;
        call.caller(caller).send().await?.json()
    }

    async fn consume(&self, id: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()> {
        let taken = Consumption {
            cart: id.clone(),
            order: order.clone(),
            lines: lines.to_vec(),
        };
        let call = self.0.internal(Method::POST, "carts/consume")?;
        call.json(&taken).send().await.map(|_| ())
    }
}
