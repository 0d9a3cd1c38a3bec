//! Contact sheets: many small pictures side by side, to look at.

use resvg::tiny_skia::{Color, Pixmap, PixmapPaint, Transform};

use super::{Illustrator, Subject, opaque_png};

const COLUMNS: usize = 8;
const ROWS: usize = 6;
/// Pixels from one picture to the next, and of a picture.
const STEP: u32 = 200;
const THUMB: u32 = 192;

/// Draws the subjects in their order; PNG files, and the ids of what has no motif.
pub(crate) fn contact_sheets(
    illustrator: &Illustrator,
    subjects: &[Subject],
) -> Result<(Vec<Vec<u8>>, Vec<String>), String> {
    let mut missing = Vec::new();
    let mut sheets = Vec::new();
    for page in subjects.chunks(COLUMNS * ROWS) {
        let mut sheet = Pixmap::new(STEP * 8, STEP * 6).ok_or("a sheet needs an edge")?;
        sheet.fill(Color::WHITE);
        for (subject, place) in page.iter().zip(0_u32..) {
            let Some(picture) = illustrator.draw(subject, THUMB)? else {
                missing.push(subject.id.clone());
                continue;
            };
            let at = |index: u32| i32::try_from(index * STEP).unwrap_or_default();
            sheet.draw_pixmap(
                at(place % 8),
                at(place / 8),
                picture.as_ref(),
                &PixmapPaint::default(),
                Transform::identity(),
                None,
            );
        }
        sheets.push(opaque_png(&sheet)?);
    }
    Ok((sheets, missing))
}
