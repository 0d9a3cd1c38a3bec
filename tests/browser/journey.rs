//! The whole way of a shopper: from a misspelled search to a shipped order and a cancelled one.

use bothways_tests::{Case, Product, RECOVERY, SEARCH_LAG, Shop, cases, email, eventually, word};

use thirtyfour::Key;

use crate::visitor::Visitor;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_shopper_gets_from_a_misspelled_search_to_a_shipped_order,
        a_shopper_does_all_of_it_without_javascript,
    ]
}

async fn a_shopper_gets_from_a_misspelled_search_to_a_shipped_order(shop: &Shop) {
    Journey::begin(shop, true).await.travel().await;
}

async fn a_shopper_does_all_of_it_without_javascript(shop: &Shop) {
    Journey::begin(shop, false).await.travel().await;
}

/// A shopper and the two products of the same kind that are for this shopper only.
struct Journey {
    shop: Shop,
    visitor: Visitor,
    wanted: Product,
    word: String,
}

impl Journey {
    async fn begin(shop: &Shop, javascript: bool) -> Self {
        let (word, category) = (word(), word());
        let product = |brand: &str| {
            let name = format!("{word} {brand} kettle");
            shop.product()
                .name(&name)
                .brand(brand)
                .category(&[&category])
        };
        let wanted = product("Tellwell").price(2150).stock(9).create().await;
        product("Hearsay").price(990).stock(9).create().await;
        let search = format!("/api/search?q={word}");
        eventually(SEARCH_LAG, "both products in search", async || {
            let found = shop.get(&search).send().await.expect(200);
            if found["total"] == 2 {
                Ok(())
            } else {
                Err(found.to_string())
            }
        })
        .await;
        Self {
            shop: shop.clone(),
            visitor: Visitor::arrive(shop, javascript).await,
            wanted,
            word,
        }
    }

    async fn travel(&self) {
        self.finds_the_product().await;
        self.changes_the_quantity().await;
        self.registers().await;
        self.is_declined_and_tries_again().await;
        let order = self.visitor.path().await;
        self.cancels_another().await;
        self.waits_until_shipped(&order).await;
        let complaints = self.visitor.complaints().await;
        assert!(
            complaints.is_empty(),
            "the browser complains: {complaints:#?}"
        );
    }

    /// Leaves a letter out of the search and narrows what is found by brand.
    async fn finds_the_product(&self) {
        let visitor = &self.visitor;
        visitor.open("/").await;
        let misspelled = format!("{}{}", &self.word[..5], &self.word[6..]);
        visitor.fill("Search the shop", &misspelled).await;
        visitor.click("button", "Search").await;
        visitor
            .sees(&format!("Showing results for {}", self.word))
            .await;
        visitor.sees("2 products").await;
        visitor.click("link", "Tellwell").await;
        visitor.sees("1 product").await;
        visitor.click("link", &self.wanted.name()).await;
        visitor.finds("heading", &self.wanted.name()).await;
    }

    async fn changes_the_quantity(&self) {
        let visitor = &self.visitor;
        visitor.adds_to_cart().await;
        visitor.sees("$21.50").await;
        visitor.fill("Quantity", "3").await;
        // With JavaScript the cart sends a changed quantity by itself and has no button for it.
        if visitor.has("button", "Update").await {
            visitor.click("button", "Update").await;
        } else {
            visitor.press(Key::Tab).await;
        }
        visitor.sees("$64.50").await;
    }

    async fn registers(&self) {
        let visitor = &self.visitor;
        visitor.click("link", "Sign in").await;
        visitor.click("link", "Register").await;
        visitor.fill("Name", "Robin Trial").await;
        visitor.fill("E-mail", &email()).await;
        visitor
            .fill("Password", &format!("secret {}", word()))
            .await;
        visitor.click("button", "Register").await;
        visitor.finds("link", "Account").await;
    }

    async fn is_declined_and_tries_again(&self) {
        let visitor = &self.visitor;
        visitor.click("link", "Cart").await;
        visitor.sees("$64.50").await;
        visitor.click("link", "Check out").await;
        self.types_the_address().await;
        visitor
            .choose("Payment", "Test card that is declined")
            .await;
        visitor.click("button", "Pay").await;
        visitor.sees("declined").await;
        assert_eq!(visitor.value("Street and number").await, "1 Test Street");
        assert_eq!(visitor.value("Town").await, "Springfield");
        visitor.choose("Payment", "Test card that works").await;
        visitor.click("button", "Pay").await;
        visitor.is_at("/orders/").await;
        visitor.sees(", confirmed.").await;
        visitor.sees(&format!("3 × {}", self.wanted.name())).await;
    }

    async fn types_the_address(&self) {
        let visitor = &self.visitor;
        visitor.fill("Name", "Robin Trial").await;
        visitor.fill("Street and number", "1 Test Street").await;
        visitor.fill("Postal code", "12345").await;
        visitor.fill("Town", "Springfield").await;
        visitor.fill("Country", "US").await;
    }

    async fn cancels_another(&self) {
        let visitor = &self.visitor;
        visitor.open(&format!("/products/{}", self.wanted.id)).await;
        visitor.adds_to_cart().await;
        visitor.open("/checkout").await;
        self.types_the_address().await;
        visitor.choose("Payment", "Test card that works").await;
        visitor.click("button", "Pay").await;
        visitor.is_at("/orders/").await;
        visitor.click("button", "Cancel this order").await;
        visitor.sees(", cancelled.").await;
        self.shop.settles_at(&self.wanted.id, 6).await;
    }

    async fn waits_until_shipped(&self, order: &str) {
        eventually(RECOVERY, "the order ships", async || {
            self.visitor.open(order).await;
            let text = self.visitor.text().await.to_lowercase();
            if text.contains(", shipped.") {
                Ok(())
            } else {
                Err(text)
            }
        })
        .await;
    }
}
