//! Fields of a PATCH: a missing one stays as it is, `null` takes a value away where there may be none.

use serde::{Deserialize, Deserializer};

/// Tells `null` (`Some(None)`) from a missing field (`None`, by `#[serde(default)]`).
pub(super) fn nullable<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Some)
}

/// For a field that cannot be without a value: `null` is an error and not "unchanged".
pub(super) fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}
