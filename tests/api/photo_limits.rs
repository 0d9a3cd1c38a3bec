//! What a photo may be: each limit at it and one past it, and who may upload.

use bothways_tests::{
    Case, Reply, Shop, cases, id,
    photo::{RED, claiming, file, plain},
};
use image::ImageFormat;

pub(crate) fn cases() -> Vec<Case> {
    cases![
        uploading_needs_a_sign_in,
        uploading_needs_an_administrator,
        a_photo_of_an_unknown_product_is_not_found,
        an_impossible_product_is_refused,
        what_is_no_photo_is_refused_whatever_it_says_it_is,
        the_content_decides_and_not_the_header,
        a_content_type_that_is_no_photo_is_refused,
        a_photo_that_is_nothing_or_ends_at_once_is_refused,
        forty_megapixels_are_taken_and_a_row_more_is_not,
        a_bomb_is_refused,
        a_photo_without_pixels_is_refused,
        a_photo_of_exactly_4_mib_is_taken_and_one_byte_more_is_not,
        a_refused_photo_changes_nothing,
    ]
}

const PNG: &str = "image/png";

fn photo() -> Vec<u8> {
    file(plain(20, 10, RED), ImageFormat::Png)
}

/// Uploads to a product of its own.
async fn upload(shop: &Shop, media_type: &str, photo: Vec<u8>) -> Reply {
    let product = shop.product().create().await;
    product.upload(shop, media_type, photo).await
}

async fn uploading_needs_a_sign_in(shop: &Shop) {
    let product = shop.product().create().await;
    let path = product.photo_path();
    let ask = || shop.put(&path).body(PNG, photo());
    ask().send().await.problem("unauthenticated");
    let wrong = ask().bearer("nonsense").send().await;
    wrong.problem("unauthenticated");
}

async fn uploading_needs_an_administrator(shop: &Shop) {
    let product = shop.product().create().await;
    let user = shop.user().await;
    let refused = shop
        .put(&product.photo_path())
        .bearer(&user.access_token)
        .body(PNG, photo())
        .send()
        .await;
    refused.problem("forbidden");
}

async fn a_photo_of_an_unknown_product_is_not_found(shop: &Shop) {
    let product = shop.product().unwritten();
    let refused = product.upload(shop, PNG, photo()).await;
    refused.problem("not-found");
}

async fn an_impossible_product_is_refused(shop: &Shop) {
    for impossible in ["a%20b", &"x".repeat(65)] {
        let refused = shop
            .put(&format!("/api/products/{impossible}/photo"))
            .bearer(&shop.admin().await)
            .body(PNG, photo())
            .send()
            .await;
        refused.invalid("/id");
    }
}

async fn what_is_no_photo_is_refused_whatever_it_says_it_is(shop: &Shop) {
    let others = [
        &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
        b"GIF89a\x01\0\x01\0\0\0\0;",
        b"BM\x1e\0\0\0\0\0\0\0\x1a\0\0\0",
        b"%PDF-1.7",
        b"MZ\x90\0",
        b"RIFF\x04\0\0\0WAVE",
    ];
    for other in others {
        for media_type in ["image/jpeg", PNG, "image/webp"] {
            let refused = upload(shop, media_type, other.to_vec()).await;
            refused.problem("not-an-image");
        }
    }
}

async fn the_content_decides_and_not_the_header(shop: &Shop) {
    for media_type in ["image/jpeg", "image/webp", "IMAGE/JPEG; q=1"] {
        upload(shop, media_type, photo()).await.expect(202);
    }
}

async fn a_content_type_that_is_no_photo_is_refused(shop: &Shop) {
    for media_type in [
        "image/gif",
        "image/svg+xml",
        "application/octet-stream",
        "text/plain",
        "image",
    ] {
        let refused = upload(shop, media_type, photo()).await;
        refused.problem("unsupported-media-type");
    }
    let product = shop.product().create().await;
    let silent = shop
        .put(&product.photo_path())
        .bearer(&shop.admin().await)
        .bare_body(photo())
        .send()
        .await;
    silent.problem("unsupported-media-type");
}

async fn a_photo_that_is_nothing_or_ends_at_once_is_refused(shop: &Shop) {
    let photo = photo();
    for length in [0, 1, 8, 20] {
        let refused = upload(shop, PNG, photo[..length].to_vec()).await;
        refused.problem("not-an-image");
    }
}

async fn forty_megapixels_are_taken_and_a_row_more_is_not(shop: &Shop) {
    upload(shop, PNG, claiming(8_000, 5_000)).await.expect(202);
    for (width, height) in [(8_000, 5_001), (8_001, 5_000)] {
        let refused = upload(shop, PNG, claiming(width, height)).await;
        refused.problem("not-an-image");
    }
}

async fn a_bomb_is_refused(shop: &Shop) {
    let refused = upload(shop, PNG, claiming(50_000, 50_000)).await;
    let problem = refused.problem("not-an-image");
    assert!(
        problem["detail"]
            .as_str()
            .is_some_and(|detail| detail.contains("megapixels"))
    );
    let mut jpeg = file(plain(16, 16, RED), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|pair| pair == [0xff, 0xc0]);
    let frame = frame.expect("a frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    upload(shop, "image/jpeg", jpeg)
        .await
        .problem("not-an-image");
}

async fn a_photo_without_pixels_is_refused(shop: &Shop) {
    for (width, height) in [(0, 10), (10, 0)] {
        let refused = upload(shop, PNG, claiming(width, height)).await;
        refused.problem("not-an-image");
    }
}

/// What follows a PNG's end is padding to its readers.
async fn a_photo_of_exactly_4_mib_is_taken_and_one_byte_more_is_not(shop: &Shop) {
    const LIMIT: usize = 4 * 1024 * 1024;
    let mut photo = photo();
    photo.resize(LIMIT, 0);
    upload(shop, PNG, photo.clone()).await.expect(202);
    photo.push(0);
    upload(shop, PNG, photo).await.problem("payload-too-large");
}

async fn a_refused_photo_changes_nothing(shop: &Shop) {
    let product = shop.product().create().await;
    let before = shop.get(&product.path()).send().await.expect(200);
    for photo in [claiming(50_000, 50_000), b"no photo".to_vec()] {
        let refused = product.upload(shop, PNG, photo).await;
        refused.problem("not-an-image");
    }
    let after = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(before["images"], after["images"]);
    assert_eq!(before["updated_at"], after["updated_at"]);
    let never = format!("/media/{}/card", id());
    shop.get(&never).send().await.problem("not-found");
}
