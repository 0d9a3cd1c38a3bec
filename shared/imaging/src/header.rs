//! What a photo's headers say, without decoding it.

use std::io::Cursor;

use bothways_domain::{Result, media::MAX_PIXELS};

use crate::refused;

/// The longest edge a photo may have: what JPEG can say. Rows of a longer one would not fit into memory either.
const MAX_EDGE: u32 = 65_535;

/// The formats that are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
}

/// A photo's format and size.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) format: Format,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Header {
    /// Reads the headers, and refuses what no picture can be made of.
    pub(crate) fn read(photo: &[u8]) -> Result<Self> {
        let format =
            Format::of(photo).ok_or_else(|| refused("it is neither JPEG nor PNG nor WebP"))?;
        let (width, height) = match format {
            Format::Jpeg => jpeg_size(photo)?,
            Format::Png => png_size(photo)?,
            Format::Webp => webp_size(photo)?,
        };
        let header = Self {
            format,
            width,
            height,
        };
        if header.pixels() == 0 {
            return Err(refused("it has no pixels"));
        }
        if header.pixels() > MAX_PIXELS || width.max(height) > MAX_EDGE {
            let limit = MAX_PIXELS / 1_000_000;
            let why = format!(
                "{width} x {height} is too large: a photo has up to {limit} megapixels, {MAX_EDGE} on an edge"
            );
            return Err(refused(why));
        }
        Ok(header)
    }

    /// Width times height.
    pub(crate) fn pixels(&self) -> u64 {
        u64::from(self.width) * u64::from(self.height)
    }
}

impl Format {
    /// By the first bytes, whatever anybody said it is.
    fn of(photo: &[u8]) -> Option<Self> {
        match photo {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }
}

fn jpeg_size(photo: &[u8]) -> Result<(u32, u32)> {
    let mut decoder = jpeg_decoder::Decoder::new(photo);
    decoder.read_info().map_err(refused)?;
    let info = decoder.info();
    let info = info.ok_or_else(|| refused("it has no frame"))?;
    Ok((info.width.into(), info.height.into()))
}

fn png_size(photo: &[u8]) -> Result<(u32, u32)> {
    let mut decoder = png::Decoder::new(Cursor::new(photo));
    let info = decoder.read_header_info().map_err(refused)?;
    Ok((info.width, info.height))
}

fn webp_size(photo: &[u8]) -> Result<(u32, u32)> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(photo)).map_err(refused)?;
    if decoder.is_animated() {
        return Err(refused("an animation is no photo"));
    }
    let size = decoder.dimensions();
    // The decoder would allocate what the frame says before it compares that with what the canvas says.
    if lossy_frame_size(photo).is_some_and(|frame| frame != size) {
        return Err(refused("its frame has another size than its canvas"));
    }
    Ok(size)
}

/// The size in the frame of a lossy image (RFC 9649, section 2.5, and RFC 6386, section 9.1).
fn lossy_frame_size(photo: &[u8]) -> Option<(u32, u32)> {
    let mut rest = photo.get(12..)?;
    loop {
        let (head, after) = rest.split_at_checked(8)?;
        let (name, length) = head.split_at(4);
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        if name == b"VP8 " {
            let edge = |at: usize| {
                let bytes = after.get(at..at + 2)?;
                Some(u32::from(
                    u16::from_le_bytes(bytes.try_into().ok()?) & 0x3fff,
                ))
            };
            return Some((edge(6)?, edge(8)?));
        }
        rest = after.get(length.checked_add(length & 1)?..)?;
    }
}
