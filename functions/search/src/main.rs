//! Search as a function: it begins to load the newest snapshot as the instance starts, and looks for a newer one at the
//! start of a request.

use std::{process::ExitCode, sync::Arc};

use bothways_http::search;
use bothways_runtime::function;
use bothways_search::Searcher;

fn main() -> ExitCode {
    function("search", async |shop| {
        let searcher = Searcher::open_beside(&shop.settings.require("SNAPSHOT_URL")?)?;
        Ok(search::router(Arc::new(searcher)))
    })
}
