//! What an administrator says of a product, and the rules it has to keep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Category,
    category::{MAX_LEVEL_LENGTH, MAX_LEVELS, SEPARATOR},
};
use crate::{Currency, Money, Result, error::Violations};

const MAX_NAME: usize = 500;
const MAX_BRAND: usize = 200;
const MAX_DESCRIPTION: usize = 20_000;
const MAX_ATTRIBUTES: usize = 200;
const MAX_ATTRIBUTE_NAME: usize = 200;
const MAX_ATTRIBUTE_VALUE: usize = 20_000;

/// An average rating of 0 to 5 stars.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schema(value_type = f64, minimum = 0, maximum = 5)]
pub struct Rating(f64);

impl Rating {
    /// Takes 0 to 5.
    pub fn parse(stars: f64) -> Option<Self> {
        (0.0..=5.0).contains(&stars).then_some(Self(stars))
    }

    /// The number of stars.
    pub fn stars(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rating {
    type Error = &'static str;
    fn try_from(stars: f64) -> Result<Self, &'static str> {
        Self::parse(stars).ok_or("a rating is 0 to 5")
    }
}

impl From<Rating> for f64 {
    fn from(rating: Rating) -> Self {
        rating.0
    }
}

/// What is said of a product.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductDraft {
    /// 1 to 500 characters.
    pub name: String,
    /// The maker, if it has one.
    pub brand: Option<String>,
    /// 0 to 6 levels.
    pub category: Category,
    /// Plain text of up to 20 000 characters.
    pub description: String,
    /// The price of one, in the shop's currency.
    pub price: Money,
    /// At most 200 properties.
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    /// Average stars, if rated.
    #[serde(default)]
    pub rating: Option<Rating>,
}

impl ProductDraft {
    /// The draft with a blank brand as none.
    pub fn tidy(mut self) -> Self {
        self.brand = self.brand.filter(|brand| !brand.trim().is_empty());
        self
    }

    /// Checks every rule, naming all that are broken with pointers below `at` (`""` for a whole body).
    pub fn check(&self, shop: Currency) -> Result<()> {
        let mut broken = Violations::default();
        let name = self.name.chars().count();
        let named = (1..=MAX_NAME).contains(&name) && !self.name.trim().is_empty();
        broken.require(
            named,
            "/name",
            format!("a name has 1 to {MAX_NAME} characters"),
        );
        let branded = (self.brand.as_ref()).is_none_or(|brand| brand.chars().count() <= MAX_BRAND);
        broken.require(
            branded,
            "/brand",
            format!("a brand has up to {MAX_BRAND} characters, or is null"),
        );
        let described = self.description.chars().count() <= MAX_DESCRIPTION;
        broken.require(
            described,
            "/description",
            format!("a description has up to {MAX_DESCRIPTION} characters"),
        );
        let texts = [
            ("/name", Some(&self.name)),
            ("/brand", self.brand.as_ref()),
            ("/description", Some(&self.description)),
        ];
        for (pointer, text) in texts {
            // No text column of PostgreSQL can hold it.
            let storable = text.is_none_or(|text| !text.contains('\0'));
            broken.require(storable, pointer, "a text has no U+0000");
        }
        broken.take(self.price.as_price(shop, "/price"));
        self.check_category(&mut broken);
        self.check_attributes(&mut broken);
        broken.finish()
    }

    fn check_category(&self, broken: &mut Violations) {
        let levels = self.category.levels();
        broken.require(
            levels.len() <= MAX_LEVELS,
            "/category",
            format!("a category has at most {MAX_LEVELS} levels"),
        );
        for (index, level) in levels.iter().enumerate() {
            let fits = (1..=MAX_LEVEL_LENGTH).contains(&level.chars().count())
                && level.trim() == level
                && !level.contains(SEPARATOR);
            let detail = format!(
                "a level has 1 to {MAX_LEVEL_LENGTH} characters, no blanks around it, no '{SEPARATOR}'"
            );
            broken.require(fits, &format!("/category/{index}"), detail);
        }
    }

    fn check_attributes(&self, broken: &mut Violations) {
        let few = self.attributes.len() <= MAX_ATTRIBUTES;
        broken.require(
            few,
            "/attributes",
            format!("a product has at most {MAX_ATTRIBUTES} attributes"),
        );
        for (name, value) in &self.attributes {
            let fits = (1..=MAX_ATTRIBUTE_NAME).contains(&name.chars().count())
                && value.chars().count() <= MAX_ATTRIBUTE_VALUE;
            if !fits {
                let pointer = format!("/attributes/{}", name.replace('~', "~0").replace('/', "~1"));
                let detail = format!(
                    "an attribute's name has 1 to {MAX_ATTRIBUTE_NAME} characters, its value up to {MAX_ATTRIBUTE_VALUE}"
                );
                broken.require(false, &pointer, detail);
            }
        }
    }
}
