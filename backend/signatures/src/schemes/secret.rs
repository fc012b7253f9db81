//! Which bytes are the key that a secret stands for.

use postern_domain::{Invalid, Secret};

use crate::{fields::Fields, whsec};

/// Shorter secrets of a tenant's own making can be guessed.
const MIN_SECRET_BYTES: usize = 8;

/// How the key's bytes are written in the secret. Never told by the secret's look.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SecretEncoding {
    Utf8,
    Hex,
    Base64,
    Whsec,
    Html,
}

/// Whose secrets: a provider makes them as it likes, and its preset is trusted to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretsOf {
    Provider,
    Tenant,
}

impl SecretEncoding {
    /// Takes `secret_encoding`; text, unless told otherwise.
    pub(crate) fn parse(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let encodings = [
            ("utf8", Self::Utf8),
            ("hex", Self::Hex),
            ("base64", Self::Base64),
            ("whsec", Self::Whsec),
            ("html", Self::Html),
        ];
        Ok(fields.choice("secret_encoding", &encodings)?.unwrap_or(Self::Utf8))
    }

    /// The bytes that one secret stands for.
    pub(crate) fn key_bytes(self, whose: SecretsOf, text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
        let (bytes, form) = match self {
            Self::Utf8 => (Some(Secret::new(text.as_bytes().to_vec())), "as text"),
            Self::Hex => (hex::decode(text).ok().map(Secret::new), "in hex"),
            Self::Base64 => (whsec::decode_bare(text), "in base64"),
            Self::Whsec => (whsec::decode(text), "in base64, `whsec_` may stand before it"),
            Self::Html => (Some(Secret::new(unescape(text).into_bytes())), "as text"),
        };
        let detail = format!("must be written {form}, which one of them is not");
        let bytes = bytes.ok_or_else(|| Invalid::new("secrets", detail))?;
        let least = if whose == SecretsOf::Tenant { MIN_SECRET_BYTES } else { 1 };
        if bytes.expose().len() < least {
            return Err(Invalid::new("secrets", format!("must stand for at least {least} bytes each")));
        }
        Ok(bytes)
    }
}

/// The five characters that have a name in HTML, as WordPress writes them.
fn unescape(text: &str) -> String {
    let names = [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>'), ("&quot;", '"'), ("&#039;", '\''), ("&#39;", '\'')];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let (written, taken) = names
            .iter()
            .find(|(name, _)| rest.starts_with(name))
            .map_or((letter, letter.len_utf8()), |(name, meant)| (*meant, name.len()));
        plain.push(written);
        rest = &rest[taken..];
    }
    plain
}
