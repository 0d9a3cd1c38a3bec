//! The web pages, used as a person with a browser without JavaScript does.

use bothways_tests::{Browser, Case, Page, Product, SEARCH_LAG, Shop, cases, eventually, id, word};

pub(crate) fn cases() -> Vec<Case> {
    cases![
        the_home_page_opens,
        everything_the_home_page_links_to_is_there,
        an_unknown_path_is_an_html_404_page,
        an_unknown_product_is_an_html_404_page,
        a_product_has_a_page,
        a_product_is_found_through_the_search_form,
        search_says_when_it_searched_for_something_else,
        search_results_come_in_pages,
        search_results_can_be_narrowed_down_by_facets,
        an_empty_cart_has_a_page,
    ]
}

async fn the_home_page_opens(shop: &Shop) {
    let page = Browser::new(shop).open("/").await;
    let html = page.reply.expect_html(200).to_lowercase();
    assert!(
        html.starts_with("<!doctype html>"),
        "{}",
        &html[..html.len().min(80)]
    );
    assert!(html.contains("<html lang="), "a page says its language");
    assert!(
        html.contains("name=\"viewport\""),
        "a page is readable on a phone"
    );
    assert!(html.contains("<title>"), "a page has a title");
}

async fn everything_the_home_page_links_to_is_there(shop: &Shop) {
    let browser = Browser::new(shop);
    let page = browser.open("/").await;
    let mut links = [page.all("href"), page.all("src")].concat();
    links.sort_unstable();
    links.dedup();
    assert!(!links.is_empty());
    for link in links.iter().filter(|link| link.starts_with('/')) {
        let status = browser.open(link).await.reply.status;
        assert_eq!(status, 200, "{link}");
    }
}

async fn an_unknown_path_is_an_html_404_page(shop: &Shop) {
    for path in ["/no/such/page", "/orders", "/product/x", "/index.php"] {
        Browser::new(shop).open(path).await.reply.expect_html(404);
    }
}

async fn an_unknown_product_is_an_html_404_page(shop: &Shop) {
    for product in [id(), "im%20possible".to_owned()] {
        Browser::new(shop)
            .open(&format!("/products/{product}"))
            .await
            .reply
            .expect_html(404);
    }
}

pub(crate) async fn product_page(browser: &Browser, product: &Product) -> Page {
    let page = browser.open(&format!("/products/{}", product.id)).await;
    page.reply.expect_html(200);
    page
}

async fn a_product_has_a_page(shop: &Shop) {
    let product = shop
        .product()
        .price(123_456)
        .brand("Trial & Sons")
        .stock(9)
        .create()
        .await;
    let text = product_page(&Browser::new(shop), &product).await.text();
    assert!(text.contains(&product.word), "{text}");
    assert!(text.contains("Trial & Sons"), "{text}");
    assert!(
        text.contains("1,234.56") || text.contains("1234.56"),
        "{text}"
    );
    assert!(text.contains("Boils water for a test."), "{text}");
}

/// Waits until a page contains something.
async fn until_shown(browser: &Browser, path: &str, expected: &str) -> Page {
    eventually(
        SEARCH_LAG,
        &format!("{path} shows {expected}"),
        async || {
            let page = browser.open(path).await;
            if page.text().contains(expected) {
                Ok(page)
            } else {
                Err(page.reply.summary())
            }
        },
    )
    .await
}

async fn a_product_is_found_through_the_search_form(shop: &Shop) {
    let product = shop.product().create().await;
    let browser = Browser::new(shop);
    let home = browser.open("/").await;
    let form = home.form_with(&["q"]).fill("q", &product.word);
    assert_eq!(form.method, "get");
    let link = format!("/products/{}", product.id);
    eventually(SEARCH_LAG, "the results link to the product", async || {
        let results = browser.submit(&form).await;
        assert!(results.path.starts_with("/search?"), "{}", results.path);
        let linked = results
            .all("href")
            .iter()
            .any(|href| href.starts_with(&link));
        if linked { Ok(()) } else { Err(results.text()) }
    })
    .await;
}

async fn search_says_when_it_searched_for_something_else(shop: &Shop) {
    let product = shop.product().create().await;
    let misspelt = format!("{}x{}", &product.word[..5], &product.word[6..]);
    let page = until_shown(
        &Browser::new(shop),
        &format!("/search?q={misspelt}"),
        &product.name(),
    )
    .await;
    assert!(page.text().contains(&misspelt), "{}", page.text());
}

async fn import(shop: &Shop, products: &[Product]) {
    let lines: String = products
        .iter()
        .map(|product| product.line() + "\n")
        .collect();
    let ask = shop
        .post("/api/products/import")
        .bearer(&shop.admin().await);
    ask.body("application/x-ndjson", lines)
        .send()
        .await
        .expect(200);
}

async fn search_results_come_in_pages(shop: &Shop) {
    let shared = word();
    let name = format!("{shared} kettle");
    let make = || shop.product().name(&name).unwritten();
    let products: Vec<Product> = std::iter::repeat_with(make).take(30).collect();
    import(shop, &products).await;
    let browser = Browser::new(shop);
    let on = |page: &Page| {
        let links = page.all("href");
        let linked = |product: &&Product| links.iter().any(|href| href.contains(&product.id));
        products.iter().filter(linked).count()
    };
    eventually(SEARCH_LAG, "30 products on two pages", async || {
        let first = browser.open(&format!("/search?q={shared}")).await;
        let links = first.all("href");
        let next = links.iter().find(|href| href.contains("page=2"));
        let next = next.ok_or_else(|| format!("no link to the second page: {}", first.text()))?;
        let second = browser.open(next).await;
        let counts = (on(&first), on(&second));
        if counts == (24, 6) {
            Ok(())
        } else {
            Err(format!("{counts:?}"))
        }
    })
    .await;
}

async fn search_results_can_be_narrowed_down_by_facets(shop: &Shop) {
    let (shared, brand) = (word(), word());
    let named = |name: &str| shop.product().name(&format!("{shared} {name}"));
    let inside = named("inside").brand(&brand).create().await;
    let outside = named("outside").brand("Another").create().await;
    let browser = Browser::new(shop);
    let all = eventually(SEARCH_LAG, "both are found", async || {
        let page = browser.open(&format!("/search?q={shared}")).await;
        let both = page.html.contains(&inside.id) && page.html.contains(&outside.id);
        if both { Ok(page) } else { Err(page.text()) }
    })
    .await;
    let links = all.all("href");
    let link = links
        .iter()
        .find(|href| href.contains(&format!("brand={brand}")));
    let by_form = format!("/search?q={shared}&brand={brand}");
    assert!(
        all.html.contains(&brand),
        "the brand is offered: {}",
        all.html
    );
    let narrowed = until_shown(&browser, link.unwrap_or(&by_form), &inside.name()).await;
    assert!(!narrowed.html.contains(&outside.id), "{}", narrowed.html);
}

async fn an_empty_cart_has_a_page(shop: &Shop) {
    Browser::new(shop)
        .open("/cart")
        .await
        .reply
        .expect_html(200);
}
