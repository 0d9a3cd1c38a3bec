//! The rules of the cart context.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use futures::future::join;

use super::{
    Cart, CartApi, CartItem, CartLine, CartStore, CartView, CartWrite, MAX_ITEMS, Quantity,
};
use crate::{
    Caller, Currency, Error, Money, Result,
    id::{CartId, OrderId, ProductId},
    inventory::{Availability, InventoryApi, StockLine},
    pricing,
    product::{Product, ProductApi},
    time::{Clock, Entropy},
};

/// The cart context over its store. Products and inventory are asked and may fail.
pub struct CartUseCases {
    /// The shop's carts.
    pub store: Arc<dyn CartStore>,
    /// Today's names and prices.
    pub products: Arc<dyn ProductApi>,
    /// Whether products can be had.
    pub inventory: Arc<dyn InventoryApi>,
    /// The one currency sold in.
    pub currency: Currency,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Ids of carts.
    pub entropy: Arc<dyn Entropy>,
}

impl CartUseCases {
    /// The cart, if it exists for this caller.
    async fn visible(&self, caller: &Caller, id: &CartId) -> Result<Option<Cart>> {
        let Some(cart) = self.store.find(id).await? else {
            return Ok(None);
        };
        match (&cart.owner, caller) {
            (None, _) => Ok(Some(cart)),
            // Whose token it is can't be told right now, so neither can whether the cart is theirs.
            (Some(_), Caller::Unverified(_)) => Err(Error::unavailable("identity")),
            (Some(owner), caller) if caller.user_id() == Some(owner) => Ok(Some(cart)),
            _ => Ok(None),
        }
    }

    async fn require(&self, caller: &Caller, id: &CartId) -> Result<Cart> {
        self.visible(caller, id)
            .await?
            .ok_or_else(|| Error::not_found("cart"))
    }

    /// The cart as shoppers see it now.
    async fn present(&self, cart: Cart) -> Result<CartView> {
        let ids = ids_of(&cart);
        let (products, stock) = if ids.is_empty() {
            (Some(HashMap::new()), Some(HashMap::new()))
        } else {
            join(self.products_now(&ids), self.stock_now(&ids)).await
        };
        self.present_as(cart, products, stock).await
    }

    /// The cart as shoppers see it with what was just heard of its products and of their stock.
    async fn present_as(
        &self,
        mut cart: Cart,
        products: Option<HashMap<ProductId, Product>>,
        stock: Option<HashMap<ProductId, Availability>>,
    ) -> Result<CartView> {
        if let Some(products) = &products {
            self.refresh(&mut cart, products).await;
        }
        let items = cart
            .lines
            .into_iter()
            .map(|line| item(line, products.as_ref(), stock.as_ref()));
        let items = items.collect::<Result<Vec<_>>>()?;
        let subtotal = pricing::subtotal(
            Money::zero(self.currency),
            items.iter().map(|item| item.line_total),
        )?;
        let (id, version, updated_at) = (cart.id, cart.version, cart.updated_at);
        Ok(CartView {
            id,
            items,
            subtotal,
            currency: self.currency,
            version,
            updated_at,
        })
    }

    async fn products_now(&self, ids: &[ProductId]) -> Option<HashMap<ProductId, Product>> {
        match self.products.records(ids).await {
            Ok(found) => Some(by_id(found)),
            Err(error) => {
                tracing::warn!(%error, "showing a cart with the last known names and prices");
                None
            }
        }
    }

    async fn stock_now(&self, ids: &[ProductId]) -> Option<HashMap<ProductId, Availability>> {
        match self.inventory.availability(ids).await {
            Ok(known) => Some(known),
            Err(error) => {
                tracing::warn!(%error, "showing a cart without availability");
                None
            }
        }
    }

    /// Brings names and prices up to date and remembers them for when products can't be asked.
    async fn refresh(&self, cart: &mut Cart, products: &HashMap<ProductId, Product>) {
        let mut changed = false;
        for line in &mut cart.lines {
            let Some(product) = products.get(&line.product_id) else {
                continue;
            };
            if line.name != product.draft.name || line.unit_price != product.draft.price {
                line.name.clone_from(&product.draft.name);
                line.unit_price = product.draft.price;
                changed = true;
            }
        }
        if changed && let Err(error) = self.store.remember(&cart.id, &cart.lines).await {
            // The answer is right all the same; the next reader tries again.
            tracing::warn!(%error, "could not remember today's prices");
        }
    }

    async fn after(&self, write: CartWrite) -> Result<CartView> {
        self.present(written(write)?).await
    }
}

/// The cart that was written, or why it was not.
fn written(write: CartWrite) -> Result<Cart> {
    match write {
        CartWrite::Done(cart) => Ok(cart),
        CartWrite::Missing => Err(Error::not_found("cart")),
        CartWrite::Stale => Err(Error::PreconditionFailed),
        CartWrite::Full => Err(Error::invalid(
            "",
            format!("a cart holds at most {MAX_ITEMS} different products"),
        )),
    }
}

fn ids_of(cart: &Cart) -> Vec<ProductId> {
    let ids = cart.lines.iter().map(|line| line.product_id.clone());
    ids.collect()
}

fn by_id(products: Vec<Product>) -> HashMap<ProductId, Product> {
    let by_id = products
        .into_iter()
        .map(|product| (product.id.clone(), product));
    by_id.collect()
}

/// A line as shoppers see it; a product that is known to be gone is out of stock.
fn item(
    line: CartLine,
    products: Option<&HashMap<ProductId, Product>>,
    stock: Option<&HashMap<ProductId, Availability>>,
) -> Result<CartItem> {
    let product = products.map(|products| products.get(&line.product_id));
    let availability = match product {
        Some(None) => Availability::OutOfStock,
        _ => stock
            .and_then(|stock| stock.get(&line.product_id))
            .copied()
            .unwrap_or(Availability::Unknown),
    };
    let images = product
        .flatten()
        .and_then(|product| product.images.as_ref());
    Ok(CartItem {
        line_total: pricing::line_total(line.unit_price, line.quantity)?,
        image: images.map(|images| images.thumb.clone()),
        product_id: line.product_id,
        name: line.name,
        unit_price: line.unit_price,
        quantity: line.quantity,
        availability,
    })
}

#[async_trait]
impl CartApi for CartUseCases {
    async fn create(&self, caller: &Caller) -> Result<CartView> {
        let cart = Cart {
            id: CartId::random(self.entropy.as_ref()),
            owner: caller.user_id().cloned(),
            lines: Vec::new(),
            version: 1,
            updated_at: self.clock.now(),
        };
        self.store.create(&cart).await?;
        self.present(cart).await
    }

    async fn view(&self, caller: &Caller, id: &CartId) -> Result<Option<CartView>> {
        match self.visible(caller, id).await? {
            Some(cart) => self.present(cart).await.map(Some),
            None => Ok(None),
        }
    }

    async fn contents(&self, caller: &Caller, id: &CartId) -> Result<Option<Cart>> {
        self.visible(caller, id).await
    }

    async fn put_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        quantity: Quantity,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        let cart = self.require(caller, id).await?;
        // Asked for once: to price the line, and to show the cart that it goes into.
        let mut ids = ids_of(&cart);
        if !ids.contains(product) {
            ids.push(product.clone());
        }
        let (line, products) = match self.products.records(&ids).await {
            Ok(found) => {
                let products = by_id(found);
                let found = products.get(product);
                let found = found.ok_or_else(|| Error::not_found("product"))?;
                let line = CartLine {
                    product_id: product.clone(),
                    name: found.draft.name.clone(),
                    unit_price: found.draft.price,
                    quantity,
                };
                (line, Some(products))
            }
            // What is in the cart already is known well enough to change how many.
            Err(error) if error.is_outage() => {
                tracing::warn!(%error, "changing a cart with the last known names and prices");
                let known = cart.lines.iter().find(|line| line.product_id == *product);
                let line = CartLine {
                    quantity,
                    ..known.ok_or(error)?.clone()
                };
                (line, None)
            }
            Err(error) => return Err(error),
        };
        let write = self
            .store
            .put_line(&cart, &line, if_version, self.clock.now());
        let (write, stock) = join(write, self.stock_now(&ids)).await;
        let cart = written(write?)?;
        if ids_of(&cart).iter().all(|id| ids.contains(id)) {
            self.present_as(cart, products, stock).await
        } else {
            // Somebody else put something in at the same moment.
            self.present(cart).await
        }
    }

    async fn remove_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        if_version: Option<i64>,
    ) -> Result<CartView> {
        let cart = self.require(caller, id).await?;
        let write = self
            .store
            .remove_line(&cart, product, if_version, self.clock.now())
            .await?;
        self.after(write).await
    }

    async fn delete(&self, caller: &Caller, id: &CartId) -> Result<()> {
        self.require(caller, id).await?;
        if self.store.delete(id).await? {
            Ok(())
        } else {
            Err(Error::not_found("cart"))
        }
    }

    async fn claim(&self, caller: &Caller, id: &CartId) -> Result<CartView> {
        let user = &caller.require_user()?.user;
        let write = self.store.claim(id, user, self.clock.now()).await?;
        self.after(write).await
    }

    async fn mine(&self, caller: &Caller) -> Result<Option<CartView>> {
        let user = &caller.require_user()?.user;
        match self.store.of_user(user).await? {
            Some(id) => self.view(caller, &id).await,
            None => Ok(None),
        }
    }

    async fn merge(&self, caller: &Caller, guest: &CartId) -> Result<CartView> {
        let user = &caller.require_user()?.user;
        let now = self.clock.now();
        let write = match self.store.of_user(user).await? {
            Some(own) if own != *guest => self.store.merge(guest, &own, user, now).await?,
            _ => self.store.claim(guest, user, now).await?,
        };
        self.after(write).await
    }

    async fn consume(&self, id: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()> {
        self.store.consume(id, order, lines, self.clock.now()).await
    }
}
