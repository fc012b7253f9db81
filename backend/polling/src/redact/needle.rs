//! Finds a text in another in one reading, whatever both are made of (Knuth, Morris, Pratt): the provider may know the
//! secret, and write what would make a plain search slow.

use std::ops::Range;

use postern_domain::Secret;

/// A text this short may be part of any word, and is a secret only where it stands alone.
pub(super) const SHORT: usize = 8;

#[derive(Debug)]
pub(super) struct Needle {
    text: Secret<Vec<u8>>,
    /// For each position the length of the longest proper start that also ends there.
    borders: Vec<usize>,
}

impl Needle {
    /// None where there is nothing to look for.
    pub(super) fn new(text: &str) -> Option<Self> {
        let bytes = text.trim().as_bytes();
        if bytes.is_empty() {
            return None;
        }
        let mut borders = vec![0; bytes.len()];
        let mut matched = 0;
        for at in 1..bytes.len() {
            while matched > 0 && bytes[at] != bytes[matched] {
                matched = borders[matched - 1];
            }
            matched += usize::from(bytes[at] == bytes[matched]);
            borders[at] = matched;
        }
        Some(Self { text: Secret::new(bytes.to_vec()), borders })
    }

    pub(super) fn len(&self) -> usize {
        self.borders.len()
    }

    pub(super) fn places(&self, text: &[u8]) -> Vec<Range<usize>> {
        let needle = self.text.expose();
        let (mut places, mut matched) = (Vec::new(), 0);
        for (at, byte) in text.iter().enumerate() {
            while matched > 0 && (matched == needle.len() || *byte != needle[matched]) {
                matched = self.borders[matched - 1];
            }
            matched += usize::from(*byte == needle[matched]);
            if matched == needle.len() {
                places.push(at + 1 - needle.len()..at + 1);
            }
        }
        if needle.len() < SHORT {
            places.retain(|place| stands_alone(text, place));
        }
        places
    }
}

fn stands_alone(text: &[u8], place: &Range<usize>) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let before = place.start.checked_sub(1).and_then(|before| text.get(before));
    !is_word(before) && !is_word(text.get(place.end))
}
