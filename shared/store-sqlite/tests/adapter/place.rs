//! Where a test keeps its files.

use std::sync::Arc;

use async_trait::async_trait;
use bothways_domain::{
    cart::CartStore,
    checkout::CheckoutStore,
    event::{Outbox, Teller},
    fulfilment::FulfilmentStore,
    identity::IdentityStore,
    inventory::InventoryStore,
    product::ProductStore,
};
use bothways_store_contract::{Counter, Place};
use bothways_store_sqlite::{
    Carts, Checkouts, ContextOutbox, Database, Identities, Inventory, Products, Shipments, connect,
};
use tempfile::TempDir;

/// A directory of its own, with a file per context.
pub(crate) struct Directory(TempDir);

impl Directory {
    /// The URL of the files in this directory.
    pub(crate) fn url(&self) -> String {
        format!("sqlite://{}/data/{{context}}.db", self.0.path().display())
    }

    /// Opens a context's file once more.
    pub(crate) async fn open(&self, context: &str) -> Database {
        connect(&self.url(), context, 4).await.unwrap()
    }
}

#[async_trait]
impl Place for Directory {
    async fn prepare() -> Option<Self> {
        Some(Self(TempDir::new().unwrap()))
    }

    async fn products(&self) -> Arc<dyn ProductStore> {
        Arc::new(Products::new(self.open("product").await))
    }

    async fn inventory(&self) -> Arc<dyn InventoryStore> {
        Arc::new(Inventory::new(
            self.open("inventory").await,
            Arc::new(Counter),
        ))
    }

    async fn carts(&self) -> Arc<dyn CartStore> {
        Arc::new(Carts::new(self.open("cart").await))
    }

    async fn checkouts(&self) -> Arc<dyn CheckoutStore> {
        Arc::new(Checkouts::new(self.open("checkout").await))
    }

    async fn shipments(&self) -> Arc<dyn FulfilmentStore> {
        Arc::new(Shipments::new(self.open("fulfilment").await))
    }

    async fn identities(&self) -> Arc<dyn IdentityStore> {
        Arc::new(Identities::new(self.open("identity").await))
    }

    async fn outbox(&self, context: &str) -> Arc<dyn Outbox> {
        Arc::new(ContextOutbox::new(self.open(context).await))
    }

    async fn teller(&self) -> Arc<dyn Teller> {
        Arc::new(ContextOutbox::new(self.open("media").await))
    }

    async fn dispose(&self) {
        // The directory goes when it is dropped.
    }
}
