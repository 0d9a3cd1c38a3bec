//! The motifs: drawings in SVG, a document per department, a group per motif.
//!
//! A drawing fills a box of 400 × 400 and stands on y = 350. Its classes name colours, not values: `m`
//! the product's own, `a` its accent, `w` wood, `s` steel, `k` near-black, `p` paper, `r` red, `y` yellow,
//! `gr` green, each but the last three with `d` for darker and most with `l` for lighter; `g` glass, `h` a
//! highlight, `d` a shade. With `l` in front they are strokes. `dots`, `ribs` and `t` are textures.

use resvg::usvg::roxmltree::{Document, Node};

pub(super) const DOCUMENTS: [&str; 12] = [
    include_str!("motifs/beauty.svg"),
    include_str!("motifs/clothing.svg"),
    include_str!("motifs/computers.svg"),
    include_str!("motifs/electronics.svg"),
    include_str!("motifs/furniture.svg"),
    include_str!("motifs/garden.svg"),
    include_str!("motifs/home.svg"),
    include_str!("motifs/office.svg"),
    include_str!("motifs/pets.svg"),
    include_str!("motifs/shoes.svg"),
    include_str!("motifs/sports.svg"),
    include_str!("motifs/toys.svg"),
];

/// One drawing.
#[derive(Debug)]
pub(super) struct Motif {
    /// The group, as SVG.
    pub(super) drawing: String,
    /// Whether it fills the width of its box, so that it is shown a little smaller.
    pub(super) wide: bool,
    /// Whether it hangs, so that it casts no shadow on the floor.
    pub(super) hangs: bool,
}

/// All drawings, by what the ids of their products begin with.
pub(super) struct Motifs {
    by_prefix: Vec<(String, Motif)>,
}

impl Motifs {
    pub(super) fn read() -> Result<Self, String> {
        let mut by_prefix = Vec::new();
        for text in DOCUMENTS {
            let document = Document::parse(text).map_err(|error| error.to_string())?;
            for group in document.root_element().children().filter(Node::is_element) {
                let flag = |name: &str| group.attribute(name).is_some();
                for prefix in group.attribute("data-for").unwrap_or_default().split(' ') {
                    let motif = Motif {
                        drawing: text[group.range()].to_owned(),
                        wide: flag("data-wide"),
                        hangs: flag("data-hangs"),
                    };
                    by_prefix.push((prefix.to_owned(), motif));
                }
            }
        }
        Ok(Self { by_prefix })
    }

    /// The motif whose prefix says most of the id.
    pub(super) fn of(&self, id: &str) -> Option<&Motif> {
        let fits = |prefix: &str| {
            id.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        self.by_prefix
            .iter()
            .filter(|(prefix, _)| fits(prefix))
            .max_by_key(|(prefix, _)| prefix.len())
            .map(|(_, motif)| motif)
    }
}
