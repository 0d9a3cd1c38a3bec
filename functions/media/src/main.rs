//! Media as a function: takes photos into a bucket, which itself tells the function `thumbnails`.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::media::BucketTells;
use bothways_http::media;
use bothways_imaging::Headers;
use bothways_objects::Photos;
use bothways_runtime::function;

fn main() -> ExitCode {
    function("media", async |shop| {
        let photos = Arc::new(Photos::open(&shop.settings.require("PHOTOS_URL")?)?);
        let products = shop.product(shop.inventory().await?).await?;
        let verifier = shop.verifier(shop.identity().await?);
        let media = shop.media(photos, Arc::new(Headers), products, Arc::new(BucketTells));
        Ok(media::router(media, verifier))
    })
}
