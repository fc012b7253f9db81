//! Stripe: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA256 over `{t}.{body}`.
//!
//! The key is the whole secret as text, its `whsec_` included. Only `v1` counts: accepting Stripe's `v0` of test mode
//! would be a downgrade.

use postern_domain::{Invalid, Secret, Timestamp};

use crate::{
    fields::Fields,
    mac::{Algorithm, Keys, lower_hex},
    naming::{Naming, body},
    refusal::Refusal,
    request::{RawRequest, malformed},
    schemes::mismatch,
    window::{Unit, Window, tolerance_s},
};

const HEADER: &str = "stripe-signature";

#[derive(Clone, Debug)]
pub(crate) struct Stripe {
    keys: Keys,
    window: Window,
}

impl Stripe {
    pub(crate) fn parse(fields: &mut Fields<'_>, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let keys = Keys::derive(Algorithm::Sha256, secrets, |text| Ok(Secret::new(text.as_bytes().to_vec())))?;
        Ok(Self { keys, window: Window::new(Unit::Seconds, tolerance_s(fields)?) })
    }

    pub(crate) fn naming() -> Naming {
        Naming::new(vec![body("id")], vec![body("type")])
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<usize, Refusal> {
        let header = request.required_text(HEADER)?;
        let entries = || header.split(',').filter_map(|entry| entry.trim_matches(' ').split_once('='));
        let mut timestamps = entries().filter(|(name, _)| *name == "t").map(|(_, value)| value);
        let (Some(timestamp), None) = (timestamps.next(), timestamps.next()) else {
            return Err(malformed(format!("header `{HEADER}` as t=<Unix seconds>,v1=<hex>, with `t` once")));
        };
        self.window.check(HEADER, timestamp, now)?;
        let signatures = entries().filter(|(name, _)| *name == "v1").map(|(_, value)| lower_hex(value));
        let found = self.keys.find(&[timestamp.as_bytes(), b".", request.body], signatures);
        found.ok_or_else(|| mismatch("a `v1` signature over {t}.{body}", self.keys.len()))
    }
}
