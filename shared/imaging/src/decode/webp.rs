//! Decodes WebP. Its decoder knows whole images only: 160 MB for the largest that is taken.

mod alpha;
mod riff;

use std::{borrow::Cow, io::Cursor};

use bothways_domain::Result;
use image::metadata::Orientation;
use image_webp::WebPDecoder;

use crate::{
    raster::{Raster, Samples},
    reduce::Reducer,
    refused,
};

/// The pixels, and how to turn them.
pub(crate) fn decode(photo: &[u8]) -> Result<(Raster, Orientation)> {
    let photo = with_alpha_if_lossless(photo);
    let mut decoder = WebPDecoder::new(Cursor::new(photo.as_ref())).map_err(refused)?;
    let noted = decoder.exif_metadata().map_err(refused)?;
    let orientation = noted.as_deref().and_then(Orientation::from_exif_chunk);
    let (width, height) = decoder.dimensions();
    let has_alpha = decoder.has_alpha();
    let samples = if has_alpha {
        Samples::Rgba
    } else {
        Samples::Rgb
    };
    let mut reducer = Reducer::new(width, height, samples);
    let row = width as usize * samples.per_pixel();
    if has_alpha && decoder.is_lossy() {
        // Alpha first, of which a byte a pixel stays: at no time both are in memory as they are decoded.
        let alpha = alpha::plane(&photo, width, height)?;
        let colour = riff::simple(*b"VP8 ", riff::chunk(&photo, *b"VP8 ")?);
        let colour = whole(&colour, (width, height))?;
        let rows = colour.chunks_exact(width as usize * 3);
        let mut mixed = vec![0; row];
        for (colour, alpha) in rows.zip(alpha.chunks_exact(width as usize)) {
            let pixels = colour.chunks_exact(3).zip(alpha);
            for (mixed, (colour, alpha)) in mixed.chunks_exact_mut(4).zip(pixels) {
                mixed[..3].copy_from_slice(colour);
                mixed[3] = *alpha;
            }
            reducer.push(&mixed);
        }
    } else {
        for row in whole(&photo, (width, height))?.chunks_exact(row) {
            reducer.push(row);
        }
    }
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok((reducer.finish(), orientation))
}

/// The pixels of a file of this size, of three or four channels.
fn whole(file: &[u8], size: (u32, u32)) -> Result<Vec<u8>> {
    let mut decoder = WebPDecoder::new(Cursor::new(file)).map_err(refused)?;
    // A part of a file says its own size.
    if decoder.dimensions() != size {
        return Err(refused("its parts differ in size"));
    }
    let size = decoder.output_buffer_size();
    let mut whole = vec![0; size.ok_or_else(|| refused("it is too large"))?];
    decoder.read_image(&mut whole).map_err(refused)?;
    Ok(whole)
}

/// A lossless image always decodes to four channels; where it says that alpha is not used, the decoder takes as much
/// memory again for dropping it. That bit is a hint without effect on decoding (RFC 9649, section 3.4), so it is set.
fn with_alpha_if_lossless(photo: &[u8]) -> Cow<'_, [u8]> {
    const ALPHA_IS_USED: u8 = 0x10;
    match photo.get(12..25) {
        Some([b'V', b'P', b'8', b'L', _, _, _, _, 0x2f, _, _, _, last])
            if last & ALPHA_IS_USED == 0 =>
        {
            let mut changed = photo.to_vec();
            changed[24] |= ALPHA_IS_USED;
            changed.into()
        }
        _ => photo.into(),
    }
}
