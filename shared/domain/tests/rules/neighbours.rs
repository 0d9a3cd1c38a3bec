//! Checkout's neighbours, in memory: cart, products, inventory and the payment provider of the world.

use std::collections::HashMap;

use async_trait::async_trait;
use bothways_domain::{
    Caller, Error, Money, Result,
    cart::{Cart, CartApi, CartLine, CartView, Quantity},
    checkout::{IntentId, IntentStatus, PaymentError, PaymentProvider},
    id::{CartId, OrderId, PictureId, ProductId},
    import::{Change, ImportLine, ImportReport},
    inventory::{Availability, InventoryApi, Reserved, Settled, Standing, StockLevel, StockLine},
    product::{Category, Images, Product, ProductApi, ProductDraft, ProductView},
    time::Timestamp,
};

use crate::{
    store::Face,
    world::{Kept, State, price, product, units},
};

#[async_trait]
impl InventoryApi for Face {
    async fn level(&self, _: &Caller, _: &ProductId) -> Result<StockLevel> {
        Err(Error::Forbidden)
    }
    async fn set(&self, _: &Caller, _: &ProductId, _: u32) -> Result<StockLevel> {
        Err(Error::Forbidden)
    }
    async fn import(
        &self,
        _: &Caller,
        _: Vec<ImportLine<(ProductId, u32)>>,
    ) -> Result<ImportReport> {
        Err(Error::Forbidden)
    }
    async fn availability(&self, _: &[ProductId]) -> Result<HashMap<ProductId, Availability>> {
        Err(Error::unavailable("inventory"))
    }
    async fn standing(&self, _: &[ProductId]) -> Result<HashMap<ProductId, Standing>> {
        Err(Error::unavailable("inventory"))
    }

    async fn reserve(&self, order: &OrderId, lines: &[StockLine]) -> Result<Reserved> {
        let wanted = units(lines);
        self.0
            .call(|state| {
                match state.reservations.get(order) {
                    Some((Kept::Held | Kept::Settled, _)) => return Reserved::Kept,
                    Some(_) => return Reserved::Gone,
                    None => {}
                }
                let held: u32 = state
                    .reservations
                    .values()
                    .filter(|(kept, _)| *kept == Kept::Held)
                    .map(|(_, n)| n)
                    .sum();
                if state.on_hand - held < wanted {
                    return Reserved::Short(vec![product()]);
                }
                state
                    .reservations
                    .insert(order.clone(), (Kept::Held, wanted));
                Reserved::Kept
            })
            .await
    }

    async fn release(&self, order: &OrderId) -> Result<()> {
        self.restock(order).await
    }

    async fn settle(&self, order: &OrderId) -> Result<Settled> {
        self.0
            .call(|state| match state.reservations.get_mut(order) {
                Some((Kept::Settled, _)) => Settled::Sold,
                Some((kept @ Kept::Held, wanted)) => {
                    *kept = Kept::Settled;
                    state.on_hand -= *wanted;
                    Settled::Sold
                }
                _ => Settled::Gone,
            })
            .await
    }

    async fn restock(&self, order: &OrderId) -> Result<()> {
        self.0
            .call(|state| {
                let (kept, wanted) = state
                    .reservations
                    .entry(order.clone())
                    .or_insert((Kept::Released, 0));
                match kept {
                    Kept::Held => *kept = Kept::Released,
                    Kept::Settled => {
                        *kept = Kept::Restocked;
                        state.on_hand += *wanted;
                    }
                    Kept::Released | Kept::Restocked => {}
                }
            })
            .await
    }
}

#[async_trait]
impl CartApi for Face {
    async fn create(&self, _: &Caller) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn view(&self, _: &Caller, _: &CartId) -> Result<Option<CartView>> {
        Err(Error::Forbidden)
    }
    async fn put_item(
        &self,
        _: &Caller,
        _: &CartId,
        _: &ProductId,
        _: Quantity,
        _: Option<i64>,
    ) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn remove_item(
        &self,
        _: &Caller,
        _: &CartId,
        _: &ProductId,
        _: Option<i64>,
    ) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn delete(&self, _: &Caller, _: &CartId) -> Result<()> {
        Err(Error::Forbidden)
    }
    async fn claim(&self, _: &Caller, _: &CartId) -> Result<CartView> {
        Err(Error::Forbidden)
    }
    async fn mine(&self, _: &Caller) -> Result<Option<CartView>> {
        Err(Error::Forbidden)
    }
    async fn merge(&self, _: &Caller, _: &CartId) -> Result<CartView> {
        Err(Error::Forbidden)
    }

    async fn contents(&self, _: &Caller, id: &CartId) -> Result<Option<Cart>> {
        self.0
            .call(|state| {
                let line = |quantity| CartLine {
                    product_id: product(),
                    name: String::new(),
                    unit_price: price(),
                    quantity,
                };
                let lines = Quantity::try_from(state.cart)
                    .ok()
                    .map(line)
                    .into_iter()
                    .collect();
                Some(Cart {
                    id: id.clone(),
                    owner: None,
                    lines,
                    version: 1,
                    updated_at: Timestamp::from_millis(0),
                })
            })
            .await
    }

    async fn consume(&self, _: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()> {
        let bought = units(lines);
        self.0
            .call(|state| {
                if !state.consumed.contains(order) {
                    state.consumed.push(order.clone());
                    state.cart = state.cart.saturating_sub(bought);
                }
            })
            .await
    }
}

#[async_trait]
impl ProductApi for Face {
    async fn view(&self, _: &ProductId) -> Result<Option<ProductView>> {
        Err(Error::Forbidden)
    }
    async fn views(&self, _: &[ProductId]) -> Result<Vec<ProductView>> {
        Err(Error::Forbidden)
    }
    async fn catalogue(&self, _: Option<&ProductId>, _: u32) -> Result<Vec<Product>> {
        Err(Error::Forbidden)
    }
    async fn put(
        &self,
        _: &Caller,
        _: &ProductId,
        _: ProductDraft,
    ) -> Result<(Change, ProductView)> {
        Err(Error::Forbidden)
    }
    async fn delete(&self, _: &Caller, _: &ProductId) -> Result<()> {
        Err(Error::Forbidden)
    }
    async fn set_picture(&self, _: &ProductId, _: &PictureId, _: Images) -> Result<bool> {
        Err(Error::Forbidden)
    }
    async fn import(
        &self,
        _: &Caller,
        _: Vec<ImportLine<(ProductId, ProductDraft)>>,
    ) -> Result<ImportReport> {
        Err(Error::Forbidden)
    }

    async fn records(&self, ids: &[ProductId]) -> Result<Vec<Product>> {
        self.0.call(|_| ids.iter().map(record).collect()).await
    }
}

/// A product as it is stored, whatever its id.
pub(crate) fn record(id: &ProductId) -> Product {
    let draft = ProductDraft {
        name: "Kettle".to_owned(),
        brand: None,
        category: Category::default(),
        description: String::new(),
        price: price(),
        attributes: [].into(),
        rating: None,
    };
    Product {
        id: id.clone(),
        draft,
        images: None,
        created_at: Timestamp::from_millis(0),
        updated_at: Timestamp::from_millis(0),
    }
}

impl Face {
    async fn pay<T>(&self, work: impl FnOnce(&mut State) -> T) -> Result<T, PaymentError> {
        self.0
            .call(work)
            .await
            .map_err(|error| PaymentError::Unknown(Box::new(error)))
    }
}

#[async_trait]
impl PaymentProvider for Face {
    async fn create(&self, order: &OrderId, _: Money, _: &str) -> Result<IntentId, PaymentError> {
        let id = format!("pi_{order}");
        self.pay(|state| {
            state
                .intents
                .entry(id.clone())
                .or_insert(IntentStatus::Unconfirmed);
            IntentId(id)
        })
        .await
    }

    async fn confirm(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        let declines = self.0.declines;
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status == IntentStatus::Unconfirmed {
                *status = if declines {
                    IntentStatus::Declined {
                        code: "card_declined".to_owned(),
                    }
                } else {
                    IntentStatus::Authorised
                };
            }
            status.clone()
        })
        .await
    }

    async fn status(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| state.intents[&intent.0].clone()).await
    }

    async fn capture(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status == IntentStatus::Authorised {
                *status = IntentStatus::Captured;
            }
            status.clone()
        })
        .await
    }

    async fn cancel(&self, intent: &IntentId) -> Result<IntentStatus, PaymentError> {
        self.pay(|state| {
            let status = state.intents.get_mut(&intent.0).unwrap();
            if *status != IntentStatus::Captured {
                *status = IntentStatus::Cancelled;
            }
            status.clone()
        })
        .await
    }

    async fn refund(&self, order: &OrderId, _: &IntentId) -> Result<(), PaymentError> {
        // Idempotent by order, as the provider's key makes it.
        self.pay(|state| *state.refunds.entry(order.clone()).or_insert(1))
            .await
            .map(|_| ())
    }
}
