//! What is no photo, or not all of one.

use bothways_domain::media::{Imaging as _, Inspector as _};
use bothways_imaging::{Headers, Studio};
use image::{DynamicImage, ImageFormat};

use crate::photos::{file, quarters, refused_at_once, refused_later};

const FORMATS: [ImageFormat; 3] = [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP];

fn photo(format: ImageFormat) -> Vec<u8> {
    file(&DynamicImage::from(quarters(640, 480)), format)
}

#[test]
fn what_is_no_photo_is_refused_at_once() {
    for text in [
        &b""[..],
        b"x",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"BM\0\0\0\0\0\0\0\0",
        b"II*\0\x08\0\0\0",
        b"RIFF\x04\0\0\0WAVE",
        b"%PDF-1.7",
    ] {
        assert!(refused_at_once(text).contains("neither"), "{text:?}");
    }
}

#[test]
fn a_beginning_alone_is_refused_at_once() {
    for format in FORMATS {
        let photo = photo(format);
        for length in [3, 8, 12, 20] {
            refused_at_once(&photo[..length]);
        }
    }
}

#[tokio::test]
async fn a_photo_that_ends_early_is_refused_wherever_it_ends() {
    for format in FORMATS {
        let photo = photo(format);
        for tenths in 3..10 {
            let part = photo[..photo.len() * tenths / 10].to_vec();
            // A format may notice by its headers; none may make a picture of a part.
            let studio = Studio::default();
            let made = match Headers.inspect(&part) {
                Ok(()) => studio.scale(part).await.map(|_| ()),
                refused => refused,
            };
            assert!(made.is_err(), "{format:?} of {tenths} tenths");
        }
    }
}

#[tokio::test]
async fn a_photo_whose_middle_is_garbage_is_refused_or_shown_and_never_panics() {
    for format in FORMATS {
        let photo = photo(format);
        for seed in 0..60_usize {
            let mut garbled = photo.clone();
            for n in 0..24 {
                let at = 30 + (seed * 7_919 + n * 104_729) % (garbled.len() - 30);
                garbled[at] = garbled[at].wrapping_mul(31).wrapping_add(7);
            }
            let studio = Studio::default();
            if Headers.inspect(&garbled).is_ok() {
                let made = studio.scale(garbled).await;
                let fine =
                    made.is_ok() || matches!(made, Err(bothways_domain::Error::NotAnImage(_)));
                assert!(fine, "{format:?} {seed}: {made:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_png_whose_checksum_is_wrong_is_refused() {
    let mut photo = photo(ImageFormat::Png);
    let middle = photo.len() / 2;
    photo[middle] ^= 1;
    refused_later(photo).await;
}

#[test]
fn an_animation_is_refused_and_told_so() {
    let mut animation = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0".to_vec();
    animation.extend([9, 0, 0, 9, 0, 0]);
    animation.extend(b"ANIM\x06\0\0\0\0\0\0\0\0\0");
    let frame = file(&quarters(10, 10).into(), ImageFormat::WebP)[12..].to_vec();
    animation.extend(b"ANMF");
    animation.extend(u32::try_from(16 + frame.len()).unwrap().to_le_bytes());
    animation.extend([0, 0, 0, 0, 0, 0, 9, 0, 0, 9, 0, 0, 100, 0, 0, 0]);
    animation.extend(frame);
    let size = u32::try_from(animation.len() - 8).unwrap().to_le_bytes();
    animation[4..8].copy_from_slice(&size);
    assert_eq!(refused_at_once(&animation), "an animation is no photo");
}
