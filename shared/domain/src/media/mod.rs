//! Media: photos that administrators upload, and the pictures made of them for shoppers.
//!
//! A photo is looked at and kept by the request, and made into pictures by the handler of `photo.uploaded`. An
//! upload's id becomes its pictures' id, so that what a picture's path shows never changes.

mod maker;
mod port;
mod use_cases;

pub use maker::PictureMaker;
pub use port::{BucketTells, Imaging, Inspector, MediaApi, PhotoStore};
pub use use_cases::MediaUseCases;

use crate::id::PictureId;

/// The most pixels a photo may have.
pub const MAX_PIXELS: u64 = 40_000_000;
/// The most bytes a photo may have: what fits, base64-encoded, into Lambda's payload.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The sizes a picture is made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Variant {
    /// For carts and lists of results.
    Thumb,
    /// For cards of products.
    Card,
    /// For the product's page.
    Full,
}

impl Variant {
    /// All of them, the largest last.
    pub const ALL: [Self; 3] = [Self::Thumb, Self::Card, Self::Full];

    /// Its name in paths.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Thumb => "thumb",
            Self::Card => "card",
            Self::Full => "full",
        }
    }

    /// The variant of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|variant| variant.as_str() == name)
    }

    /// The most pixels its longer edge has. A smaller photo stays as small as it is.
    pub fn longest_edge(self) -> u32 {
        match self {
            Self::Thumb => 160,
            Self::Card => 480,
            Self::Full => 1200,
        }
    }
}

/// A variant of a picture, as WebP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Which picture.
    pub id: PictureId,
    /// WebP.
    pub content: Vec<u8>,
    /// Whether it was asked for by its own id, so that the answer never changes.
    pub is_fixed: bool,
}
