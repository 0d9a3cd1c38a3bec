//! Search as a function: it loads the newest snapshot while the instance starts, and looks for a newer one at the
//! start of a request.

use std::{process::ExitCode, sync::Arc};

use bothways_http::search;
use bothways_runtime::function;
use bothways_search::Searcher;

fn main() -> ExitCode {
    function("search", async |shop| {
        let searcher = Searcher::open(&shop.settings.require("SNAPSHOT_URL")?).await?;
        Ok(search::router(Arc::new(searcher.refreshed_per_request())))
    })
}
