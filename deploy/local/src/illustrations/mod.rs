//! Pictures for the seed catalogue, drawn from the project's own motifs: which motif a product is shown
//! as, in which colours and before which backdrop follows from what it is, so that a picture is the same
//! every time.

mod colour;
mod motif;
mod palette;
mod scene;
mod sheet;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use motif::Motifs;
use palette::Palette;

pub(crate) use sheet::contact_sheets;

/// Edge of a picture in pixels.
const EDGE: u32 = 1_000;

/// What a picture of a product depends on.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Subject {
    pub(crate) id: String,
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) category: Vec<String>,
    #[serde(default)]
    pub(crate) attributes: std::collections::BTreeMap<String, String>,
}

impl Subject {
    /// A number that looks random and is always the same; `purpose` gives others.
    fn chance(&self, purpose: &str) -> usize {
        let digest = Sha256::digest(format!("{purpose} {}", self.id));
        usize::from(u16::from_be_bytes([digest[0], digest[1]]))
    }
}

/// Draws pictures.
pub(crate) struct Illustrator {
    motifs: Motifs,
}

impl Illustrator {
    /// Reads the motifs.
    pub(crate) fn new() -> Result<Self, String> {
        Ok(Self {
            motifs: Motifs::read()?,
        })
    }

    /// Changes when pictures do.
    pub(crate) fn digest() -> String {
        let mut digest = Sha256::new();
        digest.update(EDGE.to_be_bytes());
        for document in motif::DOCUMENTS {
            digest.update(document);
        }
        crate::hex::encode(&digest.finalize())
    }

    /// A product's picture as a PNG; `None` when there is no motif for it.
    pub(crate) fn picture(&self, subject: &Subject) -> Result<Option<Vec<u8>>, String> {
        let Some(pixels) = self.draw(subject, EDGE)? else {
            return Ok(None);
        };
        opaque_png(&pixels).map(Some)
    }

    /// A product's picture at another size.
    fn draw(&self, subject: &Subject, edge: u32) -> Result<Option<Pixmap>, String> {
        let Some(motif) = self.motifs.of(&subject.id) else {
            return Ok(None);
        };
        let svg = scene::compose(subject, motif, &Palette::of(subject));
        let tree = usvg::Tree::from_str(&svg, &usvg::Options::default())
            .map_err(|error| format!("the picture of {}: {error}", subject.id))?;
        let mut pixels = Pixmap::new(edge, edge).ok_or("a picture needs an edge")?;
        #[expect(clippy::cast_precision_loss, reason = "edges are far below 2^24")]
        let scale = edge as f32 / tree.size().width();
        resvg::render(
            &tree,
            Transform::from_scale(scale, scale),
            &mut pixels.as_mut(),
        );
        Ok(Some(pixels))
    }
}

/// Encodes without the alpha channel, which a scene that covers its canvas does not need.
fn opaque_png(pixels: &Pixmap) -> Result<Vec<u8>, String> {
    let mut colours = Vec::with_capacity(pixels.data().len() / 4 * 3);
    for pixel in pixels.data().chunks_exact(4) {
        colours.extend_from_slice(&pixel[..3]);
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    encoder
        .write_header()
        .and_then(|mut writer| writer.write_image_data(&colours))
        .map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
