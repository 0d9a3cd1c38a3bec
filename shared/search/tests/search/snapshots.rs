//! How snapshots are published and followed, and what happens when they are damaged.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bothways_domain::{
    Error,
    search::{SearchApi, SearchIndex},
};
use bothways_search::{Publisher, PublisherOptions, Searcher, SearcherOptions};

use crate::world::{But, World, asking, assortment, id, ids, product, publisher, searcher};

fn files(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder)
        .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
        .unwrap_or_default()
}

fn newest_manifest(world: &World) -> PathBuf {
    files(&world.store().join("manifests"))
        .pop_last()
        .expect("a manifest")
}

#[tokio::test]
async fn before_the_first_snapshot_nothing_is_found() {
    let world = World::new().await;
    assert!(world.searcher.is_ready());
    assert_eq!(world.search(asking("mouse")).await.total, 0);
    assert!(world.searcher.suggest("m").await.unwrap().is_empty());
    assert!(world.publisher.is_empty().await.unwrap());
}

#[tokio::test]
async fn a_store_that_cannot_be_asked_is_unavailable_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    // A file where the folder of manifests should be cannot be listed.
    fs::write(folder.path().join("snapshots"), "in the way").unwrap();
    let url = format!("file://{}/snapshots/below", folder.path().display());
    let searcher = Searcher::open(&url).await.unwrap();
    assert!(!searcher.is_ready());
    let answer = searcher.search(&asking("mouse")).await;
    assert!(matches!(answer, Err(Error::Unavailable { what }) if what == "search"));
    fs::remove_file(folder.path().join("snapshots")).unwrap();
    let publisher = Publisher::open(&url).await.unwrap();
    publisher
        .apply(vec![product("a", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    assert!(searcher.refresh().await.unwrap());
    assert_eq!(searcher.search(&asking("mouse")).await.unwrap().total, 1);
}

#[tokio::test]
async fn changes_and_deletions_reach_searchers_that_follow() {
    let world = World::with(vec![
        product("a", "Mouse", "", ""),
        product("b", "Mouse", "", ""),
    ])
    .await;
    let options = SearcherOptions {
        interval: Duration::from_millis(10),
        ..SearcherOptions::default()
    };
    let url = world.url();
    let follower = Searcher::open_with(&url, options).await.unwrap();
    let following = tokio::spawn(follower.clone().follow());
    world
        .publisher
        .apply(vec![product("b", "Kettle", "", "")], vec![id("a")])
        .await
        .unwrap();
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while follower.search(&asking("mouse")).await.unwrap().total > 0 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the follower never saw the change"
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(
        ids(&follower.search(&asking("kettle")).await.unwrap()),
        ["b"]
    );
    following.abort();
}

#[tokio::test]
async fn a_function_sees_a_change_at_its_next_request() {
    let world = World::with(vec![product("a", "Mouse", "", "")]).await;
    let function = Searcher::open_beside(&world.url()).unwrap();
    assert_eq!(function.search(&asking("kettle")).await.unwrap().total, 0);
    world.put(vec![product("b", "Kettle", "", "")]).await;
    let deadline = tokio::time::Instant::now() + Duration::from_secs(5);
    while function.search(&asking("kettle")).await.unwrap().total == 0 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "the function never looked again"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_price_alone_writes_an_overlay_and_no_text() {
    let world = World::with(assortment(50)).await;
    let before = files(&world.store().join("files"));
    let mut changed = assortment(1);
    changed[0] = changed[0].clone().at(123_456);
    world.put(changed).await;
    let after = files(&world.store().join("files"));
    assert_eq!(after.difference(&before).count(), 1);
    assert_eq!(
        world
            .search(asking(""))
            .await
            .hits
            .iter()
            .filter(|hit| hit.price.amount() == 123_456)
            .count(),
        1
    );
}

#[tokio::test]
async fn what_is_already_so_publishes_nothing() {
    let world = World::with(assortment(20)).await;
    let version = world.searcher.version();
    world
        .publisher
        .apply(assortment(20), vec![id("never-there")])
        .await
        .unwrap();
    assert!(!world.searcher.refresh().await.unwrap());
    assert_eq!(world.searcher.version(), version);
}

#[tokio::test]
async fn a_new_indexer_goes_on_where_the_last_one_stopped() {
    let world = World::with(assortment(120)).await;
    let next = publisher(world.folder.path()).await;
    assert!(!next.is_empty().await.unwrap());
    next.apply(vec![product("new", "Zeppelin", "", "")], vec![id("p0003")])
        .await
        .unwrap();
    assert!(world.searcher.refresh().await.unwrap());
    assert_eq!(world.search(asking("")).await.total, 120);
    assert_eq!(world.find("zeppelin").await, ["new"]);
}

#[tokio::test]
async fn two_indexers_at_once_lose_nothing() {
    let world = World::new().await;
    let other = publisher(world.folder.path()).await;
    let put = async |publisher: &Publisher, prefix: &str| {
        for n in 0..8 {
            let indexed = product(&format!("{prefix}{n}"), "Zeppelin", "", "");
            // A batch that is beaten too often is refused, and comes again, as an event would.
            while publisher
                .apply(vec![indexed.clone()], Vec::new())
                .await
                .is_err()
            {}
        }
    };
    tokio::join!(put(&world.publisher, "a"), put(&other, "b"));
    world.searcher.refresh().await.unwrap();
    assert_eq!(world.search(asking("zeppelin")).await.total, 16);
    // Also when the first believes that nothing changed since.
    other
        .apply(vec![product("a0", "Kettle", "", "")], Vec::new())
        .await
        .unwrap();
    world.put(vec![product("a0", "Zeppelin", "", "")]).await;
    assert_eq!(world.search(asking("zeppelin")).await.total, 16);
}

#[tokio::test]
async fn a_damaged_snapshot_leaves_the_one_before_serving() {
    let world = World::with(vec![product("a", "Mouse", "", "")]).await;
    let version = world.searcher.version();
    let before = files(&world.store().join("files"));
    world
        .publisher
        .apply(vec![product("b", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    for new in files(&world.store().join("files")).difference(&before) {
        let bytes = fs::read(new).unwrap();
        fs::write(new, &bytes[..bytes.len() / 2]).unwrap();
    }
    assert!(world.searcher.refresh().await.is_err());
    assert_eq!(
        (world.searcher.version(), world.find("mouse").await),
        (version, vec!["a".to_owned()])
    );
    // It is said until it is over, and counted once however often it is tried.
    let _ = world.searcher.refresh().await;
    let said = |searcher: &Searcher| {
        let metrics = searcher.metrics();
        let lines = metrics.lines().filter(|line| line.contains("damaged"));
        let lines = lines.filter(|line| !line.starts_with('#'));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let damaged = [
        "search_snapshot_damaged 1",
        "search_snapshots_damaged_total 1",
    ];
    assert_eq!(said(&world.searcher), damaged);
    // A searcher that starts now falls back to the whole one.
    let late = searcher(world.folder.path()).await;
    assert_eq!(late.version(), version);
    assert_eq!(said(&late), damaged);
    // So does the next indexer, and what it publishes is whole.
    let next = publisher(world.folder.path()).await;
    next.apply(vec![product("c", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    assert!(world.searcher.refresh().await.unwrap());
    assert_eq!(world.find("mouse").await, ["a", "c"]);
    let whole = [
        "search_snapshot_damaged 0",
        "search_snapshots_damaged_total 1",
    ];
    assert_eq!(said(&world.searcher), whole);
}

#[tokio::test]
async fn a_torn_manifest_leaves_the_one_before_serving() {
    let world = World::with(vec![product("a", "Mouse", "", "")]).await;
    world
        .publisher
        .apply(vec![product("b", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    let manifest = newest_manifest(&world);
    let text = fs::read_to_string(&manifest).unwrap();
    fs::write(&manifest, &text[..text.len() / 2]).unwrap();
    assert!(world.searcher.refresh().await.is_err());
    assert_eq!(world.find("mouse").await, ["a"]);
    world
        .publisher
        .apply(vec![product("c", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    world.searcher.refresh().await.unwrap();
    assert_eq!(world.find("mouse").await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_missing_file_leaves_the_snapshot_before_serving() {
    let world = World::with(vec![product("a", "Mouse", "", "")]).await;
    let before = files(&world.store().join("files"));
    world
        .publisher
        .apply(vec![product("b", "Mouse", "", "")], Vec::new())
        .await
        .unwrap();
    let new: Vec<_> = files(&world.store().join("files"))
        .difference(&before)
        .cloned()
        .collect();
    let bytes = fs::read(&new[0]).unwrap();
    fs::remove_file(&new[0]).unwrap();
    assert!(world.searcher.refresh().await.is_err());
    assert_eq!(world.find("mouse").await, ["a"]);
    fs::write(&new[0], bytes).unwrap();
    assert!(world.searcher.refresh().await.unwrap());
    assert_eq!(world.find("mouse").await, ["a", "b"]);
}

#[tokio::test]
async fn old_files_and_manifests_go_after_a_while_and_current_ones_stay() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("file://{}", folder.path().display());
    let options = PublisherOptions {
        grace: Duration::ZERO,
        ..PublisherOptions::default()
    };
    let publisher = Publisher::open_with(&url, options).await.unwrap();
    for n in 0..40 {
        publisher
            .apply(
                vec![product(&format!("p{n}"), "Mouse", "", "").at(n)],
                Vec::new(),
            )
            .await
            .unwrap();
    }
    assert!(files(&folder.path().join("format-4/manifests")).len() <= 2);
    let kept = files(&folder.path().join("format-4/files")).len();
    assert!(kept < 150, "{kept} files are kept");
    let late = Searcher::open(&url).await.unwrap();
    assert_eq!(late.search(&asking("mouse")).await.unwrap().total, 40);
}

#[tokio::test]
async fn what_a_crashed_indexer_left_behind_is_swept() {
    let world = World::with(vec![product("a", "Mouse", "", "")]).await;
    let orphan = world.store().join("files").join("0".repeat(64));
    fs::write(&orphan, "half of something").unwrap();
    let url = world.url();
    let options = PublisherOptions {
        grace: Duration::ZERO,
        ..PublisherOptions::default()
    };
    // File times are in milliseconds here and the orphan has to be older.
    tokio::time::sleep(Duration::from_millis(5)).await;
    Publisher::open_with(&url, options).await.unwrap();
    assert!(!orphan.exists());
    let late = searcher(world.folder.path()).await;
    assert_eq!(late.search(&asking("mouse")).await.unwrap().total, 1);
}

#[tokio::test]
async fn beside_an_index_of_another_format_a_new_one_is_built_and_searched_when_it_is_whole() {
    let world = World::new().await;
    let other = world.store().with_file_name("format-0").join("manifests");
    fs::create_dir_all(&other).unwrap();
    let manifest = other.join("00000000000000000007.json");
    fs::write(&manifest, "of another program").unwrap();

    let searcher = Searcher::open(&world.url()).await.unwrap();
    let answer = searcher.search(&asking("mouse")).await;
    assert!(matches!(answer, Err(Error::Unavailable { what }) if what == "search"));
    assert!(world.publisher.is_empty().await.unwrap());

    let stage = async |id: &str| {
        let staged = vec![product(id, "Mouse", "", "")];
        world.publisher.stage(staged).await.unwrap();
    };
    stage("a").await;
    stage("b").await;
    assert!(searcher.refresh().await.is_err() && world.publisher.is_empty().await.unwrap());
    let nothing_more = (Vec::new(), Vec::new());
    world
        .publisher
        .apply(nothing_more.0, nothing_more.1)
        .await
        .unwrap();
    assert!(searcher.refresh().await.unwrap());
    assert_eq!(searcher.search(&asking("mouse")).await.unwrap().total, 2);
    assert_eq!(fs::read(&manifest).unwrap(), b"of another program");
}
