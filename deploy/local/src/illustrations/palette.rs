//! The colours of one picture.

#![expect(clippy::unreadable_literal, reason = "colours are written RRGGBB")]

use super::Subject;
use super::colour::{Colour, named_in};

/// A backdrop: the light wall, the shape on it, the floor.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backdrop {
    pub(super) wall: Colour,
    pub(super) shape: Colour,
    pub(super) floor: Colour,
}

const fn backdrop(wall: u32, shape: u32, floor: u32) -> Backdrop {
    Backdrop {
        wall: Colour::new(wall),
        shape: Colour::new(shape),
        floor: Colour::new(floor),
    }
}

/// One family of backdrops for the whole shop, so that its pages look of a piece.
const BACKDROPS: [Backdrop; 9] = [
    backdrop(0xf5ede1, 0xe9d5bb, 0xeadcc7),
    backdrop(0xf7e9e2, 0xefc9b9, 0xeed7cb),
    backdrop(0xe9f0e6, 0xc5d8bd, 0xd6e3d0),
    backdrop(0xe5eff3, 0xb8d4df, 0xcfe1e8),
    backdrop(0xeeeaf5, 0xcfc4e4, 0xdfd8ec),
    backdrop(0xf9f1d9, 0xf0d995, 0xf0e3bb),
    backdrop(0xe2f0ec, 0xacd5c9, 0xcae4dc),
    backdrop(0xf3e6ea, 0xe3bfca, 0xe9d2d9),
    backdrop(0xe8ebf2, 0xb9c5dd, 0xd2d9e8),
];

/// Main colours for what names none, and accents beside any.
const COLOURS: [u32; 12] = [
    0xd9694a, 0x2f7f86, 0xe0a33a, 0x3f5f95, 0x8a5a83, 0x5f8f63, 0xc65b6d, 0x46727f, 0xe58a55,
    0x6a6fa8, 0x9a8f4a, 0x4f8fb0,
];

/// The colours of one picture.
#[derive(Debug)]
pub(super) struct Palette {
    pub(super) main: Colour,
    pub(super) accent: Colour,
    pub(super) wood: Colour,
    pub(super) backdrop: Backdrop,
}

impl Palette {
    /// The product's own colours where its attributes or name say them, others by its id.
    pub(super) fn of(subject: &Subject) -> Self {
        let attribute = |name: &str| subject.attributes.get(name).map_or("", String::as_str);
        let mut own = named_in(attribute("Colour"));
        own.extend(named_in(&subject.name));
        let materials = named_in(attribute("Material"));
        own.extend(&materials);
        let chosen = |purpose: &str| Colour::new(COLOURS[subject.chance(purpose) % COLOURS.len()]);
        let main = own.first().copied().unwrap_or_else(|| chosen("main"));
        let differs = |colour: &Colour| colour.distance(main) > 130.0;
        let accent = own.into_iter().find(differs).unwrap_or_else(|| {
            let start = subject.chance("accent");
            let others =
                (0..COLOURS.len()).map(|step| Colour::new(COLOURS[(start + step) % COLOURS.len()]));
            others.into_iter().find(differs).unwrap_or(main)
        });
        Self {
            main,
            accent,
            wood: named_in(attribute("Material"))
                .into_iter()
                .chain(named_in(attribute("Colour")))
                .find(|colour| WOODS.contains(colour))
                .unwrap_or(WOODS[subject.chance("wood") % 3]),
            backdrop: backdrop_for(subject, main),
        }
    }
}

const WOODS: [Colour; 8] = [
    Colour::new(0xc5995f),
    Colour::new(0xdcb484),
    Colour::new(0xd9bd93),
    Colour::new(0xe3cca3),
    Colour::new(0xe0bc8a),
    Colour::new(0x74513a),
    Colour::new(0xc78f58),
    Colour::new(0xdfc193),
];

/// One of the backdrops before which the colour shows.
fn backdrop_for(subject: &Subject, main: Colour) -> Backdrop {
    let start = subject.chance("backdrop");
    let choice = |step: usize| BACKDROPS[(start + step) % BACKDROPS.len()];
    (0..BACKDROPS.len())
        .map(choice)
        .find(|backdrop| {
            backdrop.wall.distance(main) > 90.0 && backdrop.shape.distance(main) > 105.0
        })
        .or_else(|| {
            let far = |backdrop: &Backdrop| backdrop.shape.distance(main);
            (0..BACKDROPS.len())
                .map(choice)
                .max_by(|a, b| far(a).total_cmp(&far(b)))
        })
        .unwrap_or(BACKDROPS[0])
}
