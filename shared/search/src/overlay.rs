//! What changes often of a product (price, availability, rating), as arrays by product number. Kept in parts, so that a
//! change of one product is a small one.

use bothways_domain::{inventory::Availability, product::Rating};

const MAGIC: &[u8; 8] = b"BWOVL\0\0\x01";
const ROW: usize = 8 + 8 + 1;
const NOBODY: u8 = u8::MAX;
/// How many numbers a part has: 35 kB, so that a million products are no more than 489 files.
const PART: usize = 2_048;

/// A product's row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Row {
    /// Minor units.
    pub(crate) price: i64,
    pub(crate) availability: Availability,
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

    /// Magic, then the columns one after the other, little-endian.
    fn encode_part(rows: &[Option<Row>]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MAGIC.len() + rows.len() * ROW);
        bytes.extend_from_slice(MAGIC);
        for row in rows {
            bytes.extend_from_slice(&row.map_or(0, |row| row.price).to_le_bytes());
        }
        for row in rows {
            let stars = row
                .and_then(|row| row.rating)
                .map_or(f64::NAN, Rating::stars);
            bytes.extend_from_slice(&stars.to_le_bytes());
        }
        bytes.extend(
            rows.iter()
                .map(|row| row.map_or(NOBODY, |row| code(row.availability))),
        );
        bytes
    }

    fn decode_part(bytes: &[u8]) -> Option<Vec<Option<Row>>> {
        let columns = bytes.strip_prefix(MAGIC)?;
        let count = columns.len() / ROW;
        if count * ROW != columns.len() {
            return None;
        }
        let (prices, rest) = columns.split_at(count * 8);
        let (ratings, bands) = rest.split_at(count * 8);
        let (prices, _) = prices.as_chunks::<8>();
        let (ratings, _) = ratings.as_chunks::<8>();
        let rows = prices
            .iter()
            .zip(ratings)
            .zip(bands)
            .map(|((price, stars), band)| {
                if *band == NOBODY {
                    return Some(None);
                }
                let row = Row {
                    price: i64::from_le_bytes(*price),
                    availability: availability(*band)?,
                    rating: Rating::parse(f64::from_le_bytes(*stars)),
                };
                Some(Some(row))
            });
        rows.collect()
    }
}

fn code(availability: Availability) -> u8 {
    match availability {
        Availability::InStock => 0,
        Availability::LowStock => 1,
        Availability::OutOfStock => 2,
        Availability::Unknown => 3,
    }
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
        let row = |price, availability, rating| {
            Some(Row {
                price,
                availability,
                rating,
            })
        };
        let overlay = Overlay {
            rows: vec![
                row(1299, Availability::InStock, Rating::parse(4.35)),
                None,
                row(0, Availability::Unknown, None),
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
            rating: None,
        });
        let after: Vec<_> = overlay.encode().collect();
        let changed = before.iter().zip(&after).filter(|(a, b)| a != b);
        assert_eq!((before.len(), after.len(), changed.count()), (4, 4, 1));
        assert_eq!(again(&overlay), Some(overlay));
    }

    #[test]
    fn torn_or_foreign_bytes_are_no_overlay() {
        let bytes = Overlay::encode_part(&[None; 3]);
        assert_eq!(Overlay::decode_part(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Overlay::decode_part(b"{}"), None);
    }
}
