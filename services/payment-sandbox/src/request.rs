//! What a client can ask to be done, read from its parameters. Nothing here looks at the books.

use std::collections::BTreeMap;

use crate::{
    error::StripeError,
    form::{self, Params},
    intent::CaptureMethod,
    method::PaymentMethod,
};

/// Stripe takes amounts of up to eight digits.
pub(crate) const LARGEST_AMOUNT: i64 = 99_999_999;
/// Stripe's limit on descriptions, in characters.
const LONGEST_DESCRIPTION: usize = 1000;

/// A request that changes something.
#[derive(Debug)]
pub(crate) enum Request {
    Create(CreateIntent),
    Confirm {
        intent: String,
        payment_method: Option<PaymentMethod>,
    },
    Capture {
        intent: String,
        amount: Option<i64>,
    },
    Cancel {
        intent: String,
        reason: Option<&'static str>,
    },
    Refund(CreateRefund),
}

/// A new intent.
#[derive(Debug)]
pub(crate) struct CreateIntent {
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) capture_method: CaptureMethod,
    pub(crate) payment_method: Option<PaymentMethod>,
    pub(crate) confirm: bool,
    pub(crate) description: Option<String>,
    pub(crate) metadata: BTreeMap<String, String>,
}

/// A new refund.
#[derive(Debug)]
pub(crate) struct CreateRefund {
    pub(crate) payment_intent: String,
    /// All that is left, when absent.
    pub(crate) amount: Option<i64>,
    pub(crate) reason: Option<&'static str>,
    pub(crate) metadata: BTreeMap<String, String>,
}

impl Request {
    /// `POST /v1/payment_intents`
    pub(crate) fn create(mut params: Params) -> Result<Self, StripeError> {
        let create = CreateIntent {
            amount: params
                .integer("amount", LARGEST_AMOUNT)?
                .ok_or_else(|| form::missing("amount"))?,
            currency: currency(&mut params)?,
            capture_method: CaptureMethod::of(&mut params)?,
            payment_method: payment_method(&mut params)?,
            confirm: params
                .choice("confirm", &[("true", true), ("false", false)])?
                .unwrap_or(false),
            description: description(&mut params)?,
            metadata: params.metadata()?,
        };
        params.finish()?;
        Ok(Self::Create(create))
    }

    /// `POST /v1/payment_intents/{id}/confirm`
    pub(crate) fn confirm(intent: String, mut params: Params) -> Result<Self, StripeError> {
        let payment_method = payment_method(&mut params)?;
        params.finish()?;
        Ok(Self::Confirm {
            intent,
            payment_method,
        })
    }

    /// `POST /v1/payment_intents/{id}/capture`
    pub(crate) fn capture(intent: String, mut params: Params) -> Result<Self, StripeError> {
        let amount = params.integer("amount_to_capture", LARGEST_AMOUNT)?;
        params.finish()?;
        Ok(Self::Capture { intent, amount })
    }

    /// `POST /v1/payment_intents/{id}/cancel`
    pub(crate) fn cancel(intent: String, mut params: Params) -> Result<Self, StripeError> {
        let reasons = [
            "duplicate",
            "fraudulent",
            "requested_by_customer",
            "abandoned",
        ];
        let reason = params.choice("cancellation_reason", &reasons.map(|word| (word, word)))?;
        params.finish()?;
        Ok(Self::Cancel { intent, reason })
    }

    /// `POST /v1/refunds`
    pub(crate) fn refund(mut params: Params) -> Result<Self, StripeError> {
        let reasons = ["duplicate", "fraudulent", "requested_by_customer"];
        let refund = CreateRefund {
            payment_intent: params.required("payment_intent")?,
            amount: params.integer("amount", LARGEST_AMOUNT)?,
            reason: params.choice("reason", &reasons.map(|word| (word, word)))?,
            metadata: params.metadata()?,
        };
        params.finish()?;
        Ok(Self::Refund(refund))
    }
}

fn currency(params: &mut Params) -> Result<String, StripeError> {
    let currency = params.required("currency")?;
    if currency.len() == 3 && currency.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Ok(currency.to_ascii_lowercase())
    } else {
        Err(StripeError::invalid(format!("Invalid currency: {currency}")).for_param("currency"))
    }
}

fn payment_method(params: &mut Params) -> Result<Option<PaymentMethod>, StripeError> {
    let name = params.text("payment_method")?;
    name.map(|name| PaymentMethod::parse(&name)).transpose()
}

fn description(params: &mut Params) -> Result<Option<String>, StripeError> {
    let description = params.text("description")?;
    match description {
        Some(text) if text.chars().count() > LONGEST_DESCRIPTION => {
            let message = format!("A description has up to {LONGEST_DESCRIPTION} characters.");
            Err(StripeError::invalid(message).for_param("description"))
        }
        description => Ok(description),
    }
}
