//! Scores of neighbouring documents, summed up word by word where the processor has them at hand.

use tantivy::Score;

/// How many documents are looked at together: what is noted of so many fits into the nearest caches.
pub(crate) const WINDOW: u32 = 2_048;
const PLACES: usize = WINDOW as usize;
const BITS: usize = u64::BITS as usize;

/// What one word gives a product.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Match {
    /// The best field's score, …
    pub(crate) best: Score,
    /// … and all of them together.
    pub(crate) sum: Score,
    /// How well the name says it: 1 by the word itself, less by a synonym.
    pub(crate) named: Score,
    /// How well any field says it.
    pub(crate) said: Score,
}

/// What all words so far give a product.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Gain {
    pub(crate) score: Score,
    /// The rarity of the words it has.
    pub(crate) covered: Score,
}

/// The documents from one on.
pub(crate) struct Window {
    matches: Vec<Match>,
    /// Which documents have the present word, a bit each.
    touched: [u64; PLACES / BITS],
    gains: Vec<Gain>,
    found: [u64; PLACES / BITS],
}

impl Window {
    pub(crate) fn new() -> Self {
        Self {
            matches: vec![Match::default(); PLACES],
            touched: [0; PLACES / BITS],
            gains: vec![Gain::default(); PLACES],
            found: [0; PLACES / BITS],
        }
    }

    /// A field of the document at `place` gives `score` for the present word.
    pub(crate) fn note(&mut self, place: u32, score: Score, said: Score, named: Score) {
        let place = place as usize % PLACES;
        let entry = &mut self.matches[place];
        entry.best = entry.best.max(score);
        entry.sum += score;
        entry.said = entry.said.max(said);
        entry.named = entry.named.max(named);
        self.touched[place / BITS] |= 1 << (place % BITS);
    }

    /// Sums up what the present word gives; the next note is of another.
    pub(crate) fn end_word(&mut self, worth: impl Fn(Match) -> Gain) {
        for (found, touched) in self.found.iter_mut().zip(&self.touched) {
            *found |= touched;
        }
        drain(&mut self.touched, |place| {
            let more = worth(std::mem::take(&mut self.matches[place]));
            let gain = &mut self.gains[place];
            gain.score += more.score;
            gain.covered += more.covered;
        });
    }

    /// Takes all documents found, in order, and leaves nothing of them.
    pub(crate) fn end(&mut self, mut take: impl FnMut(u32, Gain)) {
        drain(&mut self.found, |place| {
            let gain = std::mem::take(&mut self.gains[place]);
            take(u32::try_from(place).unwrap_or(0), gain);
        });
    }
}

/// Takes the places of the bits that are set, in order, and unsets them.
fn drain(bits: &mut [u64; PLACES / BITS], mut take: impl FnMut(usize)) {
    for (word, bits) in bits.iter_mut().enumerate() {
        let mut rest = std::mem::take(bits);
        while rest != 0 {
            take(word * BITS + rest.trailing_zeros() as usize);
            rest &= rest - 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_add_up_and_fields_of_a_word_do_not() {
        let mut window = Window::new();
        let worth = |given: Match| Gain {
            score: given.best + given.sum / 4.0,
            covered: given.said,
        };
        window.note(5, 1.0, 1.0, 0.0);
        window.note(5, 3.0, 0.5, 0.5);
        window.end_word(worth);
        window.note(WINDOW - 1, 2.0, 1.0, 0.0);
        window.note(5, 4.0, 1.0, 0.0);
        window.end_word(worth);
        window.end_word(worth);
        let mut found = Vec::new();
        window.end(|place, gain| found.push((place, gain.score, gain.covered)));
        assert_eq!(found, [(5, 9.0, 2.0), (WINDOW - 1, 2.5, 1.0)]);
        window.end(|place, _| panic!("{place} is still there"));
    }
}
