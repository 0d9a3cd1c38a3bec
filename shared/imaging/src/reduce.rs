//! Reduces a photo while its rows are decoded, so that a large one is never in memory whole.
//!
//! Each block of `factor` by `factor` pixels becomes their mean. What is left is still at least twice the largest
//! variant, which a better filter then makes of it.

use bothways_domain::media::Variant;

use crate::raster::{Raster, Samples};

/// Takes rows from top to bottom.
pub(crate) struct Reducer {
    samples: Samples,
    factor: usize,
    width: usize,
    /// Sums of the block row at hand: red, green, blue (each weighted by alpha) and alpha.
    sums: Vec<[u32; 4]>,
    rows: usize,
    pixels: Vec<u8>,
    height: u32,
}

impl Reducer {
    /// A reducer for a photo of this size.
    pub(crate) fn new(width: u32, height: u32, samples: Samples) -> Self {
        let enough = 2 * Variant::Full.longest_edge();
        // Sums of more pixels than this would not fit.
        let factor = (width.max(height) / enough).clamp(1, 128) as usize;
        let blocks = (width as usize).div_ceil(factor);
        Self {
            samples,
            factor,
            width: width as usize,
            sums: vec![[0; 4]; blocks],
            rows: 0,
            pixels: Vec::new(),
            height: 0,
        }
    }

    /// Takes the next row.
    pub(crate) fn push(&mut self, row: &[u8]) {
        let pixels = row.chunks_exact(self.samples.per_pixel());
        if self.factor == 1 {
            self.height += 1;
            if self.samples.channels() == self.samples.per_pixel() {
                self.pixels.extend_from_slice(row);
                return;
            }
            for pixel in pixels.take(self.width) {
                let rgba = self.samples.rgba(pixel);
                let kept = &rgba[..self.samples.channels()];
                self.pixels.extend_from_slice(kept);
            }
            return;
        }
        let block = self.samples.per_pixel() * self.factor;
        for (sum, block) in self.sums.iter_mut().zip(row.chunks(block)) {
            for pixel in block.chunks_exact(self.samples.per_pixel()) {
                let [red, green, blue, alpha] = self.samples.rgba(pixel).map(u32::from);
                sum[0] += red * alpha;
                sum[1] += green * alpha;
                sum[2] += blue * alpha;
                sum[3] += alpha;
            }
        }
        self.rows += 1;
        if self.rows == self.factor {
            self.finish_blocks();
        }
    }

    fn finish_blocks(&mut self) {
        for (index, sum) in self.sums.iter_mut().enumerate() {
            let [red, green, blue, alpha] = std::mem::take(sum);
            let columns = self.factor.min(self.width - index * self.factor);
            let count = u32::try_from(columns * self.rows).unwrap_or(1);
            let mean = |sum: u32| (sum + alpha / 2) / alpha.max(1);
            let rgba = [mean(red), mean(green), mean(blue), alpha / count.max(1)];
            let rgba = rgba.map(|value| u8::try_from(value).unwrap_or(u8::MAX));
            self.pixels
                .extend_from_slice(&rgba[..self.samples.channels()]);
        }
        self.height += 1;
        self.rows = 0;
    }

    /// What became of the rows.
    pub(crate) fn finish(mut self) -> Raster {
        if self.rows > 0 {
            self.finish_blocks();
        }
        let width = self.width.div_ceil(self.factor);
        Raster {
            width: u32::try_from(width).unwrap_or(u32::MAX),
            height: self.height,
            channels: self.samples.channels(),
            pixels: self.pixels,
        }
    }
}
