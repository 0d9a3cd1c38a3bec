//! What services ask one another and nobody else: `/internal/...`, mounted by services only, never routed to by the
//! gateway, and answering 404 to whoever does not know the services' secret.

mod cart;
mod checkout;
mod dead_letters;
mod desk;
mod events;
mod identity;
mod inventory;
mod product;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::header::AUTHORIZATION,
    middleware::{Next, from_fn_with_state},
    response::{IntoResponse as _, Response},
};
use bothways_domain::id::digest;

pub use cart::router as cart;
pub use checkout::router as checkout;
pub use dead_letters::router as dead_letters;
pub use desk::router as desk;
pub use events::router as events;
pub use identity::router as identity;
pub use inventory::router as inventory;
pub use product::router as product;

pub(crate) use cart::{CartQuery, Consumption};
pub(crate) use checkout::Recovered;
pub(crate) use dead_letters::{EventQuery, Parked, Replayed, Wanted};
pub(crate) use events::EventFailures;
pub(crate) use inventory::{OrderQuery, Reservation};
pub(crate) use product::{IdList, NewPicture, PictureSet};

use crate::{Problem, extract::bearer};

/// Closes `router` to whoever does not present `token`.
fn guarded(router: Router, token: &str) -> Router {
    let expected: Arc<str> = digest(token).into();
    router.layer(from_fn_with_state(expected, guard))
}

/// Digests are compared, so that how long it takes says nothing about the secret.
async fn guard(State(expected): State<Arc<str>>, request: Request, next: Next) -> Response {
    let presented = bearer(request.headers(), &AUTHORIZATION);
    if presented.is_some_and(|token| token.digest() == *expected) {
        next.run(request).await
    } else {
        Problem::no_such_path().into_response()
    }
}
