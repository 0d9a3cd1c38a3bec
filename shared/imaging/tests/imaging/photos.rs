//! Photos to test with, and looking at what was made of them.

use std::{collections::HashMap, io::Cursor};

use bothways_domain::{
    Error,
    media::{Imaging as _, Inspector as _, Variant},
};
use bothways_imaging::{Headers, Studio};
use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};

pub(crate) const RED: [u8; 3] = [200, 30, 30];
pub(crate) const GREEN: [u8; 3] = [30, 160, 40];
pub(crate) const BLUE: [u8; 3] = [30, 40, 200];
pub(crate) const WHITE: [u8; 3] = [230, 230, 230];

/// Four quarters of different colours: red and green above, blue and white below.
pub(crate) fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// An image in a format.
pub(crate) fn file(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// An image in a format, with what a camera noted.
pub(crate) fn noted(image: &RgbImage, format: ImageFormat, exif: Vec<u8>) -> Vec<u8> {
    let mut file = Vec::new();
    let (width, height) = image.dimensions();
    let color = ExtendedColorType::Rgb8;
    match format {
        ImageFormat::Jpeg => {
            let mut encoder = JpegEncoder::new_with_quality(&mut file, 90);
            encoder.set_exif_metadata(exif).unwrap();
            encoder.write_image(image, width, height, color).unwrap();
        }
        ImageFormat::Png => {
            let mut encoder = PngEncoder::new(&mut file);
            encoder.set_exif_metadata(exif).unwrap();
            encoder.write_image(image, width, height, color).unwrap();
        }
        _ => {
            let mut encoder = WebPEncoder::new_lossless(&mut file);
            encoder.set_exif_metadata(exif).unwrap();
            encoder.write_image(image, width, height, color).unwrap();
        }
    }
    file
}

/// Exif with an orientation and a place on earth (Exif 2.32, sections 4.6.2 to 4.6.6), of which the text `GPSPLACE` can be searched for.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    const SHORT: u16 = 3;
    const ASCII: u16 = 2;
    const LONG: u16 = 4;
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    let mut entry = |tag: u16, kind: u16, count: u32, value: u32| {
        exif.extend(tag.to_le_bytes());
        exif.extend(kind.to_le_bytes());
        exif.extend(count.to_le_bytes());
        exif.extend(value.to_le_bytes());
    };
    entry(0x0112, SHORT, 1, orientation.into());
    entry(0x8825, LONG, 1, 38);
    exif.extend([0; 4]);
    // The directory of GPS, at 38: which way north is, and a text.
    exif.extend(2_u16.to_le_bytes());
    let mut entry = |tag: u16, kind: u16, count: u32, value: [u8; 4]| {
        exif.extend(tag.to_le_bytes());
        exif.extend(kind.to_le_bytes());
        exif.extend(count.to_le_bytes());
        exif.extend(value);
    };
    entry(0x0001, ASCII, 2, *b"N\0\0\0");
    entry(0x001c, ASCII, 9, 68_u32.to_le_bytes());
    exif.extend([0; 4]);
    exif.extend(b"GPSPLACE\0");
    exif
}

/// What was made of a photo, decoded again.
pub(crate) async fn made(photo: Vec<u8>) -> HashMap<Variant, DynamicImage> {
    let studio = Studio::default();
    Headers.inspect(&photo).unwrap();
    let made = studio.scale(photo).await.unwrap();
    assert_eq!(made.len(), Variant::ALL.len());
    let decoded = made.into_iter().map(|(variant, file)| {
        let image = image::load_from_memory_with_format(&file, ImageFormat::WebP);
        (variant, image.unwrap())
    });
    decoded.collect()
}

/// Why a photo is refused by its headers.
pub(crate) fn refused_at_once(photo: &[u8]) -> String {
    reason(Headers.inspect(photo).unwrap_err())
}

/// Why a photo is refused when it is decoded, its headers being fine.
pub(crate) async fn refused_later(photo: Vec<u8>) -> String {
    let studio = Studio::default();
    Headers.inspect(&photo).unwrap();
    reason(studio.scale(photo).await.unwrap_err())
}

fn reason(error: Error) -> String {
    match error {
        Error::NotAnImage(why) => why,
        other => panic!("{other:?}"),
    }
}

/// Whether the middles of the four quarters are these colours, from the upper left row by row.
pub(crate) fn assert_quarters(image: &DynamicImage, expected: [[u8; 3]; 4]) {
    let image = image.to_rgb8();
    let (width, height) = image.dimensions();
    let at = |x: u32, y: u32| image.get_pixel(width * x / 4, height * y / 4).0;
    let seen = [at(1, 1), at(3, 1), at(1, 3), at(3, 3)];
    for (seen, expected) in seen.iter().zip(&expected) {
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) < 14);
        assert!(near, "{seen:?} is not {expected:?}");
    }
}
