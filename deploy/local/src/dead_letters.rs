//! `dead-letters`: lists what five tries did not deliver, and sends it on its way again.

use crate::cli::{DeadLetters, Shops};
use crate::remote;
use crate::shop_client::{DeadLetter, ShopClient};
use crate::state::DataFolder;

/// Runs the command.
pub(crate) async fn run(command: &DeadLetters) -> Result<(), String> {
    match command {
        DeadLetters::List(shops) => {
            for (url, mut client) in clients(shops)? {
                show(&url, &all(&mut client).await?);
            }
            Ok(())
        }
        DeadLetters::Replay { ids, all, shops } => replay(ids, *all, shops).await,
    }
}

/// The shop that was named, or each that runs from the data folder.
fn clients(shops: &Shops) -> Result<Vec<(String, ShopClient)>, String> {
    let folder = DataFolder::open(&shops.sign_in.data.folder)?;
    let urls = match &shops.to {
        Some(url) => vec![url.trim_end_matches('/').to_owned()],
        None => remote::shops(&folder)?,
    };
    urls.into_iter()
        .map(|url| {
            let client = remote::client(&folder, &url, &shops.sign_in)?;
            Ok((url, client))
        })
        .collect()
}

/// All of a shop's, oldest first. A part of it that can't be asked is said.
async fn all(client: &mut ShopClient) -> Result<Vec<DeadLetter>, String> {
    let mut letters = Vec::new();
    for page in 1.. {
        let found = client.dead_letters(page).await?;
        for part in found.unavailable.iter().filter(|_| page == 1) {
            eprintln!("{part} can't be asked right now: its dead letters are missing here");
        }
        let last = found.dead_letters.is_empty();
        letters.extend(found.dead_letters);
        if last || letters.len() as u64 >= found.total {
            break;
        }
    }
    Ok(letters)
}

fn show(url: &str, letters: &[DeadLetter]) {
    if letters.is_empty() {
        println!("{url}: none; every event arrived");
        return;
    }
    println!("{url}: {}", letters.len());
    for letter in letters {
        let DeadLetter {
            id,
            kind,
            subject,
            occurred_at,
            attempts,
            reason,
        } = letter;
        println!("  {id}  {kind} of {subject}, {occurred_at}, {attempts} tries: {reason}");
    }
}

async fn replay(ids: &[String], all_of_them: bool, shops: &Shops) -> Result<(), String> {
    let mut missing: Vec<&String> = ids.iter().collect();
    for (url, mut client) in clients(shops)? {
        let mut replayed = 0;
        if all_of_them {
            for letter in all(&mut client).await? {
                replayed += u32::from(client.replay(&letter.id).await?);
            }
        }
        for id in ids {
            if client.replay(id).await? {
                replayed += 1;
                missing.retain(|other| *other != id);
            }
        }
        println!("{url}: {replayed} replayed");
    }
    if missing.is_empty() {
        return Ok(());
    }
    let missing: Vec<&str> = missing.into_iter().map(String::as_str).collect();
    Err(format!("no dead letter: {}", missing.join(", ")))
}
