//! The payment provider's books, read through its own API: what was really charged.

use serde_json::Value;

use crate::{ask::Ask, shop::text};

/// A payment as the provider has it.
#[derive(Debug, Clone)]
pub struct Intent {
    /// The provider's id.
    pub id: String,
    /// Minor units.
    pub amount: i64,
    /// Lower-case ISO 4217, as Stripe writes it.
    pub currency: String,
    /// Stripe's status: `succeeded` is charged, `requires_capture` authorised, `canceled` neither.
    pub status: String,
    /// The order it was made for.
    pub order_id: Option<String>,
}

impl Intent {
    /// Whether money was taken.
    pub fn is_charge(&self) -> bool {
        self.status == "succeeded"
    }

    /// Whether money is set aside that was neither taken nor given back.
    pub fn is_held(&self) -> bool {
        self.status == "requires_capture" || self.status == "processing"
    }
}

/// The books.
pub struct Ledger {
    client: reqwest::Client,
    url: String,
    key: String,
}

impl Ledger {
    pub(crate) fn new(client: reqwest::Client, url: String, key: String) -> Self {
        Self { client, url, key }
    }

    async fn list(&self, path: &str, filter: &str) -> Vec<Value> {
        let mut found: Vec<Value> = Vec::new();
        loop {
            let after = found
                .last()
                .map(|last| format!("&starting_after={}", text(&last["id"])));
            let path = format!("{path}?limit=100{filter}{}", after.unwrap_or_default());
            let url = format!("{}{path}", self.url);
            let ask = Ask::new(&self.client, &reqwest::Method::GET, &url, &path).bearer(&self.key);
            let reply = ask.send().await;
            assert_eq!(reply.status, 200, "{}", reply.summary());
            let page = reply.value();
            let entries = page["data"].as_array().cloned().unwrap_or_default();
            let more = page["has_more"] == true && !entries.is_empty();
            found.extend(entries);
            if !more {
                return found;
            }
        }
    }

    /// Every payment there is.
    pub async fn intents(&self) -> Vec<Intent> {
        let listed = self.list("/v1/payment_intents", "").await;
        listed.iter().map(intent).collect()
    }

    /// The payments made for one order.
    pub async fn of_order(&self, order: &str) -> Vec<Intent> {
        let mut intents = self.intents().await;
        intents.retain(|intent| intent.order_id.as_deref() == Some(order));
        intents
    }

    /// The payments of one amount; `unique::price` makes amounts that belong to one test.
    pub async fn of_amount(&self, amount: i64) -> Vec<Intent> {
        let mut intents = self.intents().await;
        intents.retain(|intent| intent.amount == amount);
        intents
    }

    /// What was given back of a payment, in minor units.
    pub async fn refunded(&self, intent: &Intent) -> i64 {
        let refunds = self
            .list("/v1/refunds", &format!("&payment_intent={}", intent.id))
            .await;
        refunds
            .iter()
            .filter_map(|refund| refund["amount"].as_i64())
            .sum()
    }
}

fn intent(value: &Value) -> Intent {
    Intent {
        id: text(&value["id"]),
        amount: value["amount"].as_i64().unwrap_or_default(),
        currency: text(&value["currency"]),
        status: text(&value["status"]),
        order_id: value["metadata"]["order_id"].as_str().map(str::to_owned),
    }
}
