//! Loading a file of products or stock into a shop, in requests it takes, from where an interrupted
//! run left off.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::ndjson::{Chunk, Chunks, Kind, MOST_BYTES, Survey, survey};
use crate::progress::Step;
use crate::shop_client::{ImportError, ShopClient};
use crate::state::DataFolder;

/// Most rejected lines a summary shows.
const SHOWN: usize = 50;

/// What an import came to, or has come to so far.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Summary {
    /// Lines of the file dealt with.
    pub(crate) lines: u64,
    pub(crate) created: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    /// Products whose category was deeper than the shop's and was cut.
    #[serde(default)]
    pub(crate) shortened: u64,
    /// Line number in the file, and why.
    pub(crate) rejected: Vec<(u64, String)>,
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} created, {} changed, {} unchanged, {} rejected",
            self.created,
            self.changed,
            self.unchanged,
            self.rejected.len()
        )?;
        if self.shortened > 0 {
            let count = self.shortened;
            write!(
                f,
                "\n  {count} categories were cut to the six levels a shop has"
            )?;
        }
        for (line, reason) in self.rejected.iter().take(SHOWN) {
            write!(f, "\n  line {line}: {reason}")?;
        }
        if self.rejected.len() > SHOWN {
            write!(f, "\n  and {} more", self.rejected.len() - SHOWN)?;
        }
        Ok(())
    }
}

/// Where an interrupted import of one file into one shop left off.
pub(crate) struct Checkpoint {
    path: PathBuf,
}

impl Checkpoint {
    fn of(data: &DataFolder, digest: &str, url: &str) -> Result<Self, String> {
        use sha2::{Digest as _, Sha256};
        let folder = data.of("import")?;
        let key = Sha256::digest(format!("{digest} {url}"));
        let name = crate::hex::encode(&key[..16]);
        Ok(Self {
            path: folder.join(format!("{name}.json")),
        })
    }

    fn load(&self) -> Summary {
        let text = std::fs::read(&self.path).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn save(&self, summary: &Summary) -> Result<(), String> {
        let fresh = self.path.with_extension("new");
        let text = serde_json::to_vec(summary).map_err(|error| error.to_string())?;
        std::fs::write(&fresh, text)
            .and_then(|()| std::fs::rename(&fresh, &self.path))
            .map_err(|error| format!("{}: {error}", self.path.display()))
    }

    fn remove(&self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Imports a file for a person: progress, resumption, summary.
pub(crate) async fn interactive(
    file: &Path,
    url: &str,
    stock: bool,
    client: &mut ShopClient,
    data: &DataFolder,
) -> Result<Summary, String> {
    let mut looked = look(file).await?;
    if stock {
        looked.kind = Kind::Stock;
    }
    let checkpoint = Checkpoint::of(data, &looked.digest, url)?;
    let mut summary = checkpoint.load();
    if summary.lines > 0 {
        println!(
            "Going on after line {} of {}, where an earlier import was interrupted",
            summary.lines, looked.lines
        );
    }
    let what = if looked.kind == Kind::Stock {
        "stock counts"
    } else {
        "products"
    };
    let step = Step::of(
        &format!("Importing {what} from {}", file.display()),
        looked.lines,
    );
    let mut chunks = Chunks::open(file, summary.lines).map_err(|error| describe(file, &error))?;
    loop {
        let next = tokio::task::block_in_place(|| chunks.next());
        let Some((mut chunk, last)) = next.map_err(|error| describe(file, &error))? else {
            break;
        };
        if looked.kind == Kind::Products {
            summary.shortened += chunk.shorten_categories();
        }
        send(client, looked.kind, chunk, &mut summary).await?;
        summary.lines = last;
        checkpoint.save(&summary)?;
        step.at(last);
    }
    step.done();
    // A finished import starts anew: what is there already then counts as unchanged.
    checkpoint.remove();
    Ok(summary)
}

/// Imports a file without a word, for seeding.
pub(crate) async fn quiet(
    file: &Path,
    client: &mut ShopClient,
) -> Result<(Summary, Survey), String> {
    let looked = look(file).await?;
    let mut summary = Summary::default();
    let mut chunks = Chunks::open(file, 0).map_err(|error| describe(file, &error))?;
    while let Some((chunk, last)) =
        tokio::task::block_in_place(|| chunks.next()).map_err(|error| describe(file, &error))?
    {
        send(client, looked.kind, chunk, &mut summary).await?;
        summary.lines = last;
    }
    Ok((summary, looked))
}

/// Looks through a file without holding up anything else.
pub(crate) async fn look(file: &Path) -> Result<Survey, String> {
    let path = file.to_owned();
    let looked = tokio::task::spawn_blocking(move || survey(&path)).await;
    looked
        .map_err(|error| error.to_string())?
        .map_err(|error| describe(file, &error))
}

fn describe(file: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", file.display())
}

/// Sends a chunk, in smaller parts when the shop says it is too large.
async fn send(
    client: &mut ShopClient,
    kind: Kind,
    chunk: Chunk,
    summary: &mut Summary,
) -> Result<(), String> {
    let mut parts = vec![chunk];
    while let Some(part) = parts.pop() {
        if let [(number, line)] = part.lines.as_slice()
            && line.len() > MOST_BYTES
        {
            summary.rejected.push((
                *number,
                "the line alone is more than a request takes".to_owned(),
            ));
            continue;
        }
        if part.lines.is_empty() {
            continue;
        }
        match client.import(kind, part.body()).await {
            Ok(answer) => {
                let sent = u64::try_from(part.lines.len()).unwrap_or(u64::MAX);
                let rejected = u64::try_from(answer.rejected.len()).unwrap_or(u64::MAX);
                summary.created += answer.created;
                summary.changed += answer.updated;
                summary.unchanged +=
                    sent.saturating_sub(answer.created + answer.updated + rejected);
                for line in answer.rejected {
                    let index = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
                    let number = part.lines.get(index).map_or(0, |(number, _)| *number);
                    summary.rejected.push((number, line.detail));
                }
            }
            Err(ImportError::TooLarge) if part.lines.len() > 1 => {
                let (first, second) = part.halves();
                parts.push(second);
                parts.push(first);
            }
            Err(ImportError::TooLarge) => {
                let number = part.lines.first().map_or(0, |(number, _)| *number);
                summary
                    .rejected
                    .push((number, "the shop says the line is too large".to_owned()));
            }
            Err(ImportError::Failed(reason)) => return Err(reason),
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "import_tests.rs"]
mod tests;
