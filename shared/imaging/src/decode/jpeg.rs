//! Decodes JPEG, scaled down by the inverse transform: what large photos take of memory is their coefficients at most.

use bothways_domain::{Result, media::Variant};
use image::metadata::Orientation;
use jpeg_decoder::{Decoder, PixelFormat};

use crate::{
    raster::{Raster, Samples},
    reduce::Reducer,
    refused,
};

/// Bytes of the decoded photo at most: it is scaled to at most twice the largest variant, unless it is narrow.
const MAX_DECODED: usize = 160 << 20;

/// The pixels, and how to turn them.
pub(crate) fn decode(photo: &[u8]) -> Result<(Raster, Orientation)> {
    let mut decoder = Decoder::new(photo);
    decoder.set_max_decoding_buffer_size(MAX_DECODED);
    decoder.read_info().map_err(refused)?;
    let enough = u16::try_from(Variant::Full.longest_edge()).unwrap_or(u16::MAX);
    let (width, height) = decoder.scale(enough, enough).map_err(refused)?;
    let pixels = decoder.decode().map_err(refused)?;
    let orientation = decoder.exif_data().and_then(Orientation::from_exif_chunk);
    let format = decoder.info().map(|info| info.pixel_format);
    let (samples, pixels) = match format.ok_or_else(|| refused("it has no frame"))? {
        PixelFormat::L8 => (Samples::Grey, pixels),
        PixelFormat::RGB24 => (Samples::Rgb, pixels),
        PixelFormat::CMYK32 => (Samples::Rgb, rgb_of_cmyk(&pixels)),
        // Little or big endian as the machine is: the decoder's words are native.
        PixelFormat::L16 => (Samples::Grey, high_bytes(&pixels)),
    };
    let mut reducer = Reducer::new(width.into(), height.into(), samples);
    let row = usize::from(width) * samples.per_pixel();
    pixels.chunks_exact(row).for_each(|row| reducer.push(row));
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok((reducer.finish(), orientation))
}

/// The simple conversion, without colour profiles; the decoder gives inverted inks as Adobe's programs do.
fn rgb_of_cmyk(pixels: &[u8]) -> Vec<u8> {
    let rgb = pixels.as_chunks::<4>().0.iter().flat_map(|&[c, m, y, k]| {
        let left = |ink: u8| {
            let light = u16::from(255 - ink) * u16::from(255 - k) / 255;
            u8::try_from(light).unwrap_or(u8::MAX)
        };
        [left(c), left(m), left(y)]
    });
    rgb.collect()
}

fn high_bytes(pixels: &[u8]) -> Vec<u8> {
    let words = pixels.as_chunks::<2>().0.iter();
    words
        .map(|&word| u16::from_ne_bytes(word).to_be_bytes()[0])
        .collect()
}
