//! What making pictures takes of memory at most. A process of its own, as Linux counts by process.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{fs, io::Write as _};

use bothways_domain::media::Imaging as _;
use bothways_imaging::Studio;
use webp::{Encoder, PixelLayout};

const WIDTH: u32 = 8_000;
const HEIGHT: u32 = 5_000;
/// What a worker may take, less what the rest of its process takes.
const MOST_MEGABYTES: u64 = 260;

/// A PNG of 40 megapixels, of 16 bits and with alpha: 320 MB, were it decoded as it is.
fn deep_png() -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Sixteen);
    let mut writer = encoder.write_header().unwrap();
    let mut stream = writer.stream_writer().unwrap();
    let row = vec![0x7f; WIDTH as usize * 8];
    for _ in 0..HEIGHT {
        stream.write_all(&row).unwrap();
    }
    stream.finish().unwrap();
    drop(writer);
    file
}

fn webp(layout: PixelLayout, lossless: bool) -> Vec<u8> {
    let bytes = if layout.is_alpha() { 4 } else { 3 };
    let pixels: Vec<u8> = (0..WIDTH as usize * HEIGHT as usize * bytes)
        .map(|n| u8::try_from((n / bytes / 400_000) % 256).unwrap())
        .collect();
    let encoder = Encoder::new(&pixels, layout, WIDTH, HEIGHT);
    let mut config = webp::WebPConfig::new().unwrap();
    config.lossless = lossless.into();
    config.quality = 10.0;
    config.method = 2;
    encoder.encode_advanced(&config).unwrap().to_vec()
}

fn baseline_jpeg() -> Vec<u8> {
    let mut file = Vec::new();
    let image = image::RgbImage::from_pixel(WIDTH, HEIGHT, image::Rgb([9, 99, 199]));
    let mut encoder = image::codecs::jpeg::JpegEncoder::new_with_quality(&mut file, 50);
    encoder.encode_image(&image).unwrap();
    file
}

/// What /proc/self/status says of this process's memory, in megabytes.
fn memory(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let kilobytes = line.unwrap().trim().strip_suffix(" kB").unwrap();
    kilobytes.parse::<u64>().unwrap() / 1_024
}

/// From now on the peak is counted afresh (proc(5), `/proc/pid/clear_refs`); what is in memory now, such as the photos.
fn forget_peak() -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    memory("VmRSS:")
}

/// How much more than `before` there was in memory at most.
fn growth(before: u64) -> u64 {
    memory("VmHWM:") - before
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_largest_photos_of_every_kind_at_once_stay_within_bounds() {
    let photos = [
        ("a deep PNG", deep_png()),
        ("a baseline JPEG", baseline_jpeg()),
        ("a lossy WebP", webp(PixelLayout::Rgb, false)),
        ("a lossy WebP with alpha", webp(PixelLayout::Rgba, false)),
        ("a lossless WebP", webp(PixelLayout::Rgb, true)),
        ("a lossless WebP with alpha", webp(PixelLayout::Rgba, true)),
    ];
    for (kind, photo) in &photos {
        let before = forget_peak();
        let made = Studio::default().scale(photo.clone()).await;
        assert!(made.is_ok(), "{kind}: {made:?}");
        let megabytes = growth(before);
        println!("{kind} of {} kB: {megabytes} MB", photo.len() / 1_024);
        assert!(megabytes < MOST_MEGABYTES, "{kind}: {megabytes} MB");
    }
    let before = forget_peak();
    let studio = Studio::default();
    let work = photos.map(|(_, photo)| {
        let studio = studio.clone();
        tokio::spawn(async move { studio.scale(photo).await })
    });
    for made in work {
        assert!(made.await.unwrap().is_ok());
    }
    let megabytes = growth(before);
    println!("all at once: {megabytes} MB");
    assert!(megabytes < MOST_MEGABYTES, "all at once: {megabytes} MB");
}
