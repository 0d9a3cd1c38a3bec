//! Five hundred photos at once, some of them broken, some of them bombs: every good one becomes pictures, every other
//! one is refused or a dead letter, and what makes the pictures stays small.

use std::{cell::Cell, fs, time::Duration};

use bothways_tests::{
    Case, Launcher, Options, Product, Reply, Shop, cases, entries, eventually, photo, word,
};
use futures::{StreamExt as _, future::join_all, stream};
use image::ImageFormat;

pub(crate) fn cases() -> Vec<Case> {
    cases![of_five_hundred_photos_every_good_one_becomes_pictures]
}

const GOOD: usize = 475;
const BROKEN: usize = 20;
const BOMBS: usize = 5;
/// What a process that makes pictures may take at its peak, in KiB.
const MOST_MEMORY: u64 = 300 * 1024;
/// How long all of it may take on a busy machine of two cores, in a debug build.
const DONE: Duration = Duration::from_mins(6);
/// The pixels of a bomb: more than a photo may have.
const BOMB: u32 = 30_000;

/// A photo of the kind that shops are sent, of one of the three formats.
fn good(index: usize) -> (&'static str, Vec<u8>) {
    let (media_type, format) = match index % 3 {
        0 => ("image/jpeg", ImageFormat::Jpeg),
        1 => ("image/png", ImageFormat::Png),
        _ => ("image/webp", ImageFormat::WebP),
    };
    (media_type, photo::file(photo::quarters(1_200, 900), format))
}

/// Uploads until it is taken or refused for good: so many at once may be told to come again.
async fn upload(shop: &Shop, product: &Product, media_type: &str, file: &[u8]) -> Reply {
    eventually(DONE, "the upload is answered", async || {
        let put = shop.put(&product.photo_path()).bearer(&shop.admin().await);
        let reply = put.body(media_type, file.to_vec()).try_send().await?;
        if matches!(reply.status, 429 | 503) {
            Err(reply.summary())
        } else {
            Ok(reply)
        }
    })
    .await
}

/// The highest peak of memory among the processes that make pictures, in KiB.
async fn peak_memory(shop: &Shop) -> u64 {
    let control = shop.control();
    let pids = match shop.architecture() {
        "serverless" => control.instances("thumbnails").await,
        architecture => Vec::from_iter(control.process(architecture, "media").await.pid),
    };
    let peak = |pid: i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    pids.into_iter().filter_map(peak).max().unwrap_or_default()
}

/// How many of the products show pictures.
async fn pictured(shop: &Shop, products: &[Product]) -> usize {
    let mut pictured = 0;
    for some in products.chunks(100) {
        let ids: Vec<&str> = some.iter().map(|product| product.id.as_str()).collect();
        let read = shop.get("/api/products").query(&[("ids", &ids.join(","))]);
        let read = read.send().await.expect(200);
        let shown = entries(&read["products"]).iter();
        pictured += shown
            .filter(|product| product["images"].is_object())
            .count();
    }
    pictured
}

async fn of_five_hundred_photos_every_good_one_becomes_pictures(given: &Shop) {
    let launcher = Launcher::start(Options::of(given.architecture()).impatient_queues());
    let shop = launcher.shop(given.architecture());
    let tag = word();
    let products: Vec<Product> = (0..GOOD + BROKEN + BOMBS)
        .map(|n| shop.product().id(&format!("{tag}-{n}")).unwritten())
        .collect();
    let lines: Vec<String> = products.iter().map(Product::line).collect();
    let import = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    let imported = import.body("application/x-ndjson", lines.join("\n"));
    assert_eq!(imported.send().await.expect(200)["created"], products.len());

    let files: Vec<_> = (0..3).map(good).collect();
    let (broken, bomb) = (photo::claiming(500, 500), photo::claiming(BOMB, BOMB));
    let file_of = |index: usize| match index {
        0..GOOD => (files[index % 3].0, files[index % 3].1.as_slice()),
        index if index < GOOD + BROKEN => ("image/png", broken.as_slice()),
        _ => ("image/png", bomb.as_slice()),
    };
    let peak = Cell::new(0);
    let uploads = join_all(products.iter().enumerate().map(async |(index, product)| {
        let (media_type, file) = file_of(index);
        upload(&shop, product, media_type, file).await
    }));
    let replies = uploads.await;
    for taken in &replies[..GOOD + BROKEN] {
        taken.expect(202);
    }
    for refused in &replies[GOOD + BROKEN..] {
        refused.problem("not-an-image");
    }

    eventually(DONE, "every good photo has become pictures", async || {
        peak.set(peak.get().max(peak_memory(&shop).await));
        match pictured(&shop, &products).await {
            GOOD => Ok(()),
            other => Err(format!("{other} of {GOOD}")),
        }
    })
    .await;
    eventually(DONE, "every broken photo is a dead letter", async || {
        let list = shop.get("/api/dead-letters?per_page=100");
        let list = list.bearer(&shop.admin().await).send().await.expect(200);
        let subjects = entries(&list["dead_letters"]).iter();
        let subjects: Vec<&str> = subjects.filter_map(|l| l["subject"].as_str()).collect();
        let broken = products.iter().skip(GOOD).take(BROKEN);
        let missing = broken.filter(|product| !subjects.contains(&product.id.as_str()));
        match (missing.count(), subjects.len()) {
            (0, BROKEN) => Ok(()),
            (missing, listed) => Err(format!("{missing} missing, {listed} listed")),
        }
    })
    .await;
    assert_eq!(pictured(&shop, &products).await, GOOD);
    // Each shows pictures that are there, of its own upload.
    let shown = stream::iter(products.iter().zip(&replies).take(GOOD));
    let mut shown = shown
        .map(async |(product, reply)| {
            let full = reply.must_header("location");
            let read = shop.get(&product.path()).send().await.expect(200);
            assert_eq!(read["images"]["full"], full);
            photo::decoded(&shop.get(full).send().await.body).dimensions()
        })
        .buffer_unordered(8);
    while let Some(size) = shown.next().await {
        assert_eq!(size, (1_200, 900));
    }
    let peak = peak.get().max(peak_memory(&shop).await);
    eprintln!(
        "{}: at most {} MiB for pictures",
        shop.architecture(),
        peak / 1024
    );
    assert!(peak > 0 && peak < MOST_MEMORY, "{peak} KiB");
}
