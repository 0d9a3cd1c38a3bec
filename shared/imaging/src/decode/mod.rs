//! Decoding: a photo's pixels, reduced where there are many, and how to turn them.

mod jpeg;
mod png;
mod webp;

use bothways_domain::Result;
use image::metadata::Orientation;

use crate::{
    header::{Format, Header},
    raster::Raster,
};

/// Decodes a photo whose headers were read.
pub(crate) fn decode(header: &Header, photo: &[u8]) -> Result<(Raster, Orientation)> {
    match header.format {
        Format::Jpeg => jpeg::decode(photo),
        Format::Png => png::decode(photo),
        Format::Webp => webp::decode(photo),
    }
}
