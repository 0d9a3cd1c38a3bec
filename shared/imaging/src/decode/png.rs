//! Decodes PNG row by row; only an interlaced one has to be in memory whole.

use std::io::Cursor;

use bothways_domain::Result;
use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, Reader, Transformations};

use crate::{
    raster::{Raster, Samples},
    reduce::Reducer,
    refused,
};

type Source<'p> = Cursor<&'p [u8]>;

/// The pixels, and how to turn them.
pub(crate) fn decode(photo: &[u8]) -> Result<(Raster, Orientation)> {
    let mut decoder = Decoder::new(Cursor::new(photo));
    // Palettes become colours, and every sample has 8 bits.
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(refused)?;
    let samples = match reader.output_color_type() {
        (ColorType::Grayscale, BitDepth::Eight) => Samples::Grey,
        (ColorType::GrayscaleAlpha, BitDepth::Eight) => Samples::GreyAlpha,
        (ColorType::Rgb, BitDepth::Eight) => Samples::Rgb,
        (ColorType::Rgba, BitDepth::Eight) => Samples::Rgba,
        (other, _) => return Err(refused(format!("{other:?} can't be shown"))),
    };
    let (width, height) = reader.info().size();
    let mut reducer = Reducer::new(width, height, samples);
    if reader.info().interlaced {
        push_whole(&mut reader, &mut reducer)?;
    } else {
        while let Some(row) = reader.next_row().map_err(refused)? {
            reducer.push(row.data());
        }
    }
    // What the camera noted may also come after the pixels.
    reader.finish().map_err(refused)?;
    let noted = reader.info().exif_metadata.as_deref();
    let orientation = noted.and_then(Orientation::from_exif_chunk);
    Ok((
        reducer.finish(),
        orientation.unwrap_or(Orientation::NoTransforms),
    ))
}

fn push_whole(reader: &mut Reader<Source<'_>>, reducer: &mut Reducer) -> Result<()> {
    let size = reader.output_buffer_size();
    let mut whole = vec![0; size.ok_or_else(|| refused("it is too large"))?];
    let frame = reader.next_frame(&mut whole).map_err(refused)?;
    let rows = whole.chunks_exact(frame.line_size);
    rows.take(frame.height as usize)
        .for_each(|row| reducer.push(row));
    Ok(())
}
