//! The shop's own synonyms: a file beside the snapshots that can be edited while the shop is open.

use std::fs;

use bothways_domain::search::SearchIndex;

use crate::world::{World, product, searcher};

const FILE: &str = "snapshots/synonyms.txt";

async fn world() -> World {
    World::with(vec![
        product("bottle", "Steel water bottle", "", ""),
        product("set", "Television", "", ""),
    ])
    .await
}

/// Puts the file there and waits until it counts.
async fn edit(world: &World, text: impl AsRef<[u8]>) {
    fs::write(world.folder.path().join(FILE), text).unwrap();
    world.publisher.refresh_synonyms().await.unwrap();
    world.searcher.refresh().await.unwrap();
}

#[tokio::test]
async fn edited_synonyms_count_at_once_and_replace_the_ordinary_ones() {
    let world = world().await;
    assert!(world.find("canteen").await.is_empty());
    assert_eq!(world.find("tv").await, ["set"]);
    edit(&world, "# Camping\ncanteen, bottle\n").await;
    assert_eq!(world.find("canteen").await, ["bottle"]);
    assert!(world.find("tv").await.is_empty());
    edit(&world, "flask, bottle\n").await;
    assert!(world.find("canteen").await.is_empty());
    assert_eq!(world.find("flask").await, ["bottle"]);
    fs::remove_file(world.folder.path().join(FILE)).unwrap();
    world.publisher.refresh_synonyms().await.unwrap();
    world.searcher.refresh().await.unwrap();
    assert!(world.find("flask").await.is_empty());
    assert_eq!(world.find("tv").await, ["set"]);
}

#[tokio::test]
async fn every_searcher_has_the_synonyms_of_its_snapshot() {
    let world = world().await;
    edit(&world, "canteen, bottle\n").await;
    let later = searcher(world.folder.path()).await;
    let request = crate::world::asking("canteen");
    let page = bothways_domain::search::SearchApi::search(&later, &request)
        .await
        .unwrap();
    assert_eq!(page.total, 1);
}

#[tokio::test]
async fn synonyms_that_did_not_change_publish_nothing() {
    let world = world().await;
    edit(&world, "canteen, bottle\n").await;
    let version = world.searcher.version();
    world.publisher.refresh_synonyms().await.unwrap();
    assert!(!world.searcher.refresh().await.unwrap());
    assert_eq!(world.searcher.version(), version);
}

#[tokio::test]
async fn a_file_that_is_no_text_leaves_the_synonyms_as_they_were() {
    let world = world().await;
    edit(&world, "canteen, bottle\n").await;
    edit(&world, [0xff, 0xfe, 0x00]).await;
    assert_eq!(world.find("canteen").await, ["bottle"]);
    let more = vec![product("flask", "Flask", "", "")];
    world.publisher.apply(more, Vec::new()).await.unwrap();
    world.searcher.refresh().await.unwrap();
    assert_eq!(world.find("canteen").await, ["bottle"]);
}
