//! Small files that claim to be enormous.

use std::io::Write as _;

use bothways_domain::media::Variant;
use flate2::{Compression, Crc, write::ZlibEncoder};
use image::{GenericImageView as _, ImageFormat};

use crate::photos::{file, made, quarters, refused_at_once, refused_later};

/// A PNG of 8-bit colours with these lines, each behind its filter's number; `interlace` is 0 or 1.
pub(crate) fn png_of(width: u32, height: u32, interlace: u8, lines: &[u8]) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |name: &[u8; 4], content: &[u8]| {
        let mut crc = Crc::new();
        crc.update(name);
        crc.update(content);
        file.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        file.extend(name);
        file.extend(content);
        file.extend(crc.sum().to_be_bytes());
    };
    let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
    chunk(b"IHDR", &[&size[..], &[8, 2, 0, 0, interlace]].concat());
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(lines).unwrap();
    chunk(b"IDAT", &packed.finish().unwrap());
    chunk(b"IEND", b"");
    file
}

/// The lines of a black PNG.
fn black(width: u32, height: u32) -> Vec<u8> {
    vec![0; (width as usize * 3 + 1) * height as usize]
}

#[test]
fn a_size_beyond_forty_megapixels_is_refused_without_decoding() {
    for (width, height) in [
        (50_000, 50_000),
        (8_000, 5_001),
        (8_001, 5_000),
        (u32::MAX / 2, u32::MAX / 2),
        (100_000, 1),
    ] {
        let why = refused_at_once(&png_of(width, height, 0, &[]));
        assert!(why.contains("too large") || width > 1 << 30, "{why}");
    }
    let mut jpeg = file(&quarters(16, 16).into(), ImageFormat::Jpeg);
    let frame = jpeg
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    assert!(refused_at_once(&jpeg).contains("65535 x 65535 is too large"));
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0; 4]);
    refused_at_once(&jpeg);
    let mut webp = file(&quarters(16, 16).into(), ImageFormat::WebP);
    webp[21..25].copy_from_slice(&[0xfe, 0xbf, 0xff, 0x0f]);
    assert!(refused_at_once(&webp).contains("too large"));
}

#[test]
fn no_pixels_are_none() {
    for (width, height) in [(0, 1), (1, 0), (0, 0)] {
        refused_at_once(&png_of(width, height, 0, &[]));
    }
}

#[test]
fn a_frame_larger_than_its_canvas_is_refused() {
    // The canvas is 10 by 10, the frame within claims 16 383 by 16 383.
    let mut file = b"RIFF\x26\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
    file.extend([9, 0, 0, 9, 0, 0]);
    file.extend(b"VP8 \x0a\0\0\0\x10\0\0\x9d\x01\x2a\xff\x3f\xff\x3f");
    assert!(refused_at_once(&file).contains("another size than its canvas"));
}

#[tokio::test]
async fn forty_megapixels_are_fine_and_one_row_more_is_not() {
    let (width, height) = (8_000, 5_000);
    let photo = png_of(width, height, 0, &black(width, height));
    assert!(photo.len() < 1 << 20, "it is a small file");
    assert_eq!(made(photo).await[&Variant::Full].dimensions(), (1_200, 750));
    refused_at_once(&png_of(width, height + 1, 0, &black(width, height + 1)));
}

#[tokio::test]
async fn a_file_with_fewer_pixels_than_it_claims_is_refused_when_decoded() {
    for interlace in [0, 1] {
        let photo = png_of(6_000, 6_000, interlace, &black(6_000, 10));
        refused_later(photo).await;
    }
}
