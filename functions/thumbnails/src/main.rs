//! Thumbnails as a function: follows the queue that the bucket of photos notifies, makes pictures, and tells of the
//! products that have new ones.

use std::{process::ExitCode, sync::Arc};

use bothways_domain::media::PictureMaker;
use bothways_imaging::Studio;
use bothways_objects::Photos;
use bothways_runtime::{event::queue_function, sqs};

fn main() -> ExitCode {
    queue_function("thumbnails", async |shop| {
        let photos = Arc::new(Photos::open(&shop.settings.require("PHOTOS_URL")?)?);
        let products = shop.product(shop.inventory().await?).await?;
        let maker = PictureMaker {
            photos,
            imaging: Arc::new(Studio::default()),
            products,
        };
        sqs::poke_relay_after_events(Arc::new(maker), shop.settings)
    })
}
