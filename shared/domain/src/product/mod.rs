//! Products: what is sold.

mod category;
mod draft;
mod port;
mod use_cases;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use category::Category;
pub use draft::{ProductDraft, Rating};
pub use port::{ProductApi, ProductStore, Saved};
pub use use_cases::ProductUseCases;

use crate::{
    Money,
    id::{PictureId, ProductId},
    inventory::Availability,
    search::Hit,
    time::Timestamp,
};

/// The pictures of a product, by the paths they are served at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Images {
    /// 160 px longest edge.
    pub thumb: String,
    /// 480 px longest edge.
    pub card: String,
    /// 1200 px longest edge.
    pub full: String,
}

impl Images {
    /// Where the variants of a picture are served. What a picture's path shows never changes.
    pub fn of(picture: &PictureId) -> Self {
        let path = |variant| format!("/media/{picture}/{variant}");
        Self {
            thumb: path("thumb"),
            card: path("card"),
            full: path("full"),
        }
    }

    /// The picture they are variants of.
    pub fn picture(&self) -> Option<PictureId> {
        let rest = self.full.strip_prefix("/media/")?;
        PictureId::parse(rest.strip_suffix("/full")?)
    }
}

/// A product as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// What the administrator said of it.
    #[serde(flatten)]
    pub draft: ProductDraft,
    /// Its pictures, once made.
    pub images: Option<Images>,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it last became different.
    pub updated_at: Timestamp,
}

/// A product as shoppers see it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ProductView {
    /// Its id.
    pub id: ProductId,
    /// Its name.
    pub name: String,
    /// Its brand, if it has one.
    pub brand: Option<String>,
    /// From broad to narrow.
    pub category: Category,
    /// Plain text.
    pub description: String,
    /// Today's price of one.
    pub price: Money,
    /// Its properties by name.
    pub attributes: BTreeMap<String, String>,
    /// Its pictures, once made.
    pub images: Option<Images>,
    /// Whether it can be had; `unknown` when inventory can't be asked.
    pub availability: Availability,
    /// Other products of its kind.
    pub related: Vec<Hit>,
    /// When it was first put.
    pub created_at: Timestamp,
    /// When it last became different.
    pub updated_at: Timestamp,
}

impl ProductView {
    /// The view of `product` in these circumstances.
    pub fn new(product: Product, availability: Availability, related: Vec<Hit>) -> Self {
        let Product {
            id,
            draft,
            images,
            created_at,
            updated_at,
        } = product;
        Self {
            id,
            name: draft.name,
            brand: draft.brand,
            category: draft.category,
            description: draft.description,
            price: draft.price,
            attributes: draft.attributes,
            images,
            availability,
            related,
            created_at,
            updated_at,
        }
    }
}

impl Product {
    /// The product as an entry of a list.
    pub fn to_hit(&self, availability: Availability) -> Hit {
        Hit {
            id: self.id.clone(),
            name: self.draft.name.clone(),
            brand: self.draft.brand.clone(),
            category: self.draft.category.clone(),
            price: self.draft.price,
            image: self.images.as_ref().map(|images| images.card.clone()),
            availability,
            rating: self.draft.rating,
        }
    }
}
