//! How problems appear in the `OpenAPI` document: named groups of refusals that operations share.

use std::collections::BTreeMap;

use utoipa::{
    IntoResponses,
    openapi::{Content, Ref, RefOr, Response, ResponseBuilder},
};

use super::ProblemType;
use crate::header;

/// The response that describes these problems, which share a status.
pub(crate) fn response(kinds: &[ProblemType]) -> Response {
    let names: Vec<_> = kinds
        .iter()
        .map(|kind| format!("{} (`{}`)", kind.title(), kind.uri()))
        .collect();
    let schema = Ref::from_schema_name("Problem");
    ResponseBuilder::new()
        .description(names.join("; "))
        .content(header::PROBLEM_JSON, Content::new(Some(schema)))
        .build()
}

fn responses(kinds: &[ProblemType]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status: BTreeMap<String, Vec<ProblemType>> = BTreeMap::new();
    for kind in kinds {
        let status = kind.status().as_str().to_owned();
        by_status.entry(status).or_default().push(*kind);
    }
    let describe = |(status, kinds): (String, Vec<_>)| (status, RefOr::T(response(&kinds)));
    by_status.into_iter().map(describe).collect()
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident: $($kind:ident),+;)+) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                responses(&[$(ProblemType::$kind),+])
            }
        }
    )+};
}

refusals! {
    /// Of a query's parameters.
    BadQuery: Validation;
    /// Of a thing that is read.
    Missing: NotFound;
    /// Of a thing that only administrators read.
    MissingToAdmins: NotFound, Unauthenticated, Forbidden;
    /// Of a thing that only signed-in users have.
    SignedOut: Unauthenticated;
    /// Of a list that has more in it for administrators, or is only for them.
    AdminList: Unauthenticated, Forbidden, Validation;
    /// Of what an administrator writes without a body.
    AdminDelete: Unauthenticated, Forbidden, Validation;
    /// Of what an administrator writes.
    AdminWrite: Unauthenticated, Forbidden, MalformedRequest, PayloadTooLarge, UnsupportedMediaType, Validation;
    /// Of a photo.
    PhotoWrite: Unauthenticated, Forbidden, NotFound, PayloadTooLarge, UnsupportedMediaType, Validation, NotAnImage;
    /// Of what an administrator writes, where the present state may forbid it.
    AdminSet: Unauthenticated, Forbidden, MalformedRequest, Conflict, PayloadTooLarge, UnsupportedMediaType, Validation;
    /// Of putting something into a cart.
    CartWrite: NotFound, PreconditionFailed, MalformedRequest, PayloadTooLarge, UnsupportedMediaType, Validation, Unavailable;
    /// Of taking something out of a cart.
    CartDelete: NotFound, PreconditionFailed, Validation;
    /// Of claiming a cart.
    CartClaim: Unauthenticated, NotFound;
    /// Of putting two carts together.
    CartMerge: Unauthenticated, NotFound, Validation;
    /// Of buying.
    Checkout: MalformedRequest, IdempotencyKeyMissing, PaymentDeclined, NotFound, CartEmpty, OutOfStock, TotalChanged,
        RequestInProgress, PayloadTooLarge, UnsupportedMediaType, Validation, IdempotencyKeyReused, Unavailable,
        PaymentUnavailable;
    /// Of calling an order off.
    Cancel: NotFound, NotCancellable, RequestInProgress;
    /// Of making an account.
    Register: MalformedRequest, EmailTaken, PayloadTooLarge, UnsupportedMediaType, Validation;
    /// Of signing in.
    SignIn: MalformedRequest, Unauthenticated, PayloadTooLarge, UnsupportedMediaType, Validation, RateLimited;
    /// Of going on with a session.
    Refresh: MalformedRequest, Unauthenticated, PayloadTooLarge, UnsupportedMediaType, Validation;
    /// Of a part that is not ready.
    NotReady: Unavailable;
}
