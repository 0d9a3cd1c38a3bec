//! Pixels in memory.

/// Rows of 8-bit pixels from top to bottom: red, green, blue and, with four channels, alpha (not premultiplied).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raster {
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// 3 or 4.
    pub(crate) channels: usize,
    pub(crate) pixels: Vec<u8>,
}

/// What the samples of a decoder's rows are, 8 bits each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Samples {
    Grey,
    GreyAlpha,
    Rgb,
    Rgba,
}

impl Samples {
    /// How many make a pixel.
    pub(crate) fn per_pixel(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::GreyAlpha => 2,
            Self::Rgb => 3,
            Self::Rgba => 4,
        }
    }

    /// How many channels a raster of them has.
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Grey | Self::Rgb => 3,
            Self::GreyAlpha | Self::Rgba => 4,
        }
    }

    /// A pixel as red, green, blue and alpha.
    pub(crate) fn rgba(self, pixel: &[u8]) -> [u8; 4] {
        match (self, pixel) {
            (Self::Grey, &[grey]) => [grey, grey, grey, u8::MAX],
            (Self::GreyAlpha, &[grey, alpha]) => [grey, grey, grey, alpha],
            (Self::Rgb, &[red, green, blue]) => [red, green, blue, u8::MAX],
            (Self::Rgba, &[red, green, blue, alpha]) => [red, green, blue, alpha],
            _ => [0; 4],
        }
    }
}
