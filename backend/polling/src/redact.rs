//! Takes secrets out of what is kept of a provider's pages to be looked at.
//!
//! Two things are a secret: what stands under a name that says so, and the credential of the source itself, wherever and
//! however a provider writes it back. What is kept may be cut off, broken or no JSON at all, so nothing here parses: names
//! are known by the `:`, `=` or `>` behind them. Where that leaves a doubt, more is taken out and not less.

mod credential;
mod member;
mod name;
mod needle;

use std::ops::Range;

use postern_domain::Secret;

use self::needle::Needle;
use crate::settings::PollSettings;

const REDACTED: &[u8] = b"[redacted]";

/// Knows the secrets of one source.
#[derive(Debug)]
pub struct Redactor {
    needles: Vec<Needle>,
}

impl Redactor {
    /// `access_token` is what the settings do not hold: it was handed out for them.
    #[must_use]
    pub fn new(settings: &PollSettings, access_token: Option<&Secret<String>>) -> Self {
        Self { needles: credential::needles(settings, access_token) }
    }

    /// The first `most` bytes of a text with `[redacted]` in the place of each secret. What is cut off there may be half
    /// a secret, so it is looked at before it is cut.
    #[must_use]
    pub fn sample(&self, text: &[u8], most: usize) -> Vec<u8> {
        let longest = self.needles.iter().map(Needle::len).max().unwrap_or(0);
        let ahead = text.get(..most.saturating_add(longest)).unwrap_or(text);
        let text = text.get(..most).unwrap_or(text);
        let mut secrets = member::values(text);
        secrets.extend(self.needles.iter().flat_map(|needle| needle.places(ahead)));
        let mut sample = without(text, secrets);
        sample.truncate(most);
        sample
    }
}

/// Ranges may lie in any order, overlap, and end behind the text.
fn without(text: &[u8], mut secrets: Vec<Range<usize>>) -> Vec<u8> {
    secrets.sort_unstable_by_key(|secret| (secret.start, secret.end));
    let mut kept = Vec::with_capacity(text.len());
    let mut done = 0;
    for secret in secrets.into_iter().filter(|secret| secret.start < text.len()) {
        if secret.start >= done {
            kept.extend_from_slice(&text[done..secret.start]);
            kept.extend_from_slice(REDACTED);
        }
        done = done.max(secret.end.min(text.len()));
    }
    kept.extend_from_slice(&text[done..]);
    kept
}

#[cfg(test)]
mod tests;
