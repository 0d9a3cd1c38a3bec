//! A person at a browser window: opens pages, finds things by their names, clicks, types and reads.
//! Everything waits, up to a deadline, for what it needs to be there.

use bothways_tests::{SOON, Shop, eventually};
use serde_json::{Value, json};
use thirtyfour::{
    TypingData, WebDriver, WebElement, components::SelectElement, error::WebDriverResult,
};

use crate::chromium;

const FIND: &str = include_str!("find.js");

/// The size of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Phone,
    Desktop,
}

impl Screen {
    /// Width and height in pixels.
    fn size(self) -> (u64, u64) {
        match self {
            Self::Phone => (390, 844),
            Self::Desktop => (1280, 900),
        }
    }
}

/// What the visitor's system asks pages to look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Light,
    Dark,
}

/// One browser, its cookies, and the shop it visits.
pub(crate) struct Visitor {
    driver: WebDriver,
    shop: Shop,
}

impl Visitor {
    /// With a browser as most people have it.
    pub(crate) async fn new(shop: &Shop) -> Self {
        Self::arrive(shop, true).await
    }

    /// With a browser that does or doesn't run the scripts of pages.
    pub(crate) async fn arrive(shop: &Shop, javascript: bool) -> Self {
        Self {
            driver: chromium::open(javascript).await,
            shop: shop.clone(),
        }
    }

    /// Types a path of the shop into the address bar.
    pub(crate) async fn open(&self, path: &str) {
        let address = format!("{}{path}", self.shop.url());
        self.driver.goto(&address).await.expect("the page loads");
    }

    /// Loads the page again.
    pub(crate) async fn reload(&self) {
        self.driver.refresh().await.expect("the page loads again");
    }

    /// Loses a cookie, the way time makes a browser do.
    pub(crate) async fn forget(&self, cookie: &str) {
        let gone = self.driver.delete_cookie(cookie).await;
        gone.expect("the browser keeps cookies");
    }

    /// Path and query of the page that is open.
    pub(crate) async fn path(&self) -> String {
        let address = self.driver.current_url().await.expect("an address");
        let fragment = address.fragment().map(|fragment| format!("#{fragment}"));
        let query = address.query().map(|query| format!("?{query}"));
        let path = address.path();
        format!(
            "{path}{}{}",
            query.unwrap_or_default(),
            fragment.unwrap_or_default()
        )
    }

    /// Runs a script of the test, which no page's policy forbids, and gives what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.driver.execute(script, arguments).await;
        result.expect("the test's script").json().clone()
    }

    /// Like `run` for a script that calls back when it is done: its last argument.
    pub(crate) async fn run_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        let result = self.driver.execute_async(script, arguments).await;
        result.expect("the test's script").json().clone()
    }

    /// Gives a command to Chromium's developer tools.
    pub(crate) async fn tell(&self, command: &str, parameters: Value) -> Value {
        let answer = self.driver.cdp().send_raw(command, parameters).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    /// What the page logged and what the browser complained about since the last time.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let log = self.driver.browser_log().await.expect("the browser's log");
        let told = log.into_iter().filter(|entry| {
            let serious = entry.level == "SEVERE" || entry.level == "WARNING";
            serious && !is_remark_on_a_page(&entry.message)
        });
        told.map(|entry| entry.message).collect()
    }

    /// Looks at pages this way from now on.
    pub(crate) async fn look(&self, screen: Screen, scheme: Scheme) {
        self.resize(screen, screen.size().1).await;
        let scheme = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let media = json!({ "features": features });
        self.tell("Emulation.setEmulatedMedia", media).await;
    }

    /// Makes the window of this screen this high, in pixels.
    pub(crate) async fn resize(&self, screen: Screen, height: u64) {
        let (width, phone) = (screen.size().0, screen == Screen::Phone);
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone });
        self.tell("Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn attempt(&self, kind: &str, name: &str) -> Result<WebElement, String> {
        let found = self
            .driver
            .execute(FIND, vec![json!(kind), json!(name)])
            .await;
        let found = found.map_err(|error| error.to_string())?;
        found
            .element()
            .map_err(|_| format!("there is no {kind} “{name}”"))
    }

    /// Whether there is such an element right now.
    pub(crate) async fn has(&self, kind: &str, name: &str) -> bool {
        self.attempt(kind, name).await.is_ok()
    }

    /// Waits for a visible element by kind (see `find.js`) and name, and does something with it; done
    /// again when the page changed meanwhile.
    async fn with<T>(
        &self,
        kind: &str,
        name: &str,
        act: impl AsyncFn(WebElement) -> WebDriverResult<T>,
    ) -> T {
        eventually(SOON, &format!("the {kind} “{name}”"), async || {
            let done = match self.attempt(kind, name).await {
                Ok(element) => act(element).await.map_err(|error| error.to_string()),
                Err(complaint) => Err(complaint),
            };
            match done {
                Ok(done) => Ok(done),
                Err(complaint) => Err(format!("{complaint}; the page says: {}", self.text().await)),
            }
        })
        .await
    }

    /// Clicks a link, button, option or field.
    pub(crate) async fn click(&self, kind: &str, name: &str) {
        self.with(kind, name, async |element| element.click().await)
            .await;
    }

    /// Replaces what is in a field.
    pub(crate) async fn fill(&self, field: &str, text: &str) {
        self.with("field", field, async |element| {
            element.clear().await?;
            element.send_keys(text).await
        })
        .await;
    }

    /// Types at the end of a field, or gives a path to a file field.
    pub(crate) async fn append(&self, field: &str, text: &str) {
        self.with("field", field, async |element| {
            element.send_keys(text).await
        })
        .await;
    }

    /// Chooses an option of a select field by its words.
    pub(crate) async fn choose(&self, field: &str, option: &str) {
        self.with("field", field, async |element| {
            let select = SelectElement::new(&element).await?;
            select.select_by_visible_text(option).await
        })
        .await;
    }

    /// What is in a field.
    pub(crate) async fn value(&self, field: &str) -> String {
        let value = self.with("field", field, async |element| element.value().await);
        value.await.unwrap_or_default()
    }

    /// Presses keys wherever the focus is.
    pub(crate) async fn press(&self, keys: impl Into<TypingData>) {
        let keyboard = self.driver.action_chain().send_keys(keys);
        keyboard.perform().await.expect("a keyboard");
    }

    /// Whether the focus is on this element.
    pub(crate) async fn is_focused(&self, kind: &str, name: &str) -> bool {
        let focused = [json!(kind), json!(name), json!(":focus")];
        let found = self.driver.execute(FIND, focused).await;
        found.is_ok_and(|found| found.element().is_ok())
    }

    /// The text of the page as it is shown.
    pub(crate) async fn text(&self) -> String {
        let text = self
            .driver
            .execute("return document.body.innerText", vec![]);
        let text = text.await.ok().and_then(|text| text.convert().ok());
        text.unwrap_or_default()
    }

    /// Waits until the page shows these words, in whatever case.
    pub(crate) async fn sees(&self, words: &str) {
        eventually(SOON, &format!("“{words}” on the page"), async || {
            let text = self.text().await;
            if text.to_lowercase().contains(&words.to_lowercase()) {
                Ok(())
            } else {
                Err(format!("{}: {text}", self.path().await))
            }
        })
        .await;
    }

    /// Adds the product on this page, and is at the cart. Whoever leaves before the form was sent has not added anything.
    pub(crate) async fn adds_to_cart(&self) {
        self.click("button", "Add to cart").await;
        self.is_at("/cart").await;
    }

    /// Waits until the address has this beginning.
    pub(crate) async fn is_at(&self, beginning: &str) {
        eventually(SOON, &format!("the page {beginning}"), async || {
            let path = self.path().await;
            if path.starts_with(beginning) {
                Ok(())
            } else {
                Err(format!("{path}: {}", self.text().await))
            }
        })
        .await;
    }

    /// Waits until a link, button, heading, … is there.
    pub(crate) async fn finds(&self, kind: &str, name: &str) {
        self.with(kind, name, async |_| Ok(())).await;
    }
}

/// Chromium remarks on pages that are answered with a refusal; that is what these are for.
fn is_remark_on_a_page(message: &str) -> bool {
    let refusals = ["402", "404", "422"];
    let refused = |status| message.contains(&format!("responded with a status of {status}"));
    let page = !message.contains("/assets/") && !message.contains("/media/");
    page && refusals.into_iter().any(refused)
}
