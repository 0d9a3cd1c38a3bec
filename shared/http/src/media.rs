//! `/api/products/{id}/photo` and `/media`: photos come in, pictures go out.

use std::sync::Arc;

use axum::{
    Router,
    extract::{FromRef, Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{IntoResponse as _, Response},
};
use bothways_domain::{
    Error,
    id::ProductId,
    identity::TokenVerifier,
    media::{MediaApi, Variant},
    product::Images,
};
use tokio::sync::Semaphore;

use crate::{
    Answer,
    etag::Conditions,
    extract::{PathIds, Who, read_body_of_any},
    header,
    problem::document,
    routes::routes,
};

/// What a photo may be declared as; its content decides.
pub(crate) const PHOTO_TYPES: [&str; 3] = ["image/jpeg", "image/png", "image/webp"];
/// How many photos are in memory at once: what comes on top waits in the connection.
const UPLOADS_AT_ONCE: usize = 8;

#[derive(Clone, FromRef)]
pub(crate) struct Media {
    api: Arc<dyn MediaApi>,
    verifier: Arc<dyn TokenVerifier>,
    uploads: Arc<Semaphore>,
}

/// The routes of media.
pub fn router(api: Arc<dyn MediaApi>, verifier: Arc<dyn TokenVerifier>) -> Router {
    let uploads = Arc::new(Semaphore::new(UPLOADS_AT_ONCE));
    let media = Media {
        api,
        verifier,
        uploads,
    };
    routes().with_state(media)
}

routes!(routes, described -> Media {
    [put]
    [get]
});

/// Uploads a photo of a product
///
/// The content decides what it is. Its pictures are made after the answer and then replace the product's present ones;
/// `Location` is where the largest of them will be, 404 until it exists.
#[utoipa::path(
    put,
    path = "/api/products/{id}/photo",
    tag = "products",
    operation_id = "put_photo",
    security(("bearer" = [])),
    params(("id" = ProductId, Path, description = "The product")),
    request_body(description = "JPEG, PNG or WebP of up to 40 megapixels and 4 MiB", content(
        (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/png"), (Vec<u8> = "image/webp"),
    )),
    responses(
        (status = 202, description = "Its pictures will be made", headers(("Location" = String, description = "Where the largest of them will be"))),
        document::PhotoWrite,
    )
)]
async fn put(
    State(Media { api, uploads, .. }): State<Media>,
    Who(caller): Who,
    ids: PathIds,
    request: Request,
) -> Answer<Response> {
    caller.require_admin()?;
    let product = ids.product_to_write("id")?;
    let _turn = uploads.acquire().await.map_err(Error::internal)?;
    let photo = read_body_of_any(request, &PHOTO_TYPES).await?;
    let picture = api.upload(&caller, &product, photo.into()).await?;
    let location = header::value(&Images::of(&picture).full);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)]).into_response())
}

/// A picture
///
/// By the id in a product's `images` it never changes; by a product's id it is the product's present picture.
#[utoipa::path(
    get,
    path = "/media/{id}/{variant}",
    tag = "products",
    operation_id = "get_picture",
    params(
        ("id" = String, Path, description = "A picture's id, or a product's"),
        ("variant" = String, Path, description = "`thumb`, `card` or `full`: up to 160, 480 or 1200 pixels on the longer edge"),
        ("If-None-Match" = Option<String>, Header, description = "Tags the client has"),
    ),
    responses(
        (status = 200, description = "The picture", body = Vec<u8>, content_type = "image/webp", headers(
            ("ETag" = String, description = "Strong; another for another picture"),
            ("Cache-Control" = String, description = "For good by a picture's id; by a product's it has to be asked about"),
        )),
        (status = 304, description = "The client has it"),
        document::Missing,
    )
)]
async fn get(
    State(Media { api, .. }): State<Media>,
    ids: PathIds,
    conditions: Conditions,
) -> Answer<Response> {
    let missing = || Error::not_found("picture");
    let variant = Variant::parse(ids.text("variant")).ok_or_else(missing)?;
    let found = api.picture(ids.text("id"), variant).await?;
    let picture = found.ok_or_else(missing)?;
    let tag = format!("{}-{}", picture.id, variant.as_str());
    let mut response = conditions.answer_tagged(header::WEBP, picture.content, &tag);
    let caching = if picture.is_fixed {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let caching = HeaderValue::from_static(caching);
    response.headers_mut().insert(CACHE_CONTROL, caching);
    Ok(response)
}
