//! Media as a microservice: takes photos, and is told of them by its own outbox to make their pictures.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::media::PictureMaker;
use bothways_http::media;
use bothways_imaging::{Headers, Studio};
use bothways_objects::Photos;
use bothways_runtime::{Follow, Service, service};

/// How many photos are worked on at a time: the largest take a second each, and a push may take thirty.
const PHOTOS_AT_ONCE: u32 = 4;

fn main() -> ExitCode {
    service("media", async |shop, remote| {
        let photos = Arc::new(Photos::open(&shop.settings.require("PHOTOS_URL")?)?);
        let products = remote.product()?;
        let teller = shop.teller("media").await?;
        let media = shop.media(photos.clone(), Arc::new(Headers), products.clone(), teller);
        let maker = Arc::new(PictureMaker {
            photos,
            imaging: Arc::new(Studio::default()),
            products,
        });
        let verifier = shop.verifier(remote.identity()?);
        let uploads = shop.tell_in_batches_of(PHOTOS_AT_ONCE, "media", &remote);
        let follow = Follow::of("media", &["photo"]).in_batches_of(PHOTOS_AT_ONCE);
        Ok(Service::new(media::router(media, verifier))
            .with(uploads.await?)
            .with(follow.with(maker, &remote)?))
    })
}
