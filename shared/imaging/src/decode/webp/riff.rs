//! The container of WebP (RFC 9649, section 2): chunks, each with a name of four letters and a size.

use bothways_domain::Result;

use crate::refused;

/// What is before the first chunk: `RIFF`, a size, `WEBP`.
const HEADER: usize = 12;

/// The contents of the first chunk of this name.
pub(super) fn chunk(file: &[u8], name: [u8; 4]) -> Result<&[u8]> {
    let mut rest = file.get(HEADER..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *head;
        let size = u32::from_le_bytes(size) as usize;
        let contents = after.get(..size);
        let contents = contents.ok_or_else(|| refused("a chunk is cut off"))?;
        if [a, b, c, d] == name {
            return Ok(contents);
        }
        // Chunks begin at even places.
        rest = after.get(size + size % 2..).unwrap_or_default();
    }
    Err(refused("a chunk is missing"))
}

/// A file that holds nothing but this chunk.
pub(super) fn simple(name: [u8; 4], contents: &[u8]) -> Vec<u8> {
    let padding = contents.len() % 2;
    let size = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    let mut file = Vec::with_capacity(HEADER + 8 + contents.len() + padding);
    file.extend(b"RIFF");
    file.extend(size(HEADER + contents.len() + padding));
    file.extend(b"WEBP");
    file.extend(name);
    file.extend(size(contents.len()));
    file.extend(contents);
    file.resize(file.len() + padding, 0);
    file
}
