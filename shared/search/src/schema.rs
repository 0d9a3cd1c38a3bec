//! The fields of the text index, and a product as a document of it.

use bothways_domain::{
    Currency,
    id::ProductId,
    product::{Category, Product},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tantivy::{
    TantivyDocument,
    schema::{FAST, Field, IndexRecordOption, STORED, Schema, TextFieldIndexing, TextOptions},
};

use crate::{analyzer::STEMMED, phrases::phrases_of};

/// Changes whenever an index written before could not be read by this code, or would rank differently.
pub(crate) const FORMAT: u32 = 4;

/// Names of columns that are read when a snapshot is loaded.
pub(crate) const ID: &str = "id";
/// The brand as given.
pub(crate) const BRAND_LABEL: &str = "brand_label";
/// The category path as given.
pub(crate) const CATEGORY_PATH: &str = "category_path";
/// Milliseconds since the epoch.
pub(crate) const CREATED_AT: &str = "created_at";
/// The product's place in the overlay.
pub(crate) const NUMBER: &str = "number";
/// Tells whether a product's text is what was indexed.
pub(crate) const DIGEST: &str = "digest";

/// How many text fields are searched.
pub(crate) const TEXT_FIELDS: usize = 5;

/// The index's fields.
#[derive(Debug, Clone)]
pub(crate) struct Fields {
    pub(crate) id: Field,
    /// Name, brand, category, description, attributes.
    pub(crate) text: [Field; TEXT_FIELDS],
    pub(crate) phrases: Field,
    pub(crate) card: Field,
    brand_label: Field,
    category_path: Field,
    created_at: Field,
    number: Field,
    digest: Field,
}

/// What a list shows of a product and what only changes with its text.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Card {
    pub(crate) id: ProductId,
    pub(crate) name: String,
    pub(crate) brand: Option<String>,
    pub(crate) category: Category,
    pub(crate) currency: Currency,
    pub(crate) image: Option<String>,
}

/// The schema and its fields.
pub(crate) fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    let raw = TextFieldIndexing::default()
        .set_tokenizer("raw")
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let stemmed = TextFieldIndexing::default()
        .set_tokenizer(STEMMED)
        .set_index_option(IndexRecordOption::WithFreqs);
    let text = TextOptions::default().set_indexing_options(stemmed);
    let column = TextOptions::default().set_fast("raw");
    let fields = Fields {
        id: builder.add_text_field(ID, column.clone().set_indexing_options(raw.clone())),
        text: ["name", "brand", "category", "description", "attributes"]
            .map(|name| builder.add_text_field(name, text.clone())),
        phrases: builder
            .add_text_field("phrases", TextOptions::default().set_indexing_options(raw)),
        card: builder.add_bytes_field("card", STORED),
        brand_label: builder.add_text_field(BRAND_LABEL, column.clone()),
        category_path: builder.add_text_field(CATEGORY_PATH, column),
        created_at: builder.add_i64_field(CREATED_AT, FAST),
        number: builder.add_u64_field(NUMBER, FAST),
        digest: builder.add_u64_field(DIGEST, FAST),
    };
    (builder.build(), fields)
}

/// Everything of a product that is in the text index: equal digests mean that it need not be indexed again.
pub(crate) fn digest(product: &Product) -> Result<u64, serde_json::Error> {
    let draft = &product.draft;
    let text = serde_json::to_vec(&(
        card(product),
        &draft.description,
        &draft.attributes,
        product.created_at.as_millis(),
    ))?;
    let hash = Sha256::digest(&text);
    Ok(hash
        .iter()
        .take(8)
        .fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn card(product: &Product) -> Card {
    Card {
        id: product.id.clone(),
        name: product.draft.name.clone(),
        brand: product.draft.brand.clone(),
        category: product.draft.category.clone(),
        currency: product.draft.price.currency(),
        image: product.images.as_ref().map(|images| images.card.clone()),
    }
}

/// What of an attribute shoppers search for: its value, or its name where the value only affirms it.
fn said_by<'a>(property: &'a str, value: &'a str) -> &'a str {
    let is = |answers: &[&str]| {
        answers
            .iter()
            .any(|answer| value.eq_ignore_ascii_case(answer))
    };
    match value {
        _ if is(&["true", "yes", "y"]) => property,
        _ if is(&["false", "no", "n", "none"]) => "",
        value => value,
    }
}

/// The product as a document, at its place `number` in the overlay.
pub(crate) fn document(
    fields: &Fields,
    product: &Product,
    number: u32,
    digest: u64,
) -> Result<TantivyDocument, serde_json::Error> {
    let draft = &product.draft;
    let [name, brand, category, description, attributes] = fields.text;
    let mut document = TantivyDocument::default();
    document.add_text(fields.id, product.id.as_str());
    document.add_text(name, &draft.name);
    document.add_text(description, &draft.description);
    for level in draft.category.levels() {
        document.add_text(category, level);
    }
    for (property, value) in &draft.attributes {
        document.add_text(attributes, said_by(property, value));
    }
    if let Some(maker) = &draft.brand {
        document.add_text(brand, maker);
        document.add_text(fields.brand_label, maker);
    }
    for phrase in phrases_of(&draft.name, draft.brand.as_deref(), draft.category.levels()) {
        document.add_text(fields.phrases, phrase);
    }
    document.add_text(fields.category_path, draft.category.to_string());
    document.add_i64(fields.created_at, product.created_at.as_millis());
    document.add_u64(fields.number, u64::from(number));
    document.add_u64(fields.digest, digest);
    document.add_bytes(fields.card, &serde_json::to_vec(&card(product))?);
    Ok(document)
}
