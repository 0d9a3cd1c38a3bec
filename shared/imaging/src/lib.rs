//! Pixels: what is a photo, and the pictures made of one.
//!
//! Photos come from strangers' cameras and may be made to do harm. So headers are read before anything is decoded, no
//! decoder gets to allocate more than the pixels the headers admit, and a large photo is reduced while it is decoded.
//! Pictures are encoded from pixels alone, which leaves behind whatever else was in the file.

mod decode;
mod header;
mod raster;
mod reduce;
mod variants;

use std::{fmt::Display, sync::Arc};

use async_trait::async_trait;
use bothways_domain::{
    Error, Result,
    media::{Imaging, Inspector, MAX_PIXELS, Variant},
};
use tokio::sync::Semaphore;

use header::Header;

/// Pixels a permit stands for.
const PIXELS_PER_PERMIT: u64 = 1_000;

/// Reads the headers of photos, and links nothing that decodes or encodes pixels.
#[derive(Debug, Clone, Copy)]
pub struct Headers;

impl Inspector for Headers {
    fn inspect(&self, photo: &[u8]) -> Result<()> {
        Header::read(photo).map(|_| ())
    }
}

/// Makes pictures on the blocking pool: one of the largest photos at a time, or several small ones.
#[derive(Debug, Clone)]
pub struct Studio {
    /// What bounds memory: at most [`MAX_PIXELS`] are being decoded.
    permits: Arc<Semaphore>,
}

impl Default for Studio {
    fn default() -> Self {
        Self {
            permits: Arc::new(Semaphore::new(permits_for(MAX_PIXELS) as usize)),
        }
    }
}

fn permits_for(pixels: u64) -> u32 {
    let permits = pixels.min(MAX_PIXELS).div_ceil(PIXELS_PER_PERMIT);
    u32::try_from(permits).unwrap_or(u32::MAX)
}

/// A photo that can't be used, and why.
fn refused(why: impl Display) -> Error {
    Error::NotAnImage(why.to_string())
}

#[async_trait]
impl Imaging for Studio {
    async fn scale(&self, photo: Vec<u8>) -> Result<Vec<(Variant, Vec<u8>)>> {
        let header = Header::read(&photo)?;
        let wanted = permits_for(header.pixels());
        let permit = self.permits.clone().acquire_many_owned(wanted).await;
        let permit = permit.map_err(Error::internal)?;
        let work = tokio::task::spawn_blocking(move || {
            let made = variants::make(&header, &photo);
            drop(permit);
            made
        });
        // A decoder that panics has met a photo it can't take; the process goes on.
        work.await.map_err(Error::internal)?
    }
}
