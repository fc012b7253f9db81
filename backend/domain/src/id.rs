//! Ids are TypeIDs (<https://github.com/jetify-com/typeid>, spec 0.3): a prefix that says the kind, `_`, and a UUIDv7
//! in 26 characters of Crockford base32. A Rust type for each kind, so that one cannot be passed for another.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

use crate::time::Timestamp;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// 128 bits in groups of five, the first group holding three.
const SUFFIX_LEN: usize = 26;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an id of the form {prefix}_ followed by 26 characters")]
pub struct IdError {
    pub prefix: &'static str,
    pub text: String,
}

/// Sorts by the moment of its making; within one process strictly.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
pub fn fresh_uuid() -> Uuid {
    Uuid::now_v7()
}

/// The smallest UUIDv7 that can be made at `at`: the bound for "ids from then on".
#[must_use]
pub fn first_uuid_at(at: Timestamp) -> Uuid {
    let ms = u128::try_from(at.as_millis().max(0)).unwrap_or(0) & ((1 << 48) - 1);
    Uuid::from_u128((ms << 80) | (0x7 << 76) | (0x2 << 62))
}

/// When a UUIDv7 was made, to the millisecond.
#[must_use]
pub fn made_at(id: Uuid) -> Timestamp {
    let ms = i64::try_from(id.as_u128() >> 80).unwrap_or(0);
    Timestamp::from_micros(ms * 1_000)
}

fn encode(uuid: Uuid) -> String {
    let value = uuid.as_u128();
    (0..SUFFIX_LEN)
        .rev()
        .filter_map(|group| {
            let index = usize::try_from((value >> (group * 5)) & 31).ok()?;
            ALPHABET.get(index).map(|byte| char::from(*byte))
        })
        .collect()
}

fn decode(suffix: &str) -> Option<Uuid> {
    // The first character carries three bits; anything above `7` would overflow 128.
    if suffix.len() != SUFFIX_LEN || !suffix.starts_with(|first: char| ('0'..='7').contains(&first)) {
        return None;
    }
    suffix
        .bytes()
        .try_fold(0u128, |value, byte| {
            let digit = ALPHABET.iter().position(|known| *known == byte)?;
            Some((value << 5) | u128::try_from(digit).ok()?)
        })
        .map(Uuid::from_u128)
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;

            #[must_use]
            pub fn fresh() -> Self {
                Self(fresh_uuid())
            }

            /// For rows read back from the store, and for nothing else.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", $prefix, encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or_else(|| IdError { prefix: $prefix, text: text.chars().take(64).collect() })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(D::Error::custom)
            }
        }
    )+};
}

typed_ids! {
    /// The owner of everything below it; the boundary of isolation.
    TenantId = "ten";
    UserId = "usr";
    SourceId = "src";
    DestinationId = "dst";
    ConnectionId = "con";
    /// Also the `webhook-id` of every attempt to deliver the event.
    EventId = "evt";
    DeliveryId = "dlv";
    /// Also the fencing token of the lease under which the attempt is made.
    AttemptId = "att";
    RequestId = "req";
    /// One execution of a poll source, or one instant of a schedule source.
    RunId = "run";
    /// A request that Postern makes for a tenant.
    CallId = "call";
    ApiKeyId = "key";
    SessionId = "ses";
    AuditId = "aud";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_examples_hold() {
        // From the `valid.yml` of the TypeID specification.
        for (suffix, uuid) in [
            ("00000000000000000000000000", "00000000-0000-0000-0000-000000000000"),
            ("00000000000000000000000001", "00000000-0000-0000-0000-000000000001"),
            ("0000000000000000000000000g", "00000000-0000-0000-0000-000000000010"),
            ("7zzzzzzzzzzzzzzzzzzzzzzzzz", "ffffffff-ffff-ffff-ffff-ffffffffffff"),
            ("0123456789abcdefghjkmnpqrs", "0110c853-1d09-52d8-d73e-1194e95b5f19"),
            ("01h455vb4pex5vsknk084sn02q", "01890a5d-ac96-774b-bcce-b302099a8057"),
        ] {
            let uuid: Uuid = uuid.parse().expect("a uuid");
            assert_eq!(encode(uuid), suffix);
            assert_eq!(decode(suffix), Some(uuid));
        }
    }

    #[test]
    fn what_is_not_an_id_is_refused() {
        let good = SourceId::fresh().to_string();
        for bad in [
            good.replace("src_", "dst_"),
            good.replace("src_", "src-"),
            good.to_uppercase(),
            format!("{good}0"),
            "src_8zzzzzzzzzzzzzzzzzzzzzzzzz".to_owned(),
            "src_0123456789abcdefghjkmnpqru".to_owned(),
            String::new(),
        ] {
            assert!(bad.parse::<SourceId>().is_err(), "{bad}");
        }
        assert_eq!(good.parse::<SourceId>().map(|id| id.to_string()), Ok(good));
    }

    #[test]
    fn an_id_tells_its_moment_and_bounds_hold() {
        let at = Timestamp::from_micros(1_772_359_200_123_000);
        assert_eq!(made_at(first_uuid_at(at)), at);
        assert!(first_uuid_at(at) < first_uuid_at(at.plus_ms(1)));
        let now = EventId::fresh().uuid();
        assert!(first_uuid_at(made_at(now)) <= now);
    }
}
