//! NOWPayments: `x-nowpayments-sig: <hex>`, HMAC-SHA512 over the JSON with its names sorted and no space in it.
//!
//! Names are sorted at every depth. Numbers and texts stay as they are written: what another reader would make of `0.10` or
//! `1e-7` is not what was signed. White space and the order of names are not signed.

use postern_domain::{Invalid, Timestamp};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    mac::{Algorithm, Keys, lower_hex},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{lacking, mismatch},
};

const HEADER: &str = "x-nowpayments-sig";
/// Theirs has two levels. Each level reads its part once more.
const MAX_DEPTH: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct NowPayments {
    keys: Keys,
}

impl NowPayments {
    pub(crate) fn parse(_: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        Ok(Self { keys: Keys::of_text(Algorithm::Sha512, &credentials.secrets)? })
    }
}

impl Coded for NowPayments {
    fn verify(&self, request: &RawRequest<'_>, _now: Timestamp, _keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let signature = lower_hex(request.required_text(HEADER)?);
        let signed = canonical(request.body).ok_or_else(|| lacking("JSON with each name once"))?;
        let found = self.keys.find(&[&signed], std::iter::once(signature));
        let what = format!("an HMAC over the sorted JSON in header `{HEADER}`");
        let secret_index = found.ok_or_else(|| mismatch(&what, self.keys.len()))?;
        Ok(Proof::Shown(Shown { secret_index: Some(secret_index), covers_body: true, ..Shown::default() }))
    }
}

/// What is signed; none when the text is no JSON, too deep, or has a name twice.
pub(crate) fn canonical(json: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(json.len());
    write(serde_json::from_slice(json).ok()?, MAX_DEPTH, &mut out)?;
    Some(out)
}

fn write(raw: &RawValue, depth: usize, out: &mut Vec<u8>) -> Option<()> {
    match raw.get().as_bytes().first()? {
        b'{' => {
            let Members(mut members) = serde_json::from_str(raw.get()).ok()?;
            // As JavaScript sorts: by the units of UTF-16.
            members.sort_by(|one, other| one.name.encode_utf16().cmp(other.name.encode_utf16()));
            if members.windows(2).any(|pair| pair[0].name == pair[1].name) {
                return None;
            }
            out.push(b'{');
            for (place, member) in members.into_iter().enumerate() {
                separate(place, out);
                out.extend_from_slice(member.written.get().as_bytes());
                out.push(b':');
                write(member.value, depth.checked_sub(1)?, out)?;
            }
            out.push(b'}');
        }
        b'[' => {
            let elements: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
            out.push(b'[');
            for (place, element) in elements.into_iter().enumerate() {
                separate(place, out);
                write(element, depth.checked_sub(1)?, out)?;
            }
            out.push(b']');
        }
        _ => out.extend_from_slice(raw.get().as_bytes()),
    }
    Some(())
}

fn separate(place: usize, out: &mut Vec<u8>) {
    if place > 0 {
        out.push(b',');
    }
}

/// The members of an object, in the order in which they came.
struct Members<'a>(Vec<Member<'a>>);

struct Member<'a> {
    name: String,
    /// The name as it is written.
    written: &'a RawValue,
    value: &'a RawValue,
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some((written, value)) = map.next_entry::<&RawValue, &RawValue>()? {
                    let name = serde_json::from_str(written.get()).map_err(A::Error::custom)?;
                    members.push(Member { name, written, value });
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
