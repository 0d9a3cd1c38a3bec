//! How text becomes terms: lower case, ASCII folding, split where it is neither letter nor digit, English stems.

use std::ops::Range;

use tantivy::{
    Index,
    tokenizer::{
        AsciiFoldingFilter, Language, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer,
        TextAnalyzer,
    },
};

/// The name by which the index knows the analyzer of its text fields.
pub(crate) const STEMMED: &str = "shop_en";
/// Longer words are no words: they are left out of the index and of queries.
const MAX_WORD: usize = 40;

/// A word of a text, as a shopper would type it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    /// Lower case, folded, not stemmed.
    pub(crate) text: String,
    /// Where it stands in the text, in bytes.
    pub(crate) at: Range<usize>,
}

fn stemmed() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(MAX_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// Makes the analyzer known to an index that was created or opened.
pub(crate) fn register(index: &Index) {
    index.tokenizers().register(STEMMED, stemmed());
}

/// The first `limit` words of the text, in order.
pub(crate) fn words(text: &str, limit: usize) -> Vec<Word> {
    let mut analyzer = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(MAX_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .build();
    let mut stream = analyzer.token_stream(text);
    let mut words = Vec::new();
    while words.len() < limit && stream.advance() {
        let token = stream.token();
        words.push(Word {
            text: token.text.clone(),
            at: token.offset_from..token.offset_to,
        });
    }
    words
}

/// The term a word is indexed as.
pub(crate) fn stem(word: &str) -> String {
    let mut analyzer = stemmed();
    let mut stream = analyzer.token_stream(word);
    if stream.advance() {
        stream.token().text.clone()
    } else {
        word.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text, 100).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_folded_and_split_at_punctuation() {
        assert_eq!(
            texts("Crème-Brûlée, USB‑C (TN-2010)"),
            ["creme", "brulee", "usb", "c", "tn", "2010"]
        );
    }

    #[test]
    fn words_say_where_they_stand() {
        let text = "é Tonr!";
        let word = &words(text, 9)[1];
        assert_eq!(&text[word.at.clone()], "Tonr");
    }

    #[test]
    fn stems_unite_plural_and_singular_and_leave_model_numbers() {
        assert_eq!(stem("batteries"), stem("battery"));
        assert_eq!(stem("tn2010"), "tn2010");
    }

    #[test]
    fn what_is_no_word_yields_nothing() {
        assert!(texts("\u{0}\"*? ~~ \u{1F600}").is_empty());
        assert!(texts(&"x".repeat(500)).is_empty());
    }
}
