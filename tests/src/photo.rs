//! Photos to upload, and looking at the pictures made of them.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder as _, ImageFormat, Rgb, RgbImage,
    codecs::jpeg::JpegEncoder,
};

/// A plain colour, far from the others.
pub const RED: [u8; 3] = [200, 30, 30];
/// As [`RED`].
pub const GREEN: [u8; 3] = [30, 160, 40];
/// As [`RED`].
pub const BLUE: [u8; 3] = [30, 40, 200];
/// As [`RED`].
pub const WHITE: [u8; 3] = [230, 230, 230];

/// A photo of one colour.
#[must_use]
pub fn plain(width: u32, height: u32, colour: [u8; 3]) -> RgbImage {
    RgbImage::from_pixel(width, height, Rgb(colour))
}

/// Four quarters: red and green above, blue and white below.
#[must_use]
pub fn quarters(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb(match (x < width / 2, y < height / 2) {
            (true, true) => RED,
            (false, true) => GREEN,
            (true, false) => BLUE,
            (false, false) => WHITE,
        })
    })
}

/// The photo as a file.
#[must_use]
pub fn file(photo: RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    let written = DynamicImage::from(photo).write_to(&mut file, format);
    written.expect("an encoder");
    file.into_inner()
}

/// The photo as a JPEG that says how the camera was held, and where: `GPSPLACE` (Exif 2.32, section 4.6).
#[must_use]
pub fn noted(photo: &RgbImage, orientation: u8) -> Vec<u8> {
    let mut exif = b"II*\0\x08\0\0\0\x02\0".to_vec();
    exif.extend(b"\x12\x01\x03\0\x01\0\0\0");
    exif.extend([orientation, 0, 0, 0]);
    exif.extend(b"\x25\x88\x04\0\x01\0\0\0\x26\0\0\0\0\0\0\0");
    exif.extend(b"\x02\0\x01\0\x02\0\x02\0\0\0N\0\0\0");
    exif.extend(b"\x1c\0\x02\0\x09\0\0\0\x44\0\0\0\0\0\0\0GPSPLACE\0");
    let mut file = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut file, 90);
    encoder.set_exif_metadata(exif).expect("room for it");
    let (width, height) = photo.dimensions();
    let written = encoder.write_image(photo, width, height, ExtendedColorType::Rgb8);
    written.expect("an encoder");
    file
}

/// A PNG whose headers claim this size; whether its pixels are there is another question.
#[must_use]
pub fn claiming(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(&mut file, *b"IHDR", &[&size[..], &[8, 2, 0, 0, 0]].concat());
    // An empty stream of zlib (RFC 1950).
    chunk(&mut file, *b"IDAT", b"\x78\x01\x03\0\0\0\0\x01");
    chunk(&mut file, *b"IEND", b"");
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    let length = u32::try_from(content.len()).expect("a small chunk");
    let named = [&name[..], content].concat();
    file.extend(length.to_be_bytes());
    file.extend(&named);
    file.extend(crc32(&named).to_be_bytes());
}

/// The checksum of a PNG's chunks (PNG, annex D).
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xedb8_8320
            } else {
                crc >> 1
            }
        })
    };
    !bytes.iter().fold(u32::MAX, step)
}

/// A picture as the shop gave it, which has to be WebP.
#[must_use]
pub fn decoded(webp: &[u8]) -> RgbImage {
    let picture = image::load_from_memory_with_format(webp, ImageFormat::WebP);
    picture.expect("a picture as WebP").to_rgb8()
}

/// Whether the middles of the four quarters look like these, from the upper left row by row.
pub fn assert_quarters(picture: &RgbImage, expected: [[u8; 3]; 4]) {
    let (width, height) = picture.dimensions();
    let at = |x: u32, y: u32| picture.get_pixel(width * x / 4, height * y / 4).0;
    let seen = [at(1, 1), at(3, 1), at(1, 3), at(3, 3)];
    for (seen, expected) in seen.iter().zip(&expected) {
        let near = seen.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) < 16);
        assert!(near, "{seen:?} is not {expected:?}");
    }
}
