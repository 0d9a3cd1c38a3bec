//! Checkout and orders over HTTP.

use async_trait::async_trait;
use axum::http::Method;
use bothways_domain::{
    Caller, Result,
    checkout::{CheckoutApi, CheckoutRequest, Order, Placed, RecoveryReport},
    id::{IdempotencyKey, OrderId},
    paging::{Page, Paging},
};

use super::{
    Remote,
    remote::{LONG_TIMEOUT, optional},
};
use crate::{
    checkout::{OrderList, PlacedOrder},
    header,
    internal::Recovered,
};

/// Checkout as another process runs it.
#[derive(Debug, Clone)]
pub struct CheckoutClient(Remote);

impl CheckoutClient {
    /// Checkout at `remote`.
    pub fn new(remote: Remote) -> Self {
        Self(remote)
    }

    async fn list(&self, caller: &Caller, scope: &str, paging: Paging) -> Result<Page<Order>> {
        let pairs = [
            ("scope", scope.to_owned()),
            ("page", paging.page().to_string()),
            ("per_page", paging.per_page().to_string()),
        ];
        let call = self.0.get(&["api", "orders"])?;
        let call = call.caller(caller).query(&pairs);
        let list: OrderList = call.send().await?.json()?;
        Ok(Page {
            entries: list.orders,
            total: list.total,
        })
    }
}

#[async_trait]
impl CheckoutApi for CheckoutClient {
    async fn checkout(
        &self,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        request_id: &str,
    ) -> Result<Placed> {
        // Not repeated here: the key would make it safe, but a second attempt meets the first one still running.
        let call = self
            .0
            .post(&["api", "checkout"])?
            .caller(caller)
            .header(&header::IDEMPOTENCY_KEY, key.as_str())
            .header(&header::REQUEST_ID, request_id);
        let reply = call.json(request).timeout(LONG_TIMEOUT).send().await?;
        let placed: PlacedOrder = reply.json()?;
        Ok(Placed {
            order: placed.order,
            access_token: placed.access_token,
            replayed: reply.headers().contains_key(header::IDEMPOTENT_REPLAYED),
        })
    }

    async fn order(&self, caller: &Caller, id: &OrderId) -> Result<Option<Order>> {
        let read = async {
            let call = self.0.get(&["api", "orders", id.as_str()])?;
            call.caller(caller).send().await?.json()
        };
        optional(read.await)
    }

    async fn orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        self.list(caller, "mine", paging).await
    }

    async fn all_orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        self.list(caller, "all", paging).await
    }

    async fn cancel(&self, caller: &Caller, id: &OrderId) -> Result<Order> {
        let call = self.0.post(&["api", "orders", id.as_str(), "cancel"])?;
        let call = call.caller(caller).timeout(LONG_TIMEOUT);
        call.send().await?.json()
    }

    async fn recover(&self) -> Result<RecoveryReport> {
        let call = self.0.internal(Method::POST, "checkout/recover")?;
        let report: Recovered = call.timeout(LONG_TIMEOUT).send().await?.json()?;
        Ok(report.into())
    }
}
