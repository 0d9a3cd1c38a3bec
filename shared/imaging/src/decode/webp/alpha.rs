//! The alpha of a lossy image (RFC 9649, section 2.7.1.2): a plane of a byte a pixel, as it is or as the green of a
//! lossless image of its own, of which differences to neighbours may be kept.

use bothways_domain::Result;

use super::{riff, whole};
use crate::refused;

/// The plane, row by row.
pub(super) fn plane(file: &[u8], width: u32, height: u32) -> Result<Vec<u8>> {
    let contents = riff::chunk(file, *b"ALPH")?;
    let (how, contents) = contents
        .split_first()
        .ok_or_else(|| refused("its alpha is empty"))?;
    let pixels = width as usize * height as usize;
    let mut plane: Vec<u8> = match how & 0b11 {
        0 => contents.get(..pixels).unwrap_or_default().to_vec(),
        1 => {
            let lossless = riff::simple(*b"VP8L", &headed(contents, width, height));
            let whole = whole(&lossless, (width, height))?;
            whole.chunks_exact(4).map(|pixel| pixel[1]).collect()
        }
        _ => return Err(refused("its alpha is of an unknown kind")),
    };
    if plane.len() != pixels {
        return Err(refused("its alpha is cut off"));
    }
    undo(how >> 2 & 0b11, &mut plane, width as usize);
    Ok(plane)
}

/// The lossless image with the header that it has when it is no alpha: signature, size, that there is alpha.
fn headed(contents: &[u8], width: u32, height: u32) -> Vec<u8> {
    const SIGNATURE: u8 = 0x2f;
    const ALPHA_IS_USED: u32 = 1 << 28;
    let size = (width - 1) | (height - 1) << 14 | ALPHA_IS_USED;
    let mut image = vec![SIGNATURE];
    image.extend(size.to_le_bytes());
    image.extend(contents);
    image
}

/// Makes values of differences.
fn undo(filter: u8, plane: &mut [u8], width: usize) {
    if filter == 0 {
        return;
    }
    for place in 0..plane.len() {
        let (x, y) = (place % width, place / width);
        let left = || plane[place - 1];
        let above = || plane[place - width];
        let expected = match (filter, x, y) {
            (_, 0, 0) => 0,
            (_, 0, _) => above(),
            (_, _, 0) | (1, ..) => left(),
            (2, ..) => above(),
            _ => {
                let corner = plane[place - width - 1];
                let gradient = i16::from(left()) + i16::from(above()) - i16::from(corner);
                u8::try_from(gradient.clamp(0, 255)).unwrap_or(u8::MAX)
            }
        };
        plane[place] = plane[place].wrapping_add(expected);
    }
}

#[cfg(test)]
mod tests {
    use webp::{Encoder, PixelLayout, WebPConfig};

    use super::*;

    const WIDTH: u32 = 61;
    const HEIGHT: u32 = 47;

    /// A lossy image whose alpha goes up and down in both directions.
    fn file(filtering: i32, compression: i32) -> Vec<u8> {
        let pixel = |n: u32| {
            let (x, y) = (n % WIDTH, n / WIDTH);
            [
                200,
                100,
                50,
                u8::try_from((x * 7 + y * y + x * y / 3) % 256).unwrap(),
            ]
        };
        let pixels: Vec<u8> = (0..WIDTH * HEIGHT).flat_map(pixel).collect();
        let mut config = WebPConfig::new().unwrap();
        config.alpha_filtering = filtering;
        config.alpha_compression = compression;
        let encoder = Encoder::new(&pixels, PixelLayout::Rgba, WIDTH, HEIGHT);
        encoder.encode_advanced(&config).unwrap().to_vec()
    }

    #[test]
    fn alpha_is_what_libwebp_says_however_it_was_kept() {
        for (filtering, compression) in [(0, 0), (0, 1), (1, 1), (2, 1), (2, 0)] {
            let file = file(filtering, compression);
            let theirs = webp::Decoder::new(&file).decode().unwrap();
            let theirs: Vec<u8> = theirs.chunks_exact(4).map(|pixel| pixel[3]).collect();
            let ours = plane(&file, WIDTH, HEIGHT).unwrap();
            assert!(
                ours == theirs,
                "filtering {filtering}, compression {compression}"
            );
        }
    }

    #[test]
    fn every_filter_is_undone() {
        let values = [9_u8, 12, 7, 30, 31, 200, 5, 5, 6, 250, 249, 0];
        let width = 4;
        for filter in 0..4 {
            // The filter itself, from the values as they are.
            let expected = |place: usize| {
                let mut known = [0; 12];
                known[..place].copy_from_slice(&values[..place]);
                let (x, y) = (place % width, place / width);
                let at = |x: usize, y: usize| i16::from(known[y * width + x]);
                match (filter, x, y) {
                    (0, ..) | (_, 0, 0) => 0,
                    (_, 0, _) => at(0, y - 1),
                    (_, _, 0) | (1, ..) => at(x - 1, y),
                    (2, ..) => at(x, y - 1),
                    _ => (at(x - 1, y) + at(x, y - 1) - at(x - 1, y - 1)).clamp(0, 255),
                }
            };
            let mut plane: Vec<u8> = (0..12)
                .map(|place| values[place].wrapping_sub(u8::try_from(expected(place)).unwrap()))
                .collect();
            undo(filter, &mut plane, width);
            assert_eq!(plane, values, "filter {filter}");
        }
    }

    #[test]
    fn a_plane_that_is_cut_off_or_of_another_size_is_refused() {
        let file = file(0, 0);
        assert!(plane(&file, WIDTH, HEIGHT + 1).is_err());
        let compressed = self::file(1, 1);
        assert!(plane(&compressed, WIDTH + 1, HEIGHT).is_err());
        assert!(plane(&file[..file.len() / 2], WIDTH, HEIGHT).is_err());
        assert!(plane(b"RIFF", WIDTH, HEIGHT).is_err());
    }
}
