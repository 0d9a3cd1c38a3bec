//! Colours, and the names shops give them.

#![expect(clippy::unreadable_literal, reason = "colours are written RRGGBB")]

use std::fmt;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Colour {
    red: f32,
    green: f32,
    blue: f32,
}

impl Colour {
    /// From `0xRRGGBB`.
    pub(super) const fn new(hex: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a channel is one byte")]
        const fn channel(byte: u32) -> f32 {
            (byte & 0xff) as f32
        }
        Self {
            red: channel(hex >> 16),
            green: channel(hex >> 8),
            blue: channel(hex),
        }
    }

    /// This much (0–1) of another colour mixed in.
    pub(super) fn mixed(self, other: Self, share: f32) -> Self {
        let mix = |from: f32, to: f32| from + (to - from) * share;
        Self {
            red: mix(self.red, other.red),
            green: mix(self.green, other.green),
            blue: mix(self.blue, other.blue),
        }
    }

    /// In shade: towards a dark blue rather than black, as shadows look.
    pub(super) fn darker(self) -> Self {
        self.mixed(Self::new(0x141b2d), 0.22)
    }

    /// In light.
    pub(super) fn lighter(self) -> Self {
        self.mixed(Self::new(0xfffbf2), 0.3)
    }

    /// How different two colours look, from 0 to about 760.
    pub(super) fn distance(self, other: Self) -> f32 {
        let (red, green, blue) = (
            self.red - other.red,
            self.green - other.green,
            self.blue - other.blue,
        );
        // The eye weighs green most.
        (2.0 * red * red + 4.0 * green * green + 3.0 * blue * blue).sqrt()
    }
}

impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let byte = |channel: f32| channel.round().clamp(0.0, 255.0);
        write!(
            f,
            "rgb({},{},{})",
            byte(self.red),
            byte(self.green),
            byte(self.blue)
        )
    }
}

/// Words for colours, and for materials that have one.
const NAMES: &[(&str, u32)] = &[
    ("anthracite", 0x3d4249),
    ("ash", 0xd9bd93),
    ("bamboo", 0xd8bd84),
    ("bark", 0x6f6049),
    ("beech", 0xdcb484),
    ("birch", 0xe3cca3),
    ("black", 0x34363d),
    ("blue", 0x4a78b5),
    ("bottle", 0x2a5a48),
    ("brass", 0xc9a24e),
    ("brick", 0xb5533c),
    ("camel", 0xc1925c),
    ("cast", 0x41454c),
    ("chalk", 0xeeebe3),
    ("charcoal", 0x4a4e57),
    ("cherry", 0xa8323e),
    ("chestnut", 0x84492c),
    ("clay", 0xc07f63),
    ("cobalt", 0x2f57a8),
    ("coral", 0xef7d66),
    ("cork", 0xc99c6b),
    ("cream", 0xf2e7cf),
    ("cyan", 0x2aa5cf),
    ("dark brown", 0x5b3f2f),
    ("dark green", 0x2f5441),
    ("duck-egg", 0x9fc4be),
    ("ebony", 0x38322f),
    ("ecru", 0xeae0cb),
    ("felt", 0x9a9a9c),
    ("frog", 0x64a344),
    ("glacier", 0xa7cad6),
    ("glass", 0xbcd6da),
    ("gold", 0xd2a94f),
    ("graphite", 0x52565f),
    ("green", 0x5c8d5a),
    ("greens", 0x5c8d5a),
    ("grey", 0x9aa0a8),
    ("heather", 0x9b8aa5),
    ("honey", 0xd69a45),
    ("indigo", 0x38476f),
    ("ink", 0x2d3a5e),
    ("ivory", 0xf1ead8),
    ("larch", 0xc78f58),
    ("leather", 0x9a6238),
    ("lichen", 0xa5ad83),
    ("light blue", 0xa3c3e4),
    ("lilac", 0xb9a3d6),
    ("lime", 0xb4cf3f),
    ("linen", 0xe3d8c2),
    ("magenta", 0xc93d87),
    ("maple", 0xe0bc8a),
    ("marigold", 0xeba22f),
    ("mint", 0x9ed2b8),
    ("mirror", 0xc6d8de),
    ("moss", 0x727f4c),
    ("mustard", 0xd4a12f),
    ("natural", 0xdfc7a0),
    ("navy", 0x2e3f66),
    ("nettle", 0x6c8f5e),
    ("oak", 0xc5995f),
    ("oat", 0xdbcbae),
    ("oatmeal", 0xdccfb8),
    ("ocean", 0x2f7396),
    ("olive", 0x7d7a45),
    ("orange", 0xf07b32),
    ("orchard", 0x7ba05b),
    ("oxblood", 0x6f2b33),
    ("peat", 0x5f4c3c),
    ("pebble", 0xada79c),
    ("petrol", 0x28606c),
    ("pine", 0x3f6b52),
    ("plum", 0x74405f),
    ("plywood", 0xdfc193),
    ("putty", 0xc8bba6),
    ("red", 0xc8443f),
    ("rose", 0xd98f95),
    ("rust", 0xb5613a),
    ("sage", 0x9db092),
    ("sand", 0xd8c29c),
    ("sea green", 0x5aa79a),
    ("signal", 0xf4702a),
    ("slate", 0x64717f),
    ("spruce", 0xcfa676),
    ("stainless", 0xb9c1c8),
    ("steel", 0xaab4bd),
    ("stone", 0xbdb5a8),
    ("stoneware", 0xc4b49b),
    ("sunflower", 0xf3bd31),
    ("tan", 0xb97f4b),
    ("teal", 0x2e8b8b),
    ("terracotta", 0xc9714c),
    ("tweed", 0x8b8277),
    ("walnut", 0x74513a),
    ("white", 0xf6f4ef),
    ("yellow", 0xf0c53c),
];

/// The colours a text names, in its order; of two names at one place the longer.
pub(super) fn named_in(text: &str) -> Vec<Colour> {
    let text = text.to_lowercase();
    let mut found: Vec<(usize, usize, u32)> = Vec::new();
    for (name, hex) in NAMES {
        for (at, _) in text.match_indices(name) {
            let end = at + name.len();
            let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
            if !letter(text[..at].chars().next_back()) && !letter(text[end..].chars().next()) {
                found.push((at, end, *hex));
            }
        }
    }
    found.sort_by_key(|(at, end, _)| (*at, usize::MAX - *end));
    let mut reached = 0;
    found.retain(|(at, end, _)| {
        let keep = *at >= reached;
        if keep {
            reached = *end;
        }
        keep
    });
    found
        .into_iter()
        .map(|(_, _, hex)| Colour::new(hex))
        .collect()
}
