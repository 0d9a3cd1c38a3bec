//! The `OpenAPI` 3.1 document, merged from the routers themselves.

use bothways_domain::{
    id::{CartId, EventId, OrderId, ProductId},
    search::Sort,
};
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        Info, License, OpenApi, OpenApiBuilder, RefOr,
        path::Operation,
        security::{Http, HttpAuthScheme, SecurityScheme},
        tag::TagBuilder,
    },
};

use crate::{
    ProblemType, cart, checkout, dead_letters, identity, inventory, media,
    problem::{Document, document::response},
    product, search, system,
};

const DESCRIPTION: &str = "A shop, built both ways: as microservices and as functions, behind one contract. \
    Money is integer minor units of an ISO 4217 currency. Times are RFC 3339 in UTC. Every error is a problem \
    (RFC 9457) of a closed list of types. Every answer carries `x-request-id`.";

const TAGS: [(&str, &str); 8] = [
    ("search", "Finding products"),
    ("products", "What is sold"),
    ("inventory", "How many there are"),
    ("carts", "What shoppers mean to buy"),
    ("checkout", "Buying, and orders"),
    ("accounts", "Users and their sessions"),
    ("events", "What happened, and could not be told"),
    ("system", "The shop about itself"),
];

/// The document of the whole public API.
pub fn document() -> OpenApi {
    let mut document = empty();
    let parts = [
        search::described().into_openapi(),
        product::described().into_openapi(),
        media::described().into_openapi(),
        inventory::described().into_openapi(),
        cart::described().into_openapi(),
        checkout::described().into_openapi(),
        identity::described().into_openapi(),
        dead_letters::described().into_openapi(),
        system::health_described().into_openapi(),
        system::about_described().into_openapi(),
    ];
    for part in parts {
        document.merge(part);
    }
    add_shared_parts(&mut document);
    document
}

fn empty() -> OpenApi {
    let mut info = Info::new("Bothways", env!("CARGO_PKG_VERSION"));
    info.description = Some(DESCRIPTION.to_owned());
    info.license = Some(License::new("Apache-2.0"));
    let tags = TAGS.map(|(name, description)| {
        TagBuilder::new()
            .name(name)
            .description(Some(description))
            .build()
    });
    OpenApiBuilder::new().info(info).tags(Some(tags)).build()
}

/// What operations have in common: the problem schema, the answer to any fault, how a caller signs in.
fn add_shared_parts(document: &mut OpenApi) {
    let components = document.components.get_or_insert_default();
    let schemas = &mut components.schemas;
    schemas.insert("Problem".to_owned(), Document::schema());
    schemas.insert(
        "FieldError".to_owned(),
        bothways_domain::FieldError::schema(),
    );
    // Schemas of parameters are not collected from routes.
    let named = [
        (Sort::name(), Sort::schema()),
        (ProductId::name(), ProductId::schema()),
        (CartId::name(), CartId::schema()),
        (OrderId::name(), OrderId::schema()),
        (EventId::name(), EventId::schema()),
    ];
    schemas.extend(named.map(|(name, schema)| (name.into_owned(), schema)));
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    components.add_security_scheme("bearer", bearer);
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
        ];
        operations.into_iter().flatten().for_each(add_faults);
    }
}

fn add_faults(operation: &mut Operation) {
    let kinds = [
        ProblemType::RateLimited,
        ProblemType::Internal,
        ProblemType::Unavailable,
        ProblemType::Timeout,
    ];
    for kind in kinds {
        let status = kind.status().as_str().to_owned();
        let responses = &mut operation.responses.responses;
        responses
            .entry(status)
            .or_insert_with(|| RefOr::T(response(&[kind])));
    }
}
