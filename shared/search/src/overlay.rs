//! What changes often of a product (price, availability, rating), as arrays by product number.

use bothways_domain::{inventory::Availability, product::Rating};

const MAGIC: &[u8; 8] = b"BWOVL\0\0\x01";
const ROW: usize = 8 + 8 + 1;
const NOBODY: u8 = u8::MAX;

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
    /// Magic, then the columns one after the other, little-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let rows = &self.rows;
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

    /// The overlay of these bytes, unless they are not one.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
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
        rows.collect::<Option<_>>().map(|rows| Self { rows })
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
        assert_eq!(Overlay::decode(&overlay.encode()), Some(overlay));
    }

    #[test]
    fn torn_or_foreign_bytes_are_no_overlay() {
        let bytes = Overlay {
            rows: vec![None; 3],
        }
        .encode();
        assert_eq!(Overlay::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Overlay::decode(b"{}"), None);
    }
}
