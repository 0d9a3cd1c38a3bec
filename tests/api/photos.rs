//! Photos of products, and the pictures made of them.

use bothways_tests::{
    Case, PICTURES, Product, SEARCH_LAG, SOON, Shop, cases, eventually, id,
    photo::{
        BLUE, GREEN, RED, WHITE, assert_quarters, claiming, decoded, file, noted, plain, quarters,
    },
};
use image::ImageFormat;
use reqwest::Method;
use serde_json::{Value, json};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        a_photo_of_every_format_becomes_three_pictures,
        the_location_of_an_upload_becomes_its_largest_picture,
        a_picture_is_kept_for_good_and_asked_about_by_its_tag,
        a_picture_answers_head,
        what_is_no_picture_is_not_found,
        media_takes_no_other_method,
        a_products_id_shows_its_present_picture,
        a_new_photo_replaces_the_old_and_old_paths_show_what_they_did,
        the_last_of_several_photos_stays,
        a_replaced_or_imported_product_keeps_its_pictures,
        search_shows_the_picture,
        related_products_show_their_pictures,
        a_cart_shows_the_picture,
        the_product_page_shows_the_picture,
        photos_are_turned_upright,
        what_the_camera_noted_is_gone,
        a_small_photo_is_not_enlarged,
        a_broken_photo_keeps_the_old_picture,
        a_deleted_product_has_no_picture,
    ]
}

const JPEG: &str = "image/jpeg";
const PNG: &str = "image/png";
const WEBP: &str = "image/webp";
const VARIANTS: [(&str, u32); 3] = [("thumb", 160), ("card", 480), ("full", 1200)];

fn jpeg(colour: [u8; 3]) -> Vec<u8> {
    file(plain(600, 400, colour), ImageFormat::Jpeg)
}

fn path(images: &Value, variant: &str) -> String {
    images[variant].as_str().unwrap_or_default().to_owned()
}

/// The colour in the middle of what is at a path.
async fn colour_at(shop: &Shop, path: &str) -> [u8; 3] {
    let reply = shop.get(path).send().await;
    assert_eq!(reply.status, 200, "{path}");
    let picture = decoded(&reply.body);
    picture
        .get_pixel(picture.width() / 2, picture.height() / 2)
        .0
}

async fn assert_shows(shop: &Shop, path: &str, colour: [u8; 3]) {
    let seen = colour_at(shop, path).await;
    let near = seen.iter().zip(colour).all(|(a, b)| a.abs_diff(b) < 16);
    assert!(near, "{path} shows {seen:?}, not {colour:?}");
}

async fn a_photo_of_every_format_becomes_three_pictures(shop: &Shop) {
    let kinds = [
        (JPEG, ImageFormat::Jpeg),
        (PNG, ImageFormat::Png),
        (WEBP, ImageFormat::WebP),
    ];
    for (media_type, format) in kinds {
        let product = shop.product().create().await;
        let photo = file(quarters(1600, 800), format);
        let images = product.photograph(shop, media_type, photo).await;
        for (variant, edge) in VARIANTS {
            let reply = shop.get(&path(&images, variant)).send().await;
            assert_eq!(reply.must_header("content-type"), WEBP);
            let picture = decoded(&reply.body);
            assert_eq!(picture.dimensions(), (edge, edge / 2), "{variant}");
            assert_quarters(&picture, [RED, GREEN, BLUE, WHITE]);
        }
    }
}

async fn the_location_of_an_upload_becomes_its_largest_picture(shop: &Shop) {
    let product = shop.product().create().await;
    let reply = product.upload(shop, JPEG, jpeg(RED)).await;
    reply.expect(202);
    let location = reply.must_header("location").to_owned();
    eventually(PICTURES, "the picture is there", async || {
        let reply = shop.get(&location).send().await;
        match reply.status {
            200 => {
                assert_eq!(decoded(&reply.body).dimensions(), (600, 400));
                Ok(())
            }
            404 => Err(reply.problem("not-found").to_string()),
            _ => panic!("{}", reply.summary()),
        }
    })
    .await;
    assert_shows(shop, &location, RED).await;
}

async fn a_picture_is_kept_for_good_and_asked_about_by_its_tag(shop: &Shop) {
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let mut tags = Vec::new();
    for (variant, _) in VARIANTS {
        let path = path(&images, variant);
        let first = shop.get(&path).send().await;
        let caching = "public, max-age=31536000, immutable";
        assert_eq!(first.must_header("cache-control"), caching);
        let tag = first.must_header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag} is strong");
        let again = shop.get(&path).header("if-none-match", &tag).send().await;
        assert_eq!((again.status, again.body.len()), (304, 0));
        assert_eq!(again.must_header("etag"), tag);
        assert_eq!(again.must_header("cache-control"), caching);
        let other = shop.get(&path).header("if-none-match", "\"other\"");
        assert_eq!(other.send().await.status, 200);
        assert!(!tags.contains(&tag), "each variant has its own");
        tags.push(tag);
    }
}

async fn a_picture_answers_head(shop: &Shop) {
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let path = path(&images, "card");
    let get = shop.get(&path).send().await;
    let head = shop.ask(&Method::HEAD, &path).send().await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    for name in ["etag", "content-type", "cache-control"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

async fn what_is_no_picture_is_not_found(shop: &Shop) {
    let bare = shop.product().create().await;
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let picture = path(&images, "card").replace("/card", "");
    for path in [
        format!("/media/{}/card", bare.id),
        format!("/media/{}/card", id()),
        "/media/%20/card".to_owned(),
        format!("{picture}/huge"),
        format!("{picture}/"),
        format!("{picture}/card.webp"),
        format!("{picture}/card/card"),
        picture,
    ] {
        shop.get(&path).send().await.problem("not-found");
    }
}

async fn media_takes_no_other_method(shop: &Shop) {
    let path = format!("/media/{}/card", id());
    let posted = shop.post(&path).json(&json!({})).send().await;
    posted.problem("method-not-allowed");
    let product = shop.product().create().await;
    let read = shop.get(&product.photo_path()).send().await;
    read.problem("method-not-allowed");
}

async fn a_products_id_shows_its_present_picture(shop: &Shop) {
    let product = shop.product().create().await;
    let path = format!("/media/{}/full", product.id);
    shop.get(&path).send().await.problem("not-found");
    let mut tags = Vec::new();
    for colour in [RED, BLUE] {
        product.photograph(shop, JPEG, jpeg(colour)).await;
        assert_shows(shop, &path, colour).await;
        let reply = shop.get(&path).send().await;
        assert_eq!(reply.must_header("cache-control"), "no-cache");
        let tag = reply.must_header("etag").to_owned();
        let again = shop.get(&path).header("if-none-match", &tag).send().await;
        assert_eq!(again.status, 304);
        tags.push(tag);
    }
    let old = shop.get(&path).header("if-none-match", &tags[0]);
    assert_eq!(old.send().await.status, 200, "it is another picture now");
}

async fn a_new_photo_replaces_the_old_and_old_paths_show_what_they_did(shop: &Shop) {
    let product = shop.product().create().await;
    let old = product.photograph(shop, JPEG, jpeg(RED)).await;
    let new = product.photograph(shop, JPEG, jpeg(GREEN)).await;
    for (variant, _) in VARIANTS {
        assert_ne!(old[variant], new[variant]);
        assert_shows(shop, &path(&old, variant), RED).await;
        assert_shows(shop, &path(&new, variant), GREEN).await;
    }
}

async fn the_last_of_several_photos_stays(shop: &Shop) {
    let product = shop.product().create().await;
    for colour in [RED, GREEN, RED, GREEN] {
        product.upload(shop, JPEG, jpeg(colour)).await.expect(202);
    }
    let last = product.photograph(shop, JPEG, jpeg(BLUE)).await;
    assert_shows(shop, &path(&last, "card"), BLUE).await;
    let shown = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(shown["images"], last);
}

async fn a_replaced_or_imported_product_keeps_its_pictures(shop: &Shop) {
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let replaced = product.with("name", "Renamed").put(shop).await.expect(200);
    assert_eq!(replaced["images"], images);
    let line = product.with("name", "Renamed again").line();
    shop.post("/api/products/import")
        .bearer(&shop.admin().await)
        .body("application/x-ndjson", line)
        .send()
        .await
        .expect(200);
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(
        (&read["name"], &read["images"]),
        (&json!("Renamed again"), &images)
    );
}

async fn search_shows_the_picture(shop: &Shop) {
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    eventually(SEARCH_LAG, "search shows the picture", async || {
        let query = [("q", product.word.as_str())];
        let found = shop.get("/api/search").query(&query).send().await;
        let hit = found.expect(200)["hits"][0].clone();
        let shown = hit["id"] == product.id.as_str() && hit["image"] == images["card"];
        if shown { Ok(()) } else { Err(hit.to_string()) }
    })
    .await;
    // Restocking and a new price must not take it away again.
    shop.restock(&product.id, 3).await;
    let dear = product.with("price", bothways_tests::money(7_777));
    dear.put(shop).await.expect(200);
    eventually(SEARCH_LAG, "search shows the new price", async || {
        let query = [("q", product.word.as_str())];
        let found = shop.get("/api/search").query(&query).send().await;
        let hit = found.expect(200)["hits"][0].clone();
        let current = hit["price"]["amount"] == 7_777 && hit["availability"] == "low_stock";
        if !current {
            return Err(hit.to_string());
        }
        assert_eq!(hit["image"], images["card"]);
        Ok(())
    })
    .await;
}

async fn related_products_show_their_pictures(shop: &Shop) {
    let product = shop.product().alone().create().await;
    let category = product.body["category"].clone();
    let other = shop.product().with("category", category).create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let read = shop.get(&other.path()).send().await.expect(200);
    assert_eq!(read["related"][0]["image"], images["card"]);
    let several = shop.get("/api/products").query(&[("ids", &product.id)]);
    assert_eq!(
        several.send().await.expect(200)["products"][0]["images"],
        images
    );
}

async fn a_cart_shows_the_picture(shop: &Shop) {
    let product = shop.product().stock(5).create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let cart = shop.cart().await;
    let filled = cart.put(&product.id, 2).await.expect(200);
    assert_eq!(filled["items"][0]["image"], images["thumb"]);
}

async fn the_product_page_shows_the_picture(shop: &Shop) {
    let product = shop.product().create().await;
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let page = format!("/products/{}", product.id);
    let page = shop.get(&page).send().await;
    assert_eq!(page.status, 200);
    let html = String::from_utf8_lossy(&page.body).into_owned();
    assert!(html.contains(&path(&images, "full")), "{html}");
}

async fn photos_are_turned_upright(shop: &Shop) {
    // What is seen of red, green / blue, white (Exif 2.32, section 4.6.4, Orientation).
    let ways = [
        (1, [RED, GREEN, BLUE, WHITE]),
        (2, [GREEN, RED, WHITE, BLUE]),
        (3, [WHITE, BLUE, GREEN, RED]),
        (4, [BLUE, WHITE, RED, GREEN]),
        (5, [RED, BLUE, GREEN, WHITE]),
        (6, [BLUE, RED, WHITE, GREEN]),
        (7, [WHITE, GREEN, BLUE, RED]),
        (8, [GREEN, WHITE, RED, BLUE]),
    ];
    let turned = ways.map(async |(orientation, expected)| {
        let product = shop.product().create().await;
        let photo = noted(&quarters(400, 200), orientation);
        let images = product.photograph(shop, JPEG, photo).await;
        let reply = shop.get(&path(&images, "full")).send().await;
        let picture = decoded(&reply.body);
        let lies = orientation < 5;
        let size = if lies { (400, 200) } else { (200, 400) };
        assert_eq!(picture.dimensions(), size, "{orientation}");
        assert_quarters(&picture, expected);
    });
    futures::future::join_all(turned).await;
}

async fn what_the_camera_noted_is_gone(shop: &Shop) {
    let product = shop.product().create().await;
    let photo = noted(&quarters(400, 200), 1);
    let contains = |file: &[u8], text: &[u8]| file.windows(text.len()).any(|w| w == text);
    assert!(
        contains(&photo, b"GPSPLACE"),
        "the photo tells where it was taken"
    );
    let images = product.photograph(shop, JPEG, photo).await;
    for (variant, _) in VARIANTS {
        let picture = shop.get(&path(&images, variant)).send().await.body;
        for text in [&b"GPSPLACE"[..], b"EXIF", b"Exif", b"XMP "] {
            assert!(!contains(&picture, text), "{variant}");
        }
    }
}

async fn a_small_photo_is_not_enlarged(shop: &Shop) {
    let product = shop.product().create().await;
    let photo = file(plain(200, 100, BLUE), ImageFormat::Png);
    let images = product.photograph(shop, PNG, photo).await;
    for (variant, size) in [
        ("thumb", (160, 80)),
        ("card", (200, 100)),
        ("full", (200, 100)),
    ] {
        let picture = shop.get(&path(&images, variant)).send().await.body;
        assert_eq!(decoded(&picture).dimensions(), size, "{variant}");
    }
}

/// Its headers are fine, so that the upload is taken; what follows them is not there.
async fn a_broken_photo_keeps_the_old_picture(shop: &Shop) {
    let (product, other) = (shop.product().create().await, shop.product().create().await);
    let images = product.photograph(shop, JPEG, jpeg(RED)).await;
    let broken = product.upload(shop, PNG, claiming(500, 500)).await;
    broken.expect(202);
    let location = broken.must_header("location").to_owned();
    // Others are made meanwhile, so the broken one has had its turn; and it holds up none.
    other.photograph(shop, JPEG, jpeg(GREEN)).await;
    let still_shows = async |product: &Product| {
        let read = shop.get(&product.path()).send().await.expect(200);
        assert_eq!(read["images"], images);
        shop.get(&location).send().await.problem("not-found");
    };
    still_shows(&product).await;
    assert_shows(shop, &path(&images, "card"), RED).await;
    let better = product.photograph(shop, JPEG, jpeg(BLUE)).await;
    assert_ne!(better, images);
    assert_shows(shop, &path(&better, "card"), BLUE).await;
}

async fn a_deleted_product_has_no_picture(shop: &Shop) {
    let product = shop.product().create().await;
    product.photograph(shop, JPEG, jpeg(RED)).await;
    product.delete(shop).await;
    let path = format!("/media/{}/card", product.id);
    eventually(SOON, "the picture is gone", async || {
        let reply = shop.get(&path).send().await;
        if reply.status == 404 {
            Ok(())
        } else {
            Err(reply.summary())
        }
    })
    .await;
    product.put(shop).await.expect(201);
    let read = shop.get(&product.path()).send().await.expect(200);
    assert_eq!(
        read["images"],
        Value::Null,
        "another product of the same id"
    );
}
