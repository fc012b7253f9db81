//! `whsec_` secrets of Standard Webhooks: base64 of random bytes. (Stripe's look the same and are not: see `schemes`.)

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use postern_domain::Secret;

/// What such a secret begins with; readers take it without, too.
pub(crate) const PREFIX: &str = "whsec_";

/// Secrets are typed and pasted by people, who lose the `=` at the end. Signatures are read with the strict engine.
pub(crate) const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The bytes of a secret, with or without its prefix; none when it is not base64.
pub(crate) fn decode(text: &str) -> Option<Secret<Vec<u8>>> {
    decode_bare(text.strip_prefix(PREFIX).unwrap_or(text))
}

/// The bytes of a secret that is base64 and has no prefix.
pub(crate) fn decode_bare(text: &str) -> Option<Secret<Vec<u8>>> {
    LENIENT.decode(text).ok().map(Secret::new)
}
