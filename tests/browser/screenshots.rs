//! Pictures of every page, phone and desktop, light and dark, of a shop with the seed catalogue:
//!
//! ```sh
//! SCREENSHOTS=target/screenshots cargo test -p bothways-tests --test browser
//! ```
//!
//! With `SHOP_URL` and its administrator they are of that shop; it wants the seed catalogue.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bothways_tests::{Shop, entries, eventually, seeded_shop};
use serde_json::json;

use crate::{
    outages::says,
    tour::{self, Goods},
    visitor::{Scheme, Screen, Visitor},
};

/// How long the pictures of the whole seed catalogue may take to be drawn, uploaded and resized.
const PICTURES: Duration = Duration::from_mins(15);

const LOOKS: [(Screen, Scheme, &str); 4] = [
    (Screen::Phone, Scheme::Light, "phone-light"),
    (Screen::Phone, Scheme::Dark, "phone-dark"),
    (Screen::Desktop, Scheme::Light, "desktop-light"),
    (Screen::Desktop, Scheme::Dark, "desktop-dark"),
];

const SETTLE: &str = "const done = arguments[0]; Promise.all([...document.images].map((image) => \
                      image.decode().catch(() => {}))).then(() => requestAnimationFrame(() => done()))";
const HEIGHT: &str = "return document.documentElement.scrollHeight";

/// Takes all of them into `folder`, which is made when it is missing; relative to the workspace.
pub(crate) fn take(folder: &Path) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(folder);
    fs::create_dir_all(&folder).expect("a folder for the pictures");
    let (shop, launcher) = seeded_shop("microservices");
    bothways_tests::runtime().block_on(
        Camera {
            shop,
            folder: folder.clone(),
        }
        .tour(),
    );
    drop(launcher);
    println!("the pictures are in {}", folder.display());
}

struct Camera {
    shop: Shop,
    folder: PathBuf,
}

impl Camera {
    async fn tour(&self) {
        let goods = self.goods().await;
        let guest = Visitor::new(&self.shop).await;
        tour::browsing(&guest, &goods, async |page: &str| {
            self.shoot(&guest, page).await;
        })
        .await;
        self.suggestions(&guest).await;
        let buyer = Visitor::new(&self.shop).await;
        tour::buying(&buyer, &goods, async |page: &str| {
            self.shoot(&buyer, page).await;
        })
        .await;
        let manager = Visitor::new(&self.shop).await;
        let shoot = async |page: &str| self.shoot(&manager, page).await;
        tour::managing(&manager, &self.shop, &goods, shoot).await;
        if self.shop.access().control.is_some() {
            self.outages(&guest, &goods).await;
        }
    }

    /// What is shown while inventory is down, and search as well.
    async fn outages(&self, visitor: &Visitor, goods: &Goods) {
        let (control, architecture) = (self.shop.control(), self.shop.architecture());
        control.order(architecture, "inventory", "stop").await;
        says(visitor, &goods.product, "stock unknown").await;
        self.shoot(visitor, "product-stock-unknown").await;
        control.order(architecture, "search", "stop").await;
        says(visitor, "/", "search is resting").await;
        self.shoot(visitor, "home-search-rests").await;
        control.mend(architecture).await;
    }

    /// Something of the seed catalogue, once all of it has its pictures.
    async fn goods(&self) -> Goods {
        for page in 1.. {
            if eventually(PICTURES, "pictures of everything", async || {
                self.pictured(page).await
            })
            .await
                == 0
            {
                break;
            }
        }
        let search = "/api/search?q=kettle&in_stock=true";
        let found = self.shop.get(search).send().await.expect(200);
        let product = &found["hits"][0]["id"];
        let id = product.as_str().expect("a product has an id");
        Goods {
            words: "kettle".to_owned(),
            product: format!("/products/{id}"),
        }
    }

    /// How many products this page of all has, each with a picture.
    async fn pictured(&self, page: u32) -> Result<usize, String> {
        let path = format!("/api/search?per_page=100&page={page}");
        let found = self.shop.get(&path).send().await.expect(200);
        let hits = entries(&found["hits"]);
        match hits.iter().filter(|hit| hit["image"].is_null()).count() {
            0 => Ok(hits.len()),
            bare => Err(format!("{bare} without")),
        }
    }

    async fn suggestions(&self, visitor: &Visitor) {
        visitor.open("/").await;
        visitor.append("Search the shop", "ket").await;
        visitor.finds("option", "ket").await;
        self.shoot(visitor, "suggestions").await;
    }

    /// The whole page, as long as it is, in every look.
    async fn shoot(&self, visitor: &Visitor, page: &str) {
        for (screen, scheme, look) in LOOKS {
            visitor.look(screen, scheme).await;
            let height = visitor.run(HEIGHT, vec![]).await;
            visitor
                .resize(screen, height.as_u64().expect("a height"))
                .await;
            visitor.run_async(SETTLE, vec![]).await;
            let shot = visitor
                .tell("Page.captureScreenshot", json!({ "format": "png" }))
                .await;
            let shot = shot["data"]
                .as_str()
                .map(|data| BASE64_STANDARD.decode(data));
            let shot = shot.expect("a picture").expect("base64");
            fs::write(self.folder.join(format!("{page}-{look}.png")), shot).expect("room");
            visitor.look(screen, scheme).await;
        }
    }
}
