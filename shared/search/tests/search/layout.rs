//! Results don't depend on how the index came to be laid out.

use bothways_domain::search::{SearchApi, SearchIndex, SearchPage, SearchRequest, Sort};

use crate::world::{World, asking, assortment, paging};

const QUERIES: [&str; 6] = [
    "wireless mouse",
    "black gaming keybord",
    "hub",
    "toner 17",
    "every day cable acme",
    "",
];

async fn answers(world: &World) -> Vec<(SearchPage, Vec<String>)> {
    let mut answers = Vec::new();
    for query in QUERIES {
        for sort in Sort::ALL {
            let request = SearchRequest {
                sort,
                paging: paging(1, 100),
                ..asking(query)
            };
            answers.push((
                world.search(request).await,
                world.searcher.suggest(query).await.unwrap(),
            ));
        }
    }
    answers
}

#[tokio::test]
async fn one_segment_and_many_give_the_same_results() {
    let products = assortment(600);
    let at_once = World::with(products.clone()).await;
    let in_parts = World::new().await;
    for part in products.rchunks(77) {
        in_parts
            .publisher
            .apply(part.to_vec(), Vec::new())
            .await
            .unwrap();
    }
    in_parts.searcher.refresh().await.unwrap();
    let expected = answers(&at_once).await;
    assert!(expected.iter().all(|(page, _)| page.total > 0));
    assert!(answers(&in_parts).await == expected);
    in_parts.publisher.compact().await.unwrap();
    in_parts.searcher.refresh().await.unwrap();
    assert!(answers(&in_parts).await == expected);
}

#[tokio::test]
async fn deleting_some_and_adding_them_again_gives_the_same_results() {
    let products = assortment(600);
    let world = World::with(products.clone()).await;
    let expected = answers(&world).await;
    let some: Vec<_> = products.into_iter().step_by(20).collect();
    let gone = some
        .iter()
        .map(|indexed| indexed.product.id.clone())
        .collect();
    world.publisher.apply(Vec::new(), gone).await.unwrap();
    world.searcher.refresh().await.unwrap();
    assert_eq!(world.search(asking("")).await.total, 570);
    assert!(answers(&world).await != expected);
    world.put(some).await;
    assert!(answers(&world).await == expected);
}

#[tokio::test]
async fn text_that_changes_and_changes_back_gives_the_same_results() {
    let products = assortment(300);
    let world = World::with(products.clone()).await;
    let expected = answers(&world).await;
    let mut changed: Vec<_> = products.iter().step_by(10).cloned().collect();
    for indexed in &mut changed {
        indexed.product.draft.name = "Wireless wireless mouse".to_owned();
    }
    world.put(changed).await;
    world.put(products).await;
    assert!(answers(&world).await == expected);
}
