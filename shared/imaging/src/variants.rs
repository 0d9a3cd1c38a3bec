//! Makes the variants of a photo.

use bothways_domain::{Error, Result, media::Variant};
use fast_image_resize::{
    PixelTrait, ResizeOptions, Resizer,
    images::{TypedImage, TypedImageRef},
    pixels::{U8x3, U8x4},
};
use image::{DynamicImage, RgbImage, RgbaImage, metadata::Orientation};
use webp::{Encoder, PixelLayout};

use crate::{decode::decode, header::Header, raster::Raster};

/// How well pictures are encoded, of 100: no fault is seen, at about a twentieth of the bytes of the pixels.
const QUALITY: f32 = 80.0;

/// Every variant, as WebP. Each is made of the next larger one, and the largest is turned upright once it is small.
pub(crate) fn make(header: &Header, photo: &[u8]) -> Result<Vec<(Variant, Vec<u8>)>> {
    let (decoded, orientation) = decode(header, photo)?;
    let mut larger = turned(fitted(decoded, Variant::Full)?, orientation)?;
    let mut made = Vec::with_capacity(Variant::ALL.len());
    for variant in Variant::ALL.into_iter().rev() {
        larger = fitted(larger, variant)?;
        made.push((variant, encoded(&larger)?));
    }
    Ok(made)
}

/// The raster, made smaller where its longer edge is longer than the variant's.
fn fitted(raster: Raster, variant: Variant) -> Result<Raster> {
    let (edge, longest) = (variant.longest_edge(), raster.width.max(raster.height));
    if longest <= edge {
        return Ok(raster);
    }
    // Rounded, and never to nothing.
    let scaled = |length: u32| (((length * edge) + longest / 2) / longest).max(1);
    let (width, height) = (scaled(raster.width), scaled(raster.height));
    let mut small = Raster {
        width,
        height,
        channels: raster.channels,
        pixels: vec![0; width as usize * height as usize * raster.channels],
    };
    if raster.channels == 4 {
        scale::<U8x4>(&raster, &mut small)?;
    } else {
        scale::<U8x3>(&raster, &mut small)?;
    }
    Ok(small)
}

/// Fills `to` with `from`, both of pixels `P`: named here, as the code for all kinds that there are is a megabyte.
fn scale<P: PixelTrait>(from: &Raster, to: &mut Raster) -> Result<()> {
    let source = TypedImageRef::<P>::from_buffer(from.width, from.height, &from.pixels);
    let source = source.map_err(Error::internal)?;
    let target = TypedImage::<P>::from_buffer(to.width, to.height, &mut to.pixels);
    let mut target = target.map_err(Error::internal)?;
    // Lanczos, with colours weighted by their alpha.
    Resizer::new()
        .resize_typed(&source, &mut target, &ResizeOptions::new())
        .map_err(Error::internal)
}

/// The raster as the camera was held.
fn turned(raster: Raster, orientation: Orientation) -> Result<Raster> {
    let Raster {
        width,
        height,
        channels,
        pixels,
    } = raster;
    let image = if channels == 4 {
        RgbaImage::from_raw(width, height, pixels).map(DynamicImage::from)
    } else {
        RgbImage::from_raw(width, height, pixels).map(DynamicImage::from)
    };
    let mut image = image.ok_or_else(|| Error::internal("a raster without all of its pixels"))?;
    image.apply_orientation(orientation);
    Ok(Raster {
        width: image.width(),
        height: image.height(),
        channels,
        pixels: image.into_bytes(),
    })
}

fn encoded(raster: &Raster) -> Result<Vec<u8>> {
    let layout = if raster.channels == 4 {
        PixelLayout::Rgba
    } else {
        PixelLayout::Rgb
    };
    Encoder::new(&raster.pixels, layout, raster.width, raster.height)
        .encode_simple(false, QUALITY)
        .map(|encoded| encoded.to_vec())
        .map_err(|error| Error::internal(format!("{error:?}")))
}
