//! What a provider lets all who share a credential ask, as somebody read it in the provider's documents.

use postern_domain::Invalid;
use serde_json::{Value, json};

use super::fields::Fields;

const MAX_REQUESTS: u32 = 1_000_000;
const MAX_PER_S: u32 = 24 * 3_600;

/// At most `requests` in any `per_s` seconds, of all sources that share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    pub requests: u32,
    pub per_s: u32,
}

impl Budget {
    /// Whichever lets less through in the long run; of two that let the same through, the one that lets fewer at once.
    #[must_use]
    pub fn tightest(self, other: Self) -> Self {
        let rate = |budget: Self, over: Self| u64::from(budget.requests) * u64::from(over.per_s);
        if (rate(other, self), other.requests) < (rate(self, other), self.requests) { other } else { self }
    }

    pub(super) fn read(mut fields: Fields<'_>) -> Result<Option<Self>, Invalid> {
        if !fields.is_given() {
            return Ok(None);
        }
        let Some(requests) = fields.integer("requests", 1..=MAX_REQUESTS)? else {
            return Err(fields.invalid("requests", "is required: how many requests the provider takes"));
        };
        let Some(per_s) = fields.integer("per_s", 1..=MAX_PER_S)? else {
            return Err(fields.invalid("per_s", "is required: in how many seconds the provider takes them"));
        };
        fields.finish()?;
        Ok(Some(Self { requests, per_s }))
    }

    pub(super) fn to_value(self) -> Value {
        json!({"requests": self.requests, "per_s": self.per_s})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lower_rate_is_the_tighter() {
        let budget = |requests: u32, per_s: u32| Budget { requests, per_s };
        for (tighter, looser) in [
            (budget(10, 60), budget(11, 60)),
            (budget(10, 61), budget(10, 60)),
            (budget(100, 3_600), budget(10, 60)),
            (budget(10, 60), budget(100, 600)),
            (budget(1, 86_400), budget(1_000_000, 1)),
        ] {
            assert_eq!(tighter.tightest(looser), tighter);
            assert_eq!(looser.tightest(tighter), tighter);
        }
    }
}
