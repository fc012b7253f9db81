//! Finds one string or number in a JSON body without building the rest of it.
//!
//! Reading stops at the value, so whatever comes after it cannot make it unfindable; what comes before it only has to be
//! JSON by its shape. Numbers keep the digits they came with: ids beyond 2^53 exist. Of a repeated name the first counts.

use std::fmt;

use postern_domain::Invalid;
use serde::{
    Deserialize,
    de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

const MAX_STEPS: usize = 16;

/// A JSON Pointer (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

impl Pointer {
    /// Reads `/a/0/b`.
    pub(crate) fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        let Some(steps) = text.strip_prefix('/') else {
            return Err(Invalid::new(field, "must be a JSON Pointer such as `/id` or `/data/id`"));
        };
        let steps: Vec<String> = steps.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect();
        if steps.len() > MAX_STEPS {
            return Err(Invalid::new(field, format!("must have at most {MAX_STEPS} steps")));
        }
        Ok(Self(steps))
    }

    /// By its steps, each a member's name or an element's number.
    pub(crate) const fn from_steps(steps: Vec<String>) -> Self {
        Self(steps)
    }

    pub(crate) fn steps(&self) -> &[String] {
        &self.0
    }

    /// The text of the string, or the digits of the number, that stands there; none for all else.
    pub(crate) fn find(&self, body: &[u8]) -> Option<String> {
        self.find_raw(body).as_deref().and_then(scalar)
    }

    /// Whether anything stands there.
    pub(crate) fn is_there(&self, body: &[u8]) -> bool {
        self.find_raw(body).is_some()
    }

    /// Whether a list stands there that has nothing in it.
    pub(crate) fn is_empty_list(&self, body: &[u8]) -> bool {
        let inside = |raw: &str| Some(raw.strip_prefix('[')?.strip_suffix(']')?.trim().is_empty());
        self.find_raw(body).as_deref().and_then(inside).unwrap_or(false)
    }

    /// What stands there, as it is written.
    fn find_raw(&self, body: &[u8]) -> Option<String> {
        let mut found = None;
        let mut json = serde_json::Deserializer::from_slice(body);
        // The result says only whether reading stopped early; what counts is what was found by then.
        let _ = Walk { steps: &self.0, found: &mut found }.deserialize(&mut json);
        found
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|step| write!(f, "/{}", step.replace('~', "~0").replace('/', "~1")))
    }
}

struct Walk<'w> {
    steps: &'w [String],
    found: &'w mut Option<String>,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        if !self.steps.is_empty() {
            return deserializer.deserialize_any(self);
        }
        *self.found = Some(<&RawValue>::deserialize(deserializer)?.get().to_owned());
        Err(D::Error::custom("found; no need to read on"))
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else { return Ok(()) };
        while let Some(here) = map.next_key_seed(NameIs(step))? {
            if here {
                map.next_value_seed(Walk { steps: rest, found: &mut *self.found })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let Some((step, rest)) = self.steps.split_first() else { return Ok(()) };
        let canonical = step == "0" || !step.starts_with('0') && step.bytes().all(|byte| byte.is_ascii_digit());
        let wanted: Option<usize> = canonical.then(|| step.parse().ok()).flatten();
        for position in 0_usize.. {
            if Some(position) == wanted {
                if seq.next_element_seed(Walk { steps: rest, found: &mut *self.found })?.is_none() {
                    break;
                }
            } else if seq.next_element::<IgnoredAny>()?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Compares a member's name as bytes, so that a name that is not UTF-8 is a name like any other.
struct NameIs<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for NameIs<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for NameIs<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_bytes<E>(self, name: &[u8]) -> Result<bool, E> {
        Ok(name == self.0.as_bytes())
    }

    fn visit_str<E>(self, name: &str) -> Result<bool, E> {
        Ok(name == self.0)
    }
}

/// The text of a string, or the digits of a number.
pub(crate) fn scalar(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'-' | b'0'..=b'9' => Some(raw.to_owned()),
        _ => None,
    }
}
