//! The checkout context's port, over its store and the other contexts. How a checkout goes from step to
//! step is in [`super::drive`]; how it begins, ends and is asked about is here.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;

use super::{
    Cancelling, CheckoutApi, CheckoutRecord, CheckoutRequest, CheckoutStore, Claim, Claimed,
    Moment, Order, OrderItem, OrderRecord, OrderStatus, Outcome, PaymentProvider, Placed, Progress,
    RecoveryReport, Refusal, Saga, SagaProbe, Step,
    drive::{End, Worker},
};
use crate::{
    Caller, Error, Money, Result,
    cart::{Cart, CartApi, CartLine},
    event::{Event, EventKind},
    id::{CartId, IdempotencyKey, OrderId, ProductId, Token, hex},
    inventory::InventoryApi,
    paging::{Page, Paging},
    pricing,
    product::{Product, ProductApi},
    time::{Clock, Entropy},
};

/// How long the saga waits for things.
#[derive(Debug, Clone, Copy)]
pub struct SagaPolicy {
    /// How long a worker has a checkout for itself after each recorded step, in milliseconds. Longer than
    /// any step can take.
    pub lease_millis: i64,
}

impl Default for SagaPolicy {
    fn default() -> Self {
        Self {
            lease_millis: 15_000,
        }
    }
}

/// What checkout works with.
#[derive(Clone)]
pub struct CheckoutParts {
    /// Checkouts and orders.
    pub store: Arc<dyn CheckoutStore>,
    /// What is bought.
    pub carts: Arc<dyn CartApi>,
    /// Today's names and prices.
    pub products: Arc<dyn ProductApi>,
    /// The stock.
    pub inventory: Arc<dyn InventoryApi>,
    /// The money.
    pub payments: Arc<dyn PaymentProvider>,
    /// Is told of every step.
    pub probe: Arc<dyn SagaProbe>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids and tokens.
    pub entropy: Arc<dyn Entropy>,
    /// The one currency sold in.
    pub currency: crate::Currency,
}

/// The checkout context.
pub struct CheckoutUseCases {
    /// What it works with.
    pub parts: CheckoutParts,
    /// How long it waits.
    pub policy: SagaPolicy,
}

impl CheckoutUseCases {
    fn worker(&self) -> Worker<'_> {
        Worker {
            parts: &self.parts,
            policy: self.policy,
            name: hex(&self.parts.entropy.bits()),
        }
    }

    fn claim(
        &self,
        worker: &Worker<'_>,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        cart_id: CartId,
        request_id: &str,
    ) -> Result<Claim> {
        let entropy = self.parts.entropy.as_ref();
        Ok(Claim {
            key: key.clone(),
            fingerprint: request.fingerprint()?,
            cart_id,
            order_id: OrderId::random(entropy),
            access_token: Token::random(entropy),
            payment_method: request.payment_method.clone(),
            request_id: request_id.to_owned(),
            worker: worker.name.clone(),
            lease_until: worker.lease_until(),
        })
    }

    /// From a claimed key to a stored order, or to the refusal that ends the checkout.
    async fn place(
        &self,
        worker: &Worker<'_>,
        caller: &Caller,
        request: &CheckoutRequest,
        checkout: &CheckoutRecord,
    ) -> Result<OrderRecord, End> {
        let Some(cart) = self.parts.carts.contents(caller, &checkout.cart_id).await? else {
            return Err(End::Forget(Error::not_found("cart")));
        };
        let order = match self.price(request, checkout, &cart).await? {
            Ok(order) => order,
            Err(refusal) => return Err(End::Refuse(refusal, OrderStatus::Cancelled)),
        };
        let record = OrderRecord {
            order,
            owner: caller.user_id().cloned(),
            cart_id: checkout.cart_id.clone(),
            access_digest: checkout.access_token.digest(),
        };
        let progress = worker.progress(Step::Placed);
        worker.held(
            self.parts
                .store
                .place(&record, &worker.name, &progress)
                .await?,
        )?;
        self.parts
            .probe
            .reached(Step::Placed, &checkout.cart_id)
            .await;
        Ok(record)
    }

    /// The order at today's names and prices, or why it can't be placed.
    async fn price(
        &self,
        request: &CheckoutRequest,
        checkout: &CheckoutRecord,
        cart: &Cart,
    ) -> Result<Result<Order, Refusal>> {
        if cart.lines.is_empty() {
            return Ok(Err(Refusal::CartEmpty));
        }
        let ids: Vec<_> = cart
            .lines
            .iter()
            .map(|line| line.product_id.clone())
            .collect();
        let found = self.parts.products.records(&ids).await?;
        let by_id: HashMap<_, _> = found
            .into_iter()
            .map(|product| (product.id.clone(), product))
            .collect();
        let gone: Vec<ProductId> = ids
            .into_iter()
            .filter(|id| !by_id.contains_key(id))
            .collect();
        if !gone.is_empty() {
            return Ok(Err(Refusal::OutOfStock(gone)));
        }
        let items = cart
            .lines
            .iter()
            .filter_map(|line| by_id.get(&line.product_id).map(|product| (line, product)));
        let items = items
            .map(|(line, product)| order_item(line, product))
            .collect::<Result<Vec<_>>>()?;
        let order = self.new_order(request, checkout, items)?;
        match request.expected_total {
            Some(expected) if expected != order.total => Ok(Err(Refusal::TotalChanged {
                actual: order.total,
            })),
            _ => Ok(Ok(order)),
        }
    }

    fn new_order(
        &self,
        request: &CheckoutRequest,
        checkout: &CheckoutRecord,
        items: Vec<OrderItem>,
    ) -> Result<Order> {
        let zero = Money::zero(self.parts.currency);
        let sums = pricing::totals(pricing::subtotal(
            zero,
            items.iter().map(|item| item.line_total),
        )?)?;
        let now = self.parts.clock.now();
        Ok(Order {
            id: checkout.order_id.clone(),
            status: OrderStatus::Pending,
            items,
            subtotal: sums.subtotal,
            shipping: sums.shipping,
            total: sums.total,
            email: request.email.trim().to_owned(),
            shipping_address: request.shipping_address.clone(),
            created_at: now,
            timeline: vec![Moment {
                status: OrderStatus::Pending,
                at: now,
            }],
        })
    }

    /// Places the order if it is not yet, and takes it to its end for a client that waits.
    async fn complete(
        &self,
        worker: &Worker<'_>,
        caller: &Caller,
        request: &CheckoutRequest,
        saga: Saga,
        resumed: bool,
    ) -> Result<Placed> {
        let Saga {
            mut checkout,
            order,
        } = saga;
        let order = match order {
            Some(order) => Ok(order),
            None => self.place(worker, caller, request, &checkout).await,
        };
        let confirmed = match order {
            Ok(mut order) => {
                if checkout.step < Step::Placed {
                    checkout.step = Step::Placed;
                }
                match worker.confirm(&mut checkout, &mut order, resumed).await {
                    Ok(()) => Ok(order),
                    Err(end) => Err((end, Some(order))),
                }
            }
            Err(end) => Err((end, None)),
        };
        match confirmed {
            Ok(order) => {
                let placed = Placed {
                    order: order.order.clone(),
                    access_token: checkout.access_token.clone(),
                    replayed: false,
                };
                worker.wind_up(&mut checkout, &order).await;
                Ok(placed)
            }
            Err((end, order)) => Err(worker.end(&checkout, order.as_ref(), end).await),
        }
    }
}

fn order_item(line: &CartLine, product: &Product) -> Result<OrderItem> {
    Ok(OrderItem {
        product_id: product.id.clone(),
        name: product.draft.name.clone(),
        unit_price: product.draft.price,
        quantity: line.quantity,
        line_total: pricing::line_total(product.draft.price, line.quantity)?,
    })
}

/// The answer an earlier request with the same key got.
fn replay(checkout: CheckoutRecord) -> Result<Placed> {
    match checkout.outcome {
        Some(Outcome::Confirmed(order)) => Ok(Placed {
            order: *order,
            access_token: checkout.access_token,
            replayed: true,
        }),
        Some(Outcome::Refused(refusal)) => {
            let error = Box::new(Error::from(refusal));
            Err(Error::Replayed {
                error,
                request_id: checkout.request_id,
            })
        }
        None => Err(Error::internal("an answered checkout has no answer")),
    }
}

#[async_trait]
impl CheckoutApi for CheckoutUseCases {
    async fn checkout(
        &self,
        caller: &Caller,
        key: &IdempotencyKey,
        request: &CheckoutRequest,
        request_id: &str,
    ) -> Result<Placed> {
        let cart_id = request.check()?.ok_or_else(|| Error::not_found("cart"))?;
        let worker = self.worker();
        let claim = self.claim(&worker, key, request, cart_id, request_id)?;
        match self
            .parts
            .store
            .claim(&claim, self.parts.clock.now())
            .await?
        {
            Claimed::Fresh(checkout) => {
                self.parts
                    .probe
                    .reached(Step::Claimed, &checkout.cart_id)
                    .await;
                let saga = Saga {
                    checkout: *checkout,
                    order: None,
                };
                self.complete(&worker, caller, request, saga, false).await
            }
            Claimed::Resumed(saga) => self.complete(&worker, caller, request, *saga, true).await,
            Claimed::Answered(checkout) => replay(*checkout),
            Claimed::Running | Claimed::CartBusy => {
                Err(Error::RequestInProgress { retry_after: 1 })
            }
            Claimed::KeyReused => Err(Error::IdempotencyKeyReused),
        }
    }

    async fn order(&self, caller: &Caller, id: &OrderId) -> Result<Option<Order>> {
        let found = self.parts.store.order(id).await?;
        Ok(found
            .filter(|record| record.is_readable_by(caller))
            .map(|record| record.order))
    }

    async fn orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        let user = &caller.require_user()?.user;
        self.parts.store.orders_of(user, paging).await
    }

    async fn all_orders(&self, caller: &Caller, paging: Paging) -> Result<Page<Order>> {
        caller.require_admin()?;
        self.parts.store.all_orders(paging).await
    }

    async fn cancel(&self, caller: &Caller, id: &OrderId) -> Result<Order> {
        if self.order(caller, id).await?.is_none() {
            return Err(Error::not_found("order"));
        }
        let (worker, now) = (self.worker(), self.parts.clock.now());
        let event = Event::of_order(
            EventKind::OrderCancelled,
            id,
            now,
            self.parts.entropy.as_ref(),
        );
        let begun = self
            .parts
            .store
            .begin_cancel(id, &event, &worker.name, now, worker.lease_until())
            .await?;
        match begun {
            Cancelling::Begun(mut saga) => {
                let cart = saga.checkout.cart_id.clone();
                self.parts.probe.reached(Step::Cancelling, &cart).await;
                let order = saga.order.as_ref().map(|record| record.order.clone());
                // What can't be finished now is left to recovery: the order is cancelled either way.
                if let Err(error) = worker.finish_cancelling(&mut saga).await {
                    tracing::warn!(%error, order = %id, "refund and restocking are left to recovery");
                }
                order.ok_or_else(|| Error::internal("a cancelled checkout has no order"))
            }
            Cancelling::Already(order) => Ok(*order),
            Cancelling::Busy => Err(Error::RequestInProgress { retry_after: 1 }),
            Cancelling::TooLate => Err(Error::NotCancellable),
            Cancelling::Missing => Err(Error::not_found("order")),
        }
    }

    async fn recover(&self) -> Result<RecoveryReport> {
        const BATCH: u32 = 50;
        let worker = self.worker();
        let mut report = RecoveryReport::default();
        let now = self.parts.clock.now();
        let abandoned = self
            .parts
            .store
            .take_abandoned(&worker.name, now, worker.lease_until(), BATCH)
            .await?;
        for mut saga in abandoned {
            let order = saga.checkout.order_id.clone();
            match worker.recover(&mut saga).await {
                Ok(true) => report.finished += 1,
                Ok(false) => report.undone += 1,
                Err(error) => {
                    tracing::warn!(%error, %order, "an interrupted checkout has to wait");
                    report.postponed += 1;
                }
            }
        }
        Ok(report)
    }
}

impl Worker<'_> {
    /// A step forward, with the lease renewed.
    pub(super) fn progress(&self, step: Step) -> Progress {
        Progress {
            step,
            intent: None,
            lease_until: self.lease_until(),
        }
    }
}
