//! Adding up from outside: orders, stock and charges have to agree.

use bothways_tests::{
    Cart, Checkout, Product, RECOVERY, Reply, Shop, User, entries, eventually, price,
};

/// What every buyer of these cases finds on the shelf.
const PUT_IN: i64 = 5;

/// Somebody about to buy one of a product of their own, at a price of its own.
pub(crate) struct Purchase {
    pub(crate) user: User,
    pub(crate) product: Product,
    pub(crate) price: i64,
    pub(crate) cart: Cart,
    pub(crate) checkout: Checkout,
}

impl Purchase {
    /// Prepares everything up to the checkout.
    pub(crate) async fn prepare(shop: &Shop) -> Self {
        let (user, price) = (shop.user().await, price());
        let product = shop.product().price(price).stock(PUT_IN).create().await;
        let cart = shop.cart().await.claimed_by(&user).await;
        cart.put(&product.id, 1).await.expect(200);
        let checkout = shop.checkout(&cart.id).by(&user);
        Self {
            user,
            product,
            price,
            cart,
            checkout,
        }
    }

    /// Paid like this.
    pub(crate) fn pay_with(mut self, method: &str) -> Self {
        self.checkout = self.checkout.pay_with(method);
        self
    }

    /// Waits until nothing is in the balance any more, and checks that the books agree. Gives the
    /// number of confirmed orders.
    pub(crate) async fn adds_up(&self, shop: &Shop) -> i64 {
        let what = format!("the books of {} agree", self.product.id);
        eventually(RECOVERY, &what, async || self.balance(shop).await).await
    }

    async fn balance(&self, shop: &Shop) -> Result<i64, String> {
        let orders = shop
            .get("/api/orders")
            .bearer(&self.user.access_token)
            .send()
            .await;
        let stock = shop.get(&format!("/api/inventory/{}", self.product.id));
        let stock = stock.bearer(&shop.admin().await).send().await;
        if orders.status != 200 || stock.status != 200 {
            return Err(format!("{}; {}", orders.summary(), stock.summary()));
        }
        let (orders, stock) = (orders.value(), stock.value());
        let intents = shop.ledger().of_amount(self.price).await;
        let mut charges = 0;
        for charge in intents.iter().filter(|intent| intent.is_charge()) {
            charges += i64::from(shop.ledger().refunded(charge).await < charge.amount);
        }
        let count = |status: &str| {
            let all = entries(&orders["orders"]).iter();
            i64::try_from(all.filter(|order| order["status"] == status).count()).unwrap_or_default()
        };
        let sold = ["confirmed", "shipped", "delivered"].map(count);
        let (confirmed, pending) = (sold.iter().sum::<i64>(), count("pending"));
        let said = format!("orders {orders}, stock {stock}, payments {intents:?}");
        assert!(charges <= 1, "charged more than once: {said}");
        assert!(confirmed <= 1, "sold more than once: {said}");
        let settled = pending == 0
            && stock["reserved"] == 0
            && !intents.iter().any(bothways_tests::Intent::is_held)
            && stock["on_hand"] == PUT_IN - confirmed
            && charges == confirmed;
        if settled { Ok(confirmed) } else { Err(said) }
    }

    /// Asks under the same key until there is a final answer, which then stays; and what it says
    /// has to be true.
    pub(crate) async fn has_one_final_answer(&self, shop: &Shop) -> Reply {
        let what = format!("a final answer about {}", self.product.id);
        let first = eventually(RECOVERY, &what, async || {
            self.checkout.attempt_final().await
        })
        .await;
        let again = eventually(RECOVERY, &what, async || {
            self.checkout.attempt_final().await
        })
        .await;
        assert_eq!((first.status, first.value()), (again.status, again.value()));
        let sold = self.adds_up(shop).await;
        assert_eq!(sold, i64::from(first.status == 201), "{}", first.summary());
        let left = usize::from(first.status != 201);
        eventually(RECOVERY, "the cart agrees", async || {
            let cart = self.cart.read().await;
            if entries(&cart["items"]).len() == left {
                Ok(())
            } else {
                Err(cart.to_string())
            }
        })
        .await;
        first
    }
}
