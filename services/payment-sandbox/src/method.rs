//! The payment methods the sandbox knows: Stripe's test cards, and two that fail the way networks do.

use crate::error::StripeError;

/// A payment method, named for what it does when it is confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PaymentMethod {
    Visa,
    Declined,
    InsufficientFunds,
    /// The sandbox's own: authorises, and then never answers in time.
    Timeout,
    /// The sandbox's own: a fault on the provider's side, before anything happened.
    Unavailable,
}

/// What confirming with a payment method leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Authorised { late: bool },
    Declined(Decline),
    ProviderFault,
}

/// Why an issuer refuses, by Stripe's `decline_code`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decline {
    Generic,
    InsufficientFunds,
}

const ALL: [PaymentMethod; 5] = [
    PaymentMethod::Visa,
    PaymentMethod::Declined,
    PaymentMethod::InsufficientFunds,
    PaymentMethod::Timeout,
    PaymentMethod::Unavailable,
];

impl PaymentMethod {
    /// The method of this name. Errors: `resource_missing` with status 400, as Stripe answers for a parameter.
    pub(crate) fn parse(name: &str) -> Result<Self, StripeError> {
        Self::known(name)
            .ok_or_else(|| StripeError::no_such_parameter("PaymentMethod", name, "payment_method"))
    }

    /// The method of this name, if there is one.
    pub(crate) fn known(name: &str) -> Option<Self> {
        ALL.into_iter().find(|method| method.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Visa => "pm_card_visa",
            Self::Declined => "pm_card_chargeDeclined",
            Self::InsufficientFunds => "pm_card_chargeDeclinedInsufficientFunds",
            Self::Timeout => "pm_sandbox_timeout",
            Self::Unavailable => "pm_sandbox_unavailable",
        }
    }

    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Visa => Outcome::Authorised { late: false },
            Self::Timeout => Outcome::Authorised { late: true },
            Self::Declined => Outcome::Declined(Decline::Generic),
            Self::InsufficientFunds => Outcome::Declined(Decline::InsufficientFunds),
            Self::Unavailable => Outcome::ProviderFault,
        }
    }
}

impl Decline {
    pub(crate) fn code(self) -> &'static str {
        match self {
            Self::Generic => "generic_decline",
            Self::InsufficientFunds => "insufficient_funds",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::Generic => "Your card was declined.",
            Self::InsufficientFunds => "Your card has insufficient funds.",
        }
    }
}
