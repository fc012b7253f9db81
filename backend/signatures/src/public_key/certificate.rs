//! As much of an X.509 certificate as a scheme asks for: the key, whom it names, and when it is valid.
//!
//! Who issued it is not checked here: what makes a certificate trusted is that the operator configured it, that it came
//! from the sender's own host over TLS, or that a [`super::chain`] says so.

use postern_domain::Timestamp;
use rsa::pkcs8::{
    ObjectIdentifier,
    der::{
        self, AnyRef, Decode, Encode, Reader, Tag, Tagged,
        asn1::{GeneralizedTime, UtcTime},
    },
};

use super::{PublicKey, pem};

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");

/// One certificate.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) key: PublicKey,
    /// None when the subject has none or several: a certificate that names two hosts names neither.
    pub(crate) common_name: Option<String>,
    not_before_s: i64,
    not_after_s: i64,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub(crate) fn from_pem(text: &str) -> Option<Self> {
        let (label, der) = pem(text)?;
        (label == "CERTIFICATE").then(|| Self::from_der(&der)).flatten()
    }

    pub(crate) fn from_der(bytes: &[u8]) -> Option<Self> {
        let certificate = AnyRef::from_der(bytes).ok()?;
        let parts = certificate.sequence(|outer| {
            let signed: AnyRef<'_> = outer.decode()?;
            skip_rest(outer)?;
            signed.sequence(to_be_signed)
        });
        let (validity, subject, key) = parts.ok()?;
        let [not_before_s, not_after_s] = validity.sequence(|times| Ok([time(times)?, time(times)?])).ok()?;
        Some(Self {
            key: PublicKey::from_spki(&key.to_der().ok()?)?,
            common_name: common_name(subject).ok()?,
            not_before_s,
            not_after_s,
        })
    }

    pub(crate) const fn is_valid_at(&self, now: Timestamp) -> bool {
        self.not_before_s <= now.as_secs() && now.as_secs() <= self.not_after_s
    }
}

/// Validity, subject and key: the fifth to the seventh field, or one earlier where the version is left out.
fn to_be_signed<'a>(fields: &mut impl Reader<'a>) -> der::Result<(AnyRef<'a>, AnyRef<'a>, AnyRef<'a>)> {
    let first: AnyRef<'_> = fields.decode()?;
    if matches!(first.tag(), Tag::ContextSpecific { .. }) {
        AnyRef::decode(fields)?;
    }
    let _algorithm = AnyRef::decode(fields)?;
    let _issuer = AnyRef::decode(fields)?;
    let wanted = (fields.decode()?, fields.decode()?, fields.decode()?);
    skip_rest(fields)?;
    Ok(wanted)
}

fn common_name(subject: AnyRef<'_>) -> der::Result<Option<String>> {
    let mut names = Vec::new();
    subject.sequence(|sets| {
        while !sets.is_finished() {
            let set: AnyRef<'_> = sets.decode()?;
            set.tag().assert_eq(Tag::Set)?;
            let mut pairs = der::SliceReader::new(set.value())?;
            while !pairs.is_finished() {
                let pair: AnyRef<'_> = pairs.decode()?;
                let (kind, value) =
                    pair.sequence(|pair| Ok((ObjectIdentifier::decode(pair)?, AnyRef::decode(pair)?)))?;
                if kind == COMMON_NAME {
                    names.push(String::from_utf8_lossy(value.value()).into_owned());
                }
            }
        }
        Ok(())
    })?;
    Ok(if names.len() == 1 { names.pop() } else { None })
}

fn time<'a>(times: &mut impl Reader<'a>) -> der::Result<i64> {
    let value: AnyRef<'_> = times.decode()?;
    let since_1970 = match value.tag() {
        Tag::UtcTime => UtcTime::try_from(value)?.to_unix_duration(),
        _ => GeneralizedTime::try_from(value)?.to_unix_duration(),
    };
    i64::try_from(since_1970.as_secs()).map_err(|_| Tag::GeneralizedTime.value_error())
}

fn skip_rest<'a>(fields: &mut impl Reader<'a>) -> der::Result<()> {
    while !fields.is_finished() {
        AnyRef::decode(fields)?;
    }
    Ok(())
}
