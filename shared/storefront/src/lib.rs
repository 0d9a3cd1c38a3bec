//! The shop's web pages: rendered here, working without JavaScript, the same in the microservices' storefront and in
//! the storefront function.

mod assets;
mod cookies;
mod error;
mod format;
mod origin;
mod pages;
mod session;

use std::sync::Arc;

use axum::{
    Router, extract::FromRef, middleware::from_fn, middleware::from_fn_with_state, routing::get,
    routing::post,
};
use bothways_domain::{
    Currency,
    cart::CartApi,
    checkout::CheckoutApi,
    event::DeadLetterApi,
    identity::{IdentityApi, TokenVerifier},
    inventory::InventoryApi,
    product::ProductApi,
    search::SearchApi,
    time::Entropy,
};

/// What the pages are made over: the ports of the shop.
#[derive(Clone)]
pub struct Shop {
    /// Finds products.
    pub search: Arc<dyn SearchApi>,
    /// Shows products.
    pub product: Arc<dyn ProductApi>,
    /// Keeps what a shopper means to buy.
    pub cart: Arc<dyn CartApi>,
    /// Buys it.
    pub checkout: Arc<dyn CheckoutApi>,
    /// Knows the stock.
    pub inventory: Arc<dyn InventoryApi>,
    /// Knows the accounts.
    pub identity: Arc<dyn IdentityApi>,
    /// Keeps what could not be told.
    pub dead_letters: Arc<dyn DeadLetterApi>,
    /// Tells who presents a token.
    pub tokens: Arc<dyn TokenVerifier>,
    /// Makes idempotency keys.
    pub entropy: Arc<dyn Entropy>,
    /// How the pages look.
    pub settings: Settings,
}

/// What the pages say about the shop.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The shop's name.
    pub shop_name: String,
    /// The currency sold in.
    pub currency: Currency,
    /// Which architecture serves the pages, for the badge.
    pub architecture: &'static str,
}

impl Settings {
    /// Settings with the shop's ordinary name unless another is given.
    pub fn new(shop_name: Option<String>, currency: Currency, architecture: &'static str) -> Self {
        Self {
            shop_name: shop_name.unwrap_or_else(|| "Bothways".to_owned()),
            currency,
            architecture,
        }
    }
}

/// The shop as handlers see it.
#[derive(Clone)]
pub(crate) struct Pages(Arc<Shop>);

impl std::ops::Deref for Pages {
    type Target = Shop;
    fn deref(&self) -> &Shop {
        &self.0
    }
}

impl FromRef<Pages> for Settings {
    fn from_ref(pages: &Pages) -> Self {
        pages.settings.clone()
    }
}

/// All pages, their files, the API's description, and the answer to every path that nothing else answers.
pub fn router(shop: Shop) -> Router {
    use pages::{account, cart, checkout, home, order, product, search};
    let pages = Pages(Arc::new(shop));
    Router::new()
        .route("/", get(home::show))
        .route("/search", get(search::show))
        .route("/products/{id}", get(product::show))
        .route("/cart", get(cart::show))
        .route("/cart/items", post(cart::put))
        .route("/cart/remove", post(cart::remove))
        .route("/checkout", get(checkout::show).post(checkout::buy))
        .route("/orders/{id}", get(order::show))
        .route("/orders/{id}/cancel", post(order::cancel))
        .route(
            "/register",
            get(account::register_form).post(account::register),
        )
        .route("/login", get(account::login_form).post(account::login))
        .route("/logout", post(account::logout))
        .route("/account", get(account::show))
        .route("/account/password", post(account::change_password))
        .route(
            "/account/sign-out-everywhere",
            post(account::sign_out_everywhere),
        )
        .merge(admin_pages())
        .method_not_allowed_fallback(error::method_not_allowed)
        .fallback(error::unknown_path)
        .layer((
            from_fn(origin::guard),
            from_fn_with_state(pages.clone(), session::recognise),
            // Inside, where the visitor is known; and once more outside, for what is refused before.
            from_fn_with_state(pages.clone(), error::explain),
        ))
        .route("/static/{name}", get(assets::serve))
        .route("/placeholder/{name}", get(assets::placeholder))
        .layer(from_fn_with_state(pages.clone(), error::explain))
        .with_state(pages)
        .merge(bothways_http::system::docs_router())
}

/// The administrator's pages.
fn admin_pages() -> Router<Pages> {
    use pages::admin::{dead_letters, orders, product, products, stock};
    Router::new()
        .route("/admin", get(products::show))
        .route("/admin/products", get(product::new).post(product::save))
        .route("/admin/products/{id}", get(product::show))
        .route("/admin/products/{id}/delete", post(product::delete))
        .route("/admin/stock", get(stock::show).post(stock::set))
        .route("/admin/orders", get(orders::show))
        .route("/admin/dead-letters", get(dead_letters::show))
        .route(
            "/admin/dead-letters/{id}/replay",
            post(dead_letters::replay),
        )
}
