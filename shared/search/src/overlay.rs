//! What changes often of a product (price, availability, popularity, rating), as arrays by product number. Kept in parts,
//! so that a change of one product is a small one.

use bothways_domain::{
    inventory::{Availability, Popularity},
    product::Rating,
};

const MAGIC: &[u8; 8] = b"BWOVL\0\0\x03";
const NOBODY: u8 = u8::MAX;
/// How many bands of availability there are.
const BANDS: u8 = 4;
/// What a product without a rating has instead of its rating's place.
const UNRATED: u16 = u16::MAX;
/// How many numbers a part has: some 12 kB, and a million products are no more than 489 files.
const PART: usize = 2_048;

/// A product's row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// Minor units.
    pub(crate) price: i64,
    pub(crate) availability: Availability,
    pub(crate) popularity: Popularity,
    pub(crate) rating: Option<Rating>,
}

/// The rows by product number; numbers without a product have none.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Overlay {
    pub(crate) rows: Vec<Option<Row>>,
}

impl Overlay {
    /// Its parts, in order.
    pub(crate) fn encode(&self) -> impl Iterator<Item = Vec<u8>> {
        self.rows.chunks(PART).map(Self::encode_part)
    }

    /// The overlay of these parts, unless they are none.
    pub(crate) fn decode<'a>(parts: impl Iterator<Item = &'a [u8]>) -> Option<Self> {
        let mut rows = Vec::new();
        for part in parts {
            rows.extend(Self::decode_part(part)?);
        }
        Some(Self { rows })
    }

    /// Magic; then little-endian: how many rows, in how many bytes each has its price, the different ratings; then the
    /// columns one after the other: prices, places among the ratings, and what stock says: steps of popularity times 4, plus the band of availability.
    fn encode_part(rows: &[Option<Row>]) -> Vec<u8> {
        let price = |row: &Option<Row>| row.map_or(0, |row| row.price).to_le_bytes();
        let used = |bytes: [u8; 8]| {
            bytes
                .iter()
                .rposition(|byte| *byte != 0)
                .map_or(0, |last| last + 1)
        };
        let width = rows.iter().map(|row| used(price(row))).max().unwrap_or(0);
        let stars = |row: &Option<Row>| row.and_then(|row| row.rating).map(Rating::stars);
        let mut ratings: Vec<u64> = rows.iter().filter_map(stars).map(f64::to_bits).collect();
        ratings.sort_unstable();
        ratings.dedup();
        let mut bytes = MAGIC.to_vec();
        for count in [rows.len(), width, ratings.len()] {
            bytes.extend(u16::try_from(count).unwrap_or(u16::MAX).to_le_bytes());
        }
        bytes.extend(ratings.iter().flat_map(|stars| stars.to_le_bytes()));
        for row in rows {
            bytes.extend_from_slice(&price(row)[..width]);
        }
        for row in rows {
            let place = stars(row).and_then(|stars| ratings.binary_search(&stars.to_bits()).ok());
            let place = place.and_then(|place| u16::try_from(place).ok());
            bytes.extend(place.unwrap_or(UNRATED).to_le_bytes());
        }
        bytes.extend(rows.iter().map(|row| row.map_or(NOBODY, |row| code(&row))));
        bytes
    }

    fn decode_part(bytes: &[u8]) -> Option<Vec<Option<Row>>> {
        let mut rest = bytes.strip_prefix(MAGIC)?;
        let mut take = |count: usize| {
            let (taken, others) = rest.split_at_checked(count)?;
            rest = others;
            Some(taken)
        };
        let mut number = || {
            take(2)?
                .try_into()
                .ok()
                .map(u16::from_le_bytes)
                .map(usize::from)
        };
        let (rows, width, ratings) = (number()?, number()?, number()?);
        let ratings = take(ratings * 8)?;
        let (prices, places, bands) = (take(rows * width)?, take(rows * 2)?, take(rows)?);
        if width > 8 || !rest.is_empty() {
            return None;
        }
        let (ratings, _) = ratings.as_chunks::<8>();
        let (places, _) = places.as_chunks::<2>();
        let row = |place: usize| {
            if bands[place] == NOBODY {
                return Some(None);
            }
            let mut price = [0; 8];
            price[..width].copy_from_slice(&prices[place * width..][..width]);
            let rating = match u16::from_le_bytes(places[place]) {
                UNRATED => None,
                rating => Rating::parse(f64::from_le_bytes(*ratings.get(usize::from(rating))?)),
            };
            Some(Some(Row {
                price: i64::from_le_bytes(price),
                availability: availability(bands[place] % BANDS)?,
                popularity: Popularity::of_steps(bands[place] / BANDS)?,
                rating,
            }))
        };
        (0..rows).map(row).collect()
    }
}

fn code(row: &Row) -> u8 {
    let band = match row.availability {
        Availability::InStock => 0,
        Availability::LowStock => 1,
        Availability::OutOfStock => 2,
        Availability::Unknown => 3,
    };
    row.popularity.steps() * BANDS + band
}

fn availability(code: u8) -> Option<Availability> {
    let known = [
        Availability::InStock,
        Availability::LowStock,
        Availability::OutOfStock,
        Availability::Unknown,
    ];
    known.get(usize::from(code)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overlay_comes_back_as_it_was_written() {
        let row = |price, availability, sold, rating| {
            Some(Row {
                price,
                availability,
                popularity: Popularity::of(sold),
                rating,
            })
        };
        let overlay = Overlay {
            rows: vec![
                row(1299, Availability::InStock, 0, Rating::parse(4.35)),
                None,
                row(0, Availability::Unknown, u32::MAX, None),
                row(i64::MAX, Availability::LowStock, 1, Rating::parse(0.0)),
                row(-1, Availability::OutOfStock, 70, Rating::parse(5.0)),
            ],
        };
        assert_eq!(again(&overlay), Some(overlay));
    }

    fn again(overlay: &Overlay) -> Option<Overlay> {
        let parts: Vec<_> = overlay.encode().collect();
        Overlay::decode(parts.iter().map(Vec::as_slice))
    }

    #[test]
    fn a_change_of_one_product_changes_one_part() {
        let mut overlay = Overlay {
            rows: vec![None; 3 * PART + 1],
        };
        let before: Vec<_> = overlay.encode().collect();
        overlay.rows[PART] = Some(Row {
            price: 1,
            availability: Availability::InStock,
            popularity: Popularity::default(),
            rating: None,
        });
        let after: Vec<_> = overlay.encode().collect();
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b);
        assert_eq!((before.len(), after.len(), changed.count()), (4, 4, 1));
        assert_eq!(again(&overlay), Some(overlay));
    }

    #[test]
    fn every_row_of_a_part_may_have_a_rating_of_its_own() {
        let row = |stars: u32| Row {
            price: 0,
            availability: Availability::InStock,
            popularity: Popularity::default(),
            rating: Rating::parse(f64::from(stars) / 1e3),
        };
        let overlay = Overlay {
            rows: (0..=2_048).map(|stars| Some(row(stars))).collect(),
        };
        assert_eq!(again(&overlay), Some(overlay));
    }

    #[test]
    fn torn_or_foreign_bytes_are_no_overlay() {
        let bytes = Overlay::encode_part(&[None; 3]);
        for length in 0..bytes.len() {
            assert_eq!(Overlay::decode_part(&bytes[..length]), None);
        }
        let longer = [&bytes[..], b"\0"].concat();
        assert_eq!(Overlay::decode_part(&longer), None);
        assert_eq!(Overlay::decode_part(b"{}"), None);
    }
}
