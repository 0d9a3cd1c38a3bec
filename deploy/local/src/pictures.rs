//! The seed catalogue's pictures: drawn into a folder, or put into shops that lack them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt as _;
use futures::future::try_join_all;

use crate::cli::Illustrate;
use crate::illustrations::{Illustrator, Subject, contact_sheets};
use crate::progress::Step;
use crate::seed::Seed;
use crate::shop_client::ShopClient;
use crate::state::ShopState;

/// Products a shop is asked about at once.
const ASKED_AT_ONCE: usize = 100;
/// Pictures drawn ahead of the uploads.
const DRAWN_AHEAD: usize = 2;

/// A shop whose products get pictures.
struct Wall {
    client: ShopClient,
    /// Says that everything was uploaded once.
    marker: PathBuf,
    /// Ids of products without pictures.
    lacking: BTreeSet<String>,
}

/// Gives the products of some shops pictures where they have none: each drawn once for all shops, one
/// after the other so that the machine stays usable. What is interrupted goes on at the next start.
/// How many pictures were uploaded.
pub(crate) async fn hang(
    products: &Path,
    shops: impl IntoIterator<Item = (&ShopState, PathBuf)>,
) -> Result<usize, String> {
    let digest = Illustrator::digest();
    let mut walls = Vec::new();
    for (shop, folder) in shops {
        let marker = folder.join("pictures");
        if std::fs::read_to_string(&marker).is_ok_and(|hung| hung == digest) {
            continue;
        }
        walls.push(Wall {
            client: ShopClient::new(&shop.url, &shop.admin_email, &shop.admin_password)?,
            marker,
            lacking: BTreeSet::new(),
        });
    }
    if walls.is_empty() {
        return Ok(0);
    }
    let mut subjects = subjects(products)?;
    try_join_all(walls.iter_mut().map(|wall| wall.look(&subjects))).await?;
    subjects.retain(|subject| walls.iter().any(|wall| wall.lacking.contains(&subject.id)));
    let total = subjects.len();
    let step = Step::in_background("Pictures for the catalogue", total as u64);
    let illustrator = Arc::new(Illustrator::new()?);
    let drawn = futures::stream::iter(subjects)
        .map(|subject| draw(Arc::clone(&illustrator), subject))
        .buffered(DRAWN_AHEAD);
    let mut drawn = std::pin::pin!(drawn.enumerate());
    while let Some((index, picture)) = drawn.next().await {
        let (id, png) = picture?;
        if let Some(png) = png {
            try_join_all(walls.iter_mut().map(|wall| wall.hang(&id, &png))).await?;
        }
        step.at(index as u64 + 1);
    }
    step.done();
    for wall in &walls {
        std::fs::write(&wall.marker, &digest)
            .map_err(|error| format!("{}: {error}", wall.marker.display()))?;
    }
    Ok(total)
}

impl Wall {
    /// Notes which products lack pictures.
    async fn look(&mut self, subjects: &[Subject]) -> Result<(), String> {
        for some in subjects.chunks(ASKED_AT_ONCE) {
            let ids: Vec<&str> = some.iter().map(|subject| subject.id.as_str()).collect();
            let pictured = self.client.pictured(&ids).await?;
            let lacking = pictured.into_iter().filter(|(_, pictured)| !pictured);
            self.lacking.extend(lacking.map(|(id, _)| id));
        }
        Ok(())
    }

    async fn hang(&mut self, id: &str, png: &Bytes) -> Result<(), String> {
        if self.lacking.contains(id) {
            self.client.put_photo(id, png.clone()).await?;
        }
        Ok(())
    }
}

async fn draw(
    illustrator: Arc<Illustrator>,
    subject: Subject,
) -> Result<(String, Option<Bytes>), String> {
    let drawing = tokio::task::spawn_blocking(move || {
        let png = illustrator.picture(&subject)?;
        Ok((subject.id, png.map(Bytes::from)))
    });
    drawing.await.map_err(|error| error.to_string())?
}

/// Reads what pictures are drawn of.
fn subjects(products: &Path) -> Result<Vec<Subject>, String> {
    let text = std::fs::read_to_string(products)
        .map_err(|error| format!("{}: {error}", products.display()))?;
    text.lines()
        .map(|line| serde_json::from_str(line).map_err(|error| error.to_string()))
        .collect()
}

/// Draws the pictures of the project's own catalogue into a folder.
pub(crate) fn write(options: &Illustrate) -> Result<(), String> {
    let written = |name: &str, bytes: &[u8]| {
        let path = options.folder.join(name);
        std::fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))
    };
    std::fs::create_dir_all(&options.folder).map_err(|error| error.to_string())?;
    let illustrator = Illustrator::new()?;
    let mut subjects = subjects(&Seed::own().products)?;
    if options.sheets {
        subjects.sort_by(|a, b| a.category.cmp(&b.category));
        let (sheets, missing) = contact_sheets(&illustrator, &subjects)?;
        for (sheet, number) in sheets.iter().zip(1..) {
            written(&format!("sheet-{number}.png"), sheet)?;
        }
        println!("{} sheets; without a motif: {missing:?}", sheets.len());
        return Ok(());
    }
    let mut bytes = 0;
    for subject in &subjects {
        if let Some(picture) = illustrator.picture(subject)? {
            bytes += picture.len();
            written(&format!("{}.png", subject.id), &picture)?;
        }
    }
    println!(
        "{} products, {} KB of pictures",
        subjects.len(),
        bytes / 1024
    );
    Ok(())
}

#[cfg(test)]
#[path = "pictures_tests.rs"]
mod tests;
