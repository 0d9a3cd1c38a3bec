//! The ports of the cart context.

use async_trait::async_trait;

use super::{Cart, CartLine, CartView, Quantity};
use crate::{
    Caller, Result,
    id::{CartId, OrderId, ProductId, UserId},
    inventory::StockLine,
    time::Timestamp,
};

/// What the rest of the shop can ask of carts. A cart that belongs to another user does not exist for
/// the caller.
#[async_trait]
pub trait CartApi: Send + Sync {
    /// Makes an empty cart; a signed-in caller's own from the start.
    async fn create(&self, caller: &Caller) -> Result<CartView>;

    /// The cart with today's prices, or the last known ones when products can't be asked.
    async fn view(&self, caller: &Caller, id: &CartId) -> Result<Option<CartView>>;

    /// The cart as stored. For checkout.
    async fn contents(&self, caller: &Caller, id: &CartId) -> Result<Option<Cart>>;

    /// Sets a product's quantity; with `if_version`, only while the cart has that version.
    async fn put_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        quantity: Quantity,
        if_version: Option<i64>,
    ) -> Result<CartView>;

    /// Removes a product, also when it is not in the cart.
    async fn remove_item(
        &self,
        caller: &Caller,
        id: &CartId,
        product: &ProductId,
        if_version: Option<i64>,
    ) -> Result<CartView>;

    /// Deletes the cart; `NotFound` when there is none.
    async fn delete(&self, caller: &Caller, id: &CartId) -> Result<()>;

    /// Makes the cart the signed-in caller's.
    async fn claim(&self, caller: &Caller, id: &CartId) -> Result<CartView>;

    /// The signed-in caller's cart, on whatever device it was filled: the one they last changed, a filled one first.
    async fn mine(&self, caller: &Caller) -> Result<Option<CartView>>;

    /// Adds what is in a guest's cart to the signed-in caller's own and answers that one; without one of their own the
    /// guest's becomes theirs. Quantities stop at [`Quantity::MAX`]. When there would be too many products it is a
    /// `Validation` and both carts stay as they were.
    async fn merge(&self, caller: &Caller, guest: &CartId) -> Result<CartView>;

    /// Takes what an order bought out of the cart, once per order, leaving what was added since.
    async fn consume(&self, id: &CartId, order: &OrderId, lines: &[StockLine]) -> Result<()>;
}

/// What came of writing to a cart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CartWrite {
    /// The cart as it now is.
    Done(Cart),
    /// There is no such cart (or, claiming it, it is another user's).
    Missing,
    /// It has another version than the one required.
    Stale,
    /// It holds [`super::MAX_ITEMS`] products already.
    Full,
}

/// What the cart context needs of a database. Each write is one atomic operation; one that changes
/// anything about the lines or the owner raises the version by one.
#[async_trait]
pub trait CartStore: Send + Sync {
    /// Stores a new cart.
    async fn create(&self, cart: &Cart) -> Result<()>;

    /// The cart of that id.
    async fn find(&self, id: &CartId) -> Result<Option<Cart>>;

    /// Puts or replaces a line of the cart that was just read as `seen`; it may have changed since.
    async fn put_line(
        &self,
        seen: &Cart,
        line: &CartLine,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Result<CartWrite>;

    /// Removes a line, if there, from the cart that was just read as `seen`; it may have changed since.
    async fn remove_line(
        &self,
        seen: &Cart,
        product: &ProductId,
        if_version: Option<i64>,
        now: Timestamp,
    ) -> Result<CartWrite>;

    /// Updates the last known names and prices of lines that are still there; not a change of the cart.
    async fn remember(&self, id: &CartId, lines: &[CartLine]) -> Result<()>;

    /// Deletes the cart; whether there was one.
    async fn delete(&self, id: &CartId) -> Result<bool>;

    /// Makes an unowned cart `user`'s; `Done` also when it was theirs already.
    async fn claim(&self, id: &CartId, user: &UserId, now: Timestamp) -> Result<CartWrite>;

    /// The cart of a user's that they changed last, of those with lines if there are any.
    async fn of_user(&self, user: &UserId) -> Result<Option<CartId>>;

    /// Adds the lines of `from`, which is nobody's or `user`'s, to `into`, which is `user`'s, and deletes `from`. Both
    /// having a product, `into`'s quantity grows, up to [`Quantity::MAX`].
    async fn merge(
        &self,
        from: &CartId,
        into: &CartId,
        user: &UserId,
        now: Timestamp,
    ) -> Result<CartWrite>;

    /// Lowers the lines by what `order` bought and removes those that reach zero, unless done for that order before.
    /// A missing cart is fine.
    async fn consume(
        &self,
        id: &CartId,
        order: &OrderId,
        lines: &[StockLine],
        now: Timestamp,
    ) -> Result<()>;
}
