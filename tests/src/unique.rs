//! Values no other test uses, so that tests share nothing and can run side by side.

use rand::RngExt as _;

const CONSONANTS: &[u8] = b"bdfgklmnprtvz";
const VOWELS: &[u8] = b"aeiou";

/// A pronounceable word of 13 letters that no other test has. It ends in a consonant no stemmer
/// cuts off, and is far from every other such word, so no spelling correction mixes them up.
pub fn word() -> String {
    let mut rng = rand::rng();
    let mut text = String::with_capacity(13);
    for _ in 0..6 {
        text.push(char::from(
            CONSONANTS[rng.random_range(0..CONSONANTS.len())],
        ));
        text.push(char::from(VOWELS[rng.random_range(0..VOWELS.len())]));
    }
    text.push('k');
    text
}

/// A product id of its own.
pub fn id() -> String {
    format!("t-{:016x}", rand::random::<u64>())
}

/// A mail address nobody has registered.
pub fn email() -> String {
    format!("{}@shoppers.example", word())
}

/// An idempotency key of its own.
pub fn key() -> String {
    format!("key-{:032x}", rand::random::<u128>())
}

/// A price in minor units, from 50.00 so that shipping is free, and odd enough that an amount in the
/// payment provider's ledger belongs to one test only.
pub fn price() -> i64 {
    rand::rng().random_range(5_000..90_000_000)
}
