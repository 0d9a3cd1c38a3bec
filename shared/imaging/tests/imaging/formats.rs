//! Every format, in every kind of pixel it has.

use bothways_domain::media::{Imaging as _, Variant};
use bothways_imaging::Studio;
use image::{DynamicImage, GenericImageView as _, ImageFormat, Luma, LumaA, Rgba, RgbaImage};

use crate::photos::{BLUE, GREEN, RED, WHITE, assert_quarters, file, made, quarters};

const QUARTERS: [[u8; 3]; 4] = [RED, GREEN, BLUE, WHITE];

#[tokio::test]
async fn every_format_becomes_three_pictures_with_these_longest_edges() {
    let photo = DynamicImage::from(quarters(2_000, 1_000));
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let made = made(file(&photo, format)).await;
        let sizes = Variant::ALL.map(|variant| made[&variant].dimensions());
        assert_eq!(sizes, [(160, 80), (480, 240), (1200, 600)], "{format:?}");
        for variant in Variant::ALL {
            assert_quarters(&made[&variant], QUARTERS);
        }
    }
}

#[tokio::test]
async fn an_upright_photo_is_as_high_as_a_wide_one_is_wide() {
    let made = made(file(&quarters(300, 900).into(), ImageFormat::Jpeg)).await;
    let sizes = Variant::ALL.map(|variant| made[&variant].dimensions());
    assert_eq!(sizes, [(53, 160), (160, 480), (300, 900)]);
}

#[tokio::test]
async fn a_small_photo_is_never_enlarged() {
    for (width, height) in [(1, 1), (100, 60), (160, 160)] {
        let made = made(file(&quarters(width, height).into(), ImageFormat::Png)).await;
        for variant in Variant::ALL {
            assert_eq!(made[&variant].dimensions(), (width, height));
        }
    }
}

#[tokio::test]
async fn a_narrow_photo_keeps_at_least_a_pixel() {
    for (width, height) in [(60_000, 2), (2, 60_000)] {
        let made = made(file(&quarters(width, height).into(), ImageFormat::Png)).await;
        let (w, h) = made[&Variant::Thumb].dimensions();
        assert_eq!((w.max(h), w.min(h)), (160, 1));
    }
}

#[tokio::test]
async fn large_photos_look_the_same_as_small_ones() {
    // Reduced while decoding: by the transform, by blocks, and by blocks that do not come out even.
    for (width, height) in [(5_003, 2_501), (7_301, 5_411)] {
        let photo = DynamicImage::from(quarters(width, height));
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let made = made(file(&photo, format)).await;
            assert_eq!(made[&Variant::Full].width(), 1_200);
            for variant in Variant::ALL {
                assert_quarters(&made[&variant], QUARTERS);
            }
        }
    }
}

#[tokio::test]
async fn transparent_places_stay_transparent_and_do_not_stain_their_edges() {
    // Green where it is transparent, which must not show.
    let photo = |edge: u32| {
        RgbaImage::from_fn(edge, edge, |x, _| {
            if x < edge / 2 {
                Rgba([0, 255, 0, 0])
            } else {
                Rgba([200, 30, 30, 255])
            }
        })
    };
    for edge in [800, 4_801] {
        for format in [ImageFormat::Png, ImageFormat::WebP] {
            let made = made(file(&photo(edge).into(), format)).await;
            for variant in Variant::ALL {
                let picture = made[&variant].to_rgba8();
                let (width, height) = picture.dimensions();
                assert_eq!(picture.get_pixel(width / 4, height / 2).0[3], 0);
                let solid = picture.get_pixel(width * 3 / 4, height / 2).0;
                assert!(solid[3] == 255 && solid[0].abs_diff(200) < 14, "{solid:?}");
                let stained = picture
                    .pixels()
                    .filter(|pixel| pixel.0[3] > 128 && pixel.0[1] > 110);
                assert_eq!(stained.count(), 0, "{variant:?} of {edge} as {format:?}");
            }
        }
    }
}

#[tokio::test]
async fn pngs_of_every_depth_and_colour_are_fine() {
    let photo = DynamicImage::from(quarters(400, 300));
    let kinds = [
        photo.to_luma8().into(),
        photo.to_luma_alpha8().into(),
        photo.to_luma16().into(),
        photo.to_luma_alpha16().into(),
        photo.to_rgb8().into(),
        photo.to_rgb16().into(),
        photo.to_rgba8().into(),
        photo.to_rgba16().into(),
    ];
    for kind in kinds {
        let kind: DynamicImage = kind;
        let made = made(file(&kind, ImageFormat::Png)).await;
        let grey = kind.color().channel_count() < 3;
        let expected = if grey {
            QUARTERS.map(|color| {
                let luma = DynamicImage::from(image::RgbImage::from_pixel(1, 1, image::Rgb(color)));
                let Luma([luma]) = *luma.to_luma8().get_pixel(0, 0);
                [luma; 3]
            })
        } else {
            QUARTERS
        };
        assert_quarters(&made[&Variant::Card], expected);
    }
    let half = LumaA([90_u8, 128]);
    let sheer = DynamicImage::from(image::GrayAlphaImage::from_pixel(50, 50, half));
    let made = made(file(&sheer, ImageFormat::Png)).await;
    let alpha = made[&Variant::Thumb].to_rgba8().get_pixel(25, 25).0[3];
    assert!(alpha.abs_diff(128) < 4, "{alpha}");
}

#[tokio::test]
async fn palettes_interlacing_and_grey_jpegs_are_fine() {
    for interlaced in [false, true] {
        let made = made(palette(interlaced)).await;
        assert_quarters(&made[&Variant::Card], QUARTERS);
    }
    let grey = DynamicImage::from(quarters(400, 300).clone()).grayscale();
    let made = made(file(&grey, ImageFormat::Jpeg)).await;
    assert_eq!(made[&Variant::Card].dimensions(), (400, 300));
}

/// A PNG with a palette of four colours, two bits a pixel; interlaced, its single pass of pixels is that of a
/// height and width of one.
fn palette(interlaced: bool) -> Vec<u8> {
    let (width, height) = (400_u32, 300_u32);
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette(QUARTERS.concat());
    let mut writer = encoder.write_header().unwrap();
    let row = |below: bool| -> Vec<u8> {
        let byte = |column: u32| match (column < width / 8, below) {
            (true, false) => 0b0000_0000,
            (false, false) => 0b0101_0101,
            (true, true) => 0b1010_1010,
            (false, true) => 0b1111_1111,
        };
        (0..width / 4).map(byte).collect()
    };
    let rows: Vec<u8> = (0..height).flat_map(|y| row(y >= height / 2)).collect();
    writer.write_image_data(&rows).unwrap();
    drop(writer);
    if interlaced { adam7() } else { file }
}

/// The same quarters in seven passes (PNG, section 8.2), which no encoder at hand writes.
fn adam7() -> Vec<u8> {
    let image = quarters(400, 300);
    let passes = [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ];
    let mut lines = Vec::new();
    for (left, top, across, down) in passes {
        for y in (top..image.height()).step_by(down) {
            lines.push(0);
            for x in (left..image.width()).step_by(across) {
                lines.extend(image.get_pixel(x, y).0);
            }
        }
    }
    crate::bombs::png_of(image.width(), image.height(), 1, &lines)
}

#[tokio::test]
async fn lossy_webp_is_read_as_well_as_lossless() {
    // A picture of ours is lossy; made a photo, it becomes the same again.
    let photo = file(&quarters(900, 700).into(), ImageFormat::Png);
    let made_once = Studio::default().scale(photo).await.unwrap();
    let (_, full) = made_once
        .into_iter()
        .find(|(variant, _)| *variant == Variant::Full)
        .unwrap();
    let made = made(full).await;
    assert_eq!(made[&Variant::Full].dimensions(), (900, 700));
    assert_quarters(&made[&Variant::Card], QUARTERS);
}
