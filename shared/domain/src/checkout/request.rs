//! What a shopper sends to buy a cart.

use serde::{Deserialize, Serialize};

use crate::{
    Money, Result,
    error::Violations,
    id::{CartId, digest},
    identity::EmailAddress,
};

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The recipient.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Flat, floor, company.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<String>,
    /// Town.
    pub city: String,
    /// Postal code.
    pub postal_code: String,
    /// Country, by name or ISO 3166 code.
    pub country: String,
}

impl Address {
    const MAX_FIELD: usize = 200;

    fn check(&self, broken: &mut Violations) {
        let fields = [
            ("name", &self.name),
            ("line1", &self.line1),
            ("city", &self.city),
            ("postal_code", &self.postal_code),
            ("country", &self.country),
        ];
        for (field, value) in fields {
            let fits = !value.trim().is_empty() && value.chars().count() <= Self::MAX_FIELD;
            let detail = format!("1 to {} characters", Self::MAX_FIELD);
            broken.require(fits, &format!("/shipping_address/{field}"), detail);
        }
        let fits = self
            .line2
            .as_ref()
            .is_none_or(|line| line.chars().count() <= Self::MAX_FIELD);
        broken.require(
            fits,
            "/shipping_address/line2",
            format!("up to {} characters", Self::MAX_FIELD),
        );
    }
}

/// An attempt to buy a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutRequest {
    /// The cart to buy.
    #[schema(value_type = String)]
    pub cart_id: String,
    /// Where the receipt goes.
    pub email: String,
    /// Where the goods go.
    pub shipping_address: Address,
    /// The payment provider's name for how to pay, e.g. `pm_card_visa`.
    #[schema(example = "pm_card_visa")]
    pub payment_method: String,
    /// What the shopper was told it costs; anything else is refused.
    #[serde(default)]
    pub expected_total: Option<Money>,
}

impl CheckoutRequest {
    const MAX_PAYMENT_METHOD: usize = 255;

    /// Checks every rule; the cart's id if all hold. An impossible id is no cart's.
    pub fn check(&self) -> Result<Option<CartId>> {
        let mut broken = Violations::default();
        broken.take(EmailAddress::parse(&self.email, "/email"));
        self.shipping_address.check(&mut broken);
        let method = &self.payment_method;
        let fits = (1..=Self::MAX_PAYMENT_METHOD).contains(&method.len())
            && method.bytes().all(|b| b.is_ascii_graphic());
        broken.require(
            fits,
            "/payment_method",
            "a payment method is 1 to 255 visible ASCII characters",
        );
        broken.finish()?;
        Ok(CartId::parse(&self.cart_id))
    }

    /// What tells this request from another under the same key.
    pub fn fingerprint(&self) -> Result<String> {
        serde_json::to_string(self)
            .map(|text| digest(&text))
            .map_err(crate::Error::internal)
    }
}
