//! The other contexts, over HTTP: how a microservice reaches its neighbours.

use std::sync::Arc;

use bothways_domain::{
    cart::CartApi,
    checkout::{CheckoutApi, OrderDesk},
    event::{DeadLetterApi, DeadLetterSource, DeadLetterUseCases},
    identity::IdentityApi,
    inventory::InventoryApi,
    media::MediaApi,
    product::ProductApi,
    search::SearchApi,
};
use bothways_http::clients::{
    CartClient, CheckoutClient, DeadLetterClient, DeskClient, IdentityClient, InventoryClient,
    MediaClient, ProductClient, Remote as Neighbour, SearchClient,
};
use bothways_upstream::Registry;

use crate::{Result, Settings, shop::TELLING};

/// Clients of the other services, at the addresses the environment names.
pub struct Remote {
    pub(crate) settings: Settings,
    upstreams: Registry,
}

impl Remote {
    pub(crate) fn new(settings: Settings, upstreams: Registry) -> Self {
        Self {
            settings,
            upstreams,
        }
    }

    /// The services this one calls, and how they are.
    pub fn upstreams(&self) -> &Registry {
        &self.upstreams
    }

    /// The secret the services know one another by.
    pub fn internal_token(&self) -> Result<String> {
        Ok(self.settings.require("INTERNAL_TOKEN")?)
    }

    /// The address that a setting holds.
    pub fn address(&self, variable: &str) -> Result<String> {
        Ok(self.settings.require(variable)?)
    }

    fn endpoint(&self, name: &'static str, variable: &str) -> Result<Neighbour> {
        let address = self.address(variable)?;
        let upstream = self.upstreams.upstream(name, &address);
        let upstream = upstream.map_err(|error| format!("{variable}: {error}"))?;
        Ok(Neighbour::new(name, upstream, &self.internal_token()?)?)
    }

    /// Search.
    pub fn search(&self) -> Result<Arc<dyn SearchApi>> {
        Ok(Arc::new(SearchClient::new(
            self.endpoint("search", "SEARCH_URL")?,
        )))
    }

    /// Products.
    pub fn product(&self) -> Result<Arc<dyn ProductApi>> {
        Ok(Arc::new(ProductClient::new(
            self.endpoint("product", "PRODUCT_URL")?,
        )))
    }

    /// Inventory.
    pub fn inventory(&self) -> Result<Arc<dyn InventoryApi>> {
        Ok(Arc::new(InventoryClient::new(
            self.endpoint("inventory", "INVENTORY_URL")?,
        )))
    }

    /// Inventory, for those who can't do without what is on hand, and for whom nobody waits.
    pub fn patient_inventory(&self) -> Result<Arc<dyn InventoryApi>> {
        Ok(Arc::new(InventoryClient::patient(
            self.endpoint("inventory", "INVENTORY_URL")?,
        )))
    }

    /// Media.
    pub fn media(&self) -> Result<Arc<dyn MediaApi>> {
        Ok(Arc::new(MediaClient::new(
            self.endpoint("media", "MEDIA_URL")?,
        )))
    }

    /// Carts.
    pub fn cart(&self) -> Result<Arc<dyn CartApi>> {
        Ok(Arc::new(CartClient::new(
            self.endpoint("cart", "CART_URL")?,
        )))
    }

    /// Checkout.
    pub fn checkout(&self) -> Result<Arc<dyn CheckoutApi>> {
        Ok(Arc::new(CheckoutClient::new(
            self.endpoint("checkout", "CHECKOUT_URL")?,
        )))
    }

    /// Orders, for fulfilment.
    pub fn desk(&self) -> Result<Arc<dyn OrderDesk>> {
        Ok(Arc::new(DeskClient::new(
            self.endpoint("checkout", "CHECKOUT_URL")?,
        )))
    }

    /// Identity.
    pub fn identity(&self) -> Result<Arc<dyn IdentityApi>> {
        Ok(Arc::new(IdentityClient::new(
            self.endpoint("identity", "IDENTITY_URL")?,
        )))
    }

    /// The dead letters of every service that tells events and whose address is named.
    pub fn dead_letters(&self) -> Result<Arc<dyn DeadLetterApi>> {
        let mut sources = Vec::new();
        for context in TELLING {
            let variable = format!("{}_URL", context.to_uppercase());
            if self.settings.text(&variable).is_none() {
                continue;
            }
            let remote = self.endpoint(context, &variable)?;
            let source: Arc<dyn DeadLetterSource> = Arc::new(DeadLetterClient::new(remote));
            sources.push((context, source));
        }
        Ok(Arc::new(DeadLetterUseCases { sources }))
    }
}
