//! Decodes WebP. Its decoder knows whole images only: 160 MB for the largest that is taken.

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
    let mut push = |whole: &[u8]| {
        let row = width as usize * samples.per_pixel();
        whole.chunks_exact(row).for_each(|row| reducer.push(row));
    };
    if has_alpha && decoder.is_lossy() {
        // The alpha of a lossy image is a lossless image of its own, which libwebp decodes in half the memory.
        let whole = webp::Decoder::new(&photo).decode();
        let whole = whole.filter(webp::WebPImage::is_alpha);
        push(&whole.ok_or_else(|| refused("its pixels can't be decoded"))?);
    } else {
        let size = decoder.output_buffer_size();
        let mut whole = vec![0; size.ok_or_else(|| refused("it is too large"))?];
        decoder.read_image(&mut whole).map_err(refused)?;
        push(&whole);
    }
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok((reducer.finish(), orientation))
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
