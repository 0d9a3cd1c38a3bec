//! How the camera was held is applied; what else it noted is gone.

use bothways_domain::media::{Imaging as _, Variant};
use bothways_imaging::Studio;
use image::{GenericImageView as _, ImageFormat};

use crate::photos::{BLUE, GREEN, RED, WHITE, assert_quarters, exif, made, noted, quarters};

#[tokio::test]
async fn photos_are_turned_upright_in_each_of_the_eight_ways() {
    // What is seen of red, green / blue, white once it is turned (Exif 2.32, section 4.6.4, Orientation).
    let ways = [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ];
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        for (orientation, expected) in ways {
            let photo = noted(&quarters(800, 400), format, exif(orientation));
            let made = made(photo).await;
            let size = made[&Variant::Card].dimensions();
            let lies = if orientation < 5 {
                (480, 240)
            } else {
                (240, 480)
            };
            assert_eq!(size, lies, "{format:?} {orientation}");
            for variant in Variant::ALL {
                assert_quarters(&made[&variant], expected);
            }
        }
    }
}

#[tokio::test]
async fn an_orientation_that_is_none_turns_nothing() {
    for orientation in [0, 9, 255] {
        let photo = noted(&quarters(80, 40), ImageFormat::Jpeg, exif(orientation));
        assert_quarters(
            &made(photo).await[&Variant::Full],
            [RED, GREEN, BLUE, WHITE],
        );
    }
    let garbage = noted(
        &quarters(80, 40),
        ImageFormat::Jpeg,
        b"II*\0 no exif".to_vec(),
    );
    assert_eq!(made(garbage).await[&Variant::Full].dimensions(), (80, 40));
}

#[tokio::test]
async fn nothing_the_camera_noted_is_left() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let photo = noted(&quarters(300, 200), format, exif(1));
        let contains = |file: &[u8], text: &[u8]| file.windows(text.len()).any(|w| w == text);
        assert!(contains(&photo, b"GPSPLACE"), "the test is about something");
        for (variant, picture) in Studio::default().scale(photo).await.unwrap() {
            for text in [&b"GPSPLACE"[..], b"EXIF", b"Exif", b"XMP ", b"ICCP"] {
                assert!(!contains(&picture, text), "{format:?} {variant:?}");
            }
        }
    }
}
