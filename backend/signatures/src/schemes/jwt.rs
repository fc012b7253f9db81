//! Senders that show a signed token in a header, with a hash of the body or of the URL in it.
//!
//! What a token must say differs and stands in a [`Profile`] each; what is done with it does not. A time limit that a token
//! sets itself (`exp`, `nbf`) always counts.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp, source::MAX_SECRETS};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::Fields,
    heard::Keyring,
    jws::{Algorithm, Claims, SharedKeys, Token},
    key_set::KeySet,
    mac::lower_hex,
    public_key::{PublicKey, keys_of},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::mismatch,
    window::{Unit, Window, tolerance_s},
};

/// What the tokens of one sender look like.
#[derive(Clone, Debug)]
pub(crate) struct Profile {
    pub(crate) header: Cow<'static, str>,
    /// What stands before the token, if the sender writes it: `Bearer`.
    pub(crate) prefix: Option<&'static str>,
    pub(crate) algorithms: &'static [Algorithm],
    pub(crate) issuer: Option<Cow<'static, str>>,
    /// Moments without which a token is none.
    pub(crate) required: &'static [&'static str],
    /// The claim with the body's SHA-256, and how it is written.
    pub(crate) body: Option<(&'static str, HashForm)>,
    /// Whether that claim is left out when the body is empty.
    pub(crate) body_may_be_empty: Empty,
    /// The claim with the SHA-256 of the URL, in hex.
    pub(crate) url: Option<&'static str>,
    /// How far `exp` and `nbf` may be overstepped.
    pub(crate) leeway_s: i64,
    /// The claim that is the event's id.
    pub(crate) id: Option<&'static str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HashForm {
    Hex,
    Base64,
}

/// What is done with a request without a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Empty {
    /// The token has a hash of it, as of any other.
    Hashed,
    /// The token has no hash of it, and says so by that.
    Unhashed,
}

/// A sender with keys of its own kind: shared, public, or both.
#[derive(Clone, Debug)]
pub(crate) struct Jwt {
    profile: Profile,
    secrets: SharedKeys,
    public_keys: Vec<KnownKey>,
    key_sets: Vec<KeySet>,
    window: Option<Window>,
}

#[derive(Clone, Debug)]
struct KnownKey {
    kid: Option<String>,
    key: PublicKey,
}

impl Jwt {
    pub(crate) fn new(profile: Profile, fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let signed_at = profile.required.contains(&"iat");
        let tolerance_s = if signed_at { tolerance_s(fields)? } else { None };
        let (key_sets, texts) = key_sets(&credentials.public_keys)?;
        Ok(Self {
            window: signed_at.then(|| Window::new(Unit::Seconds, tolerance_s)),
            profile,
            secrets: SharedKeys::new(&credentials.secrets)?,
            public_keys: known_keys(&texts)?,
            key_sets,
        })
    }
}

impl Coded for Jwt {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let token = self.profile.token(request)?;
        let fitting = |known: &&KnownKey| match (&known.kid, &token.kid) {
            (Some(known), Some(told)) => known == told,
            _ => true,
        };
        let mut public_keys: Vec<PublicKey> =
            self.public_keys.iter().filter(fitting).map(|known| known.key.clone()).collect();
        for set in self.key_sets.iter().filter(|_| token.algorithm.public().is_some()) {
            match set.find(token.kid.as_deref(), keys) {
                Ok(more) => public_keys.extend(more),
                Err(wanted) => return Ok(Proof::NeedsKey(wanted)),
            }
        }
        let opened = token.open(&self.secrets, &public_keys);
        let (claims, place) = opened.ok_or_else(|| self.profile.mismatch(self.secrets.len() + public_keys.len()))?;
        if let Some(window) = &self.window {
            let signed_at = claims.seconds("iat").map(|at| at.to_string()).unwrap_or_default();
            window.check(&self.profile.header, &signed_at, now)?;
        }
        self.profile.check(&claims, request, now)?;
        Ok(Proof::Shown(Shown {
            secret_index: Some(place),
            covers_body: self.profile.body.is_some(),
            event_id: self.profile.id.and_then(|claim| claims.text(claim)).map(str::to_owned),
            ..Shown::default()
        }))
    }
}

impl Profile {
    /// The token, not proved yet.
    pub(crate) fn token<'a>(&self, request: &RawRequest<'a>) -> Result<Token<'a>, Refusal> {
        let value = request.required_text(&self.header)?;
        let text = self.prefix.and_then(|prefix| strip_word(value, prefix)).unwrap_or(value);
        Token::read(text, self.algorithms).ok_or_else(|| {
            let names: Vec<String> = self.algorithms.iter().map(|algorithm| format!("{algorithm:?}")).collect();
            malformed(format!("header `{}` as a JSON Web Token with {}", self.header, names.join(", ").to_uppercase()))
        })
    }

    pub(crate) fn mismatch(&self, keys: usize) -> Refusal {
        mismatch(&format!("a token in header `{}`", self.header), keys)
    }

    /// Whether a proved token is for this request, and for now.
    pub(crate) fn check(&self, claims: &Claims, request: &RawRequest<'_>, now: Timestamp) -> Result<(), Refusal> {
        if let Some(missing) = self.required.iter().find(|name| claims.seconds(name).is_none()) {
            return Err(malformed(format!("a token with the claim `{missing}`, in seconds")));
        }
        let wrong_issuer = |issuer: &&Cow<'_, str>| claims.text("iss") != Some(issuer.as_ref());
        if let Some(issuer) = self.issuer.as_ref().filter(wrong_issuer) {
            return Err(Refusal::new(RefusalCause::SignatureMismatch, format!("a token of the issuer `{issuer}`")));
        }
        check_life(claims, self.leeway_s, now)?;
        if let Some(claim) = self.url {
            check_hash(claims, claim, HashForm::Hex, request.url.as_bytes(), "URL")?;
        }
        match self.body {
            None => Ok(()),
            Some((claim, _)) if self.body_may_be_empty == Empty::Unhashed && request.body.is_empty() => {
                let expected = format!("a body, whose hash is in claim `{claim}`");
                if claims.contains(claim) {
                    Err(Refusal::new(RefusalCause::SignatureMismatch, expected))
                } else {
                    Ok(())
                }
            }
            Some((claim, form)) => check_hash(claims, claim, form, request.body, "body"),
        }
    }
}

/// A time limit that a token sets itself; it may be overstepped so far.
pub(crate) fn check_life(claims: &Claims, leeway_s: i64, now: Timestamp) -> Result<(), Refusal> {
    let unreadable = ["exp", "nbf"].into_iter().find(|name| claims.contains(name) && claims.seconds(name).is_none());
    if let Some(name) = unreadable {
        return Err(malformed(format!("a token with the claim `{name}` in seconds")));
    }
    if claims.seconds("exp").is_some_and(|end_s| end_s.saturating_add(leeway_s) <= now.as_secs()) {
        return Err(Refusal::new(RefusalCause::TimestampTooOld, "a token that has not expired"));
    }
    if claims.seconds("nbf").is_some_and(|start_s| start_s.saturating_sub(leeway_s) > now.as_secs()) {
        return Err(Refusal::new(RefusalCause::TimestampTooNew, "a token that is valid already"));
    }
    Ok(())
}

fn check_hash(claims: &Claims, claim: &str, form: HashForm, content: &[u8], what: &str) -> Result<(), Refusal> {
    let told = claims.text(claim).and_then(|text| match form {
        HashForm::Hex => lower_hex(text),
        HashForm::Base64 => STANDARD.decode(text).ok(),
    });
    let hash = Sha256::digest(content);
    if told.is_some_and(|told| bool::from(hash.as_slice().ct_eq(&told))) {
        return Ok(());
    }
    Err(Refusal::new(
        RefusalCause::SignatureMismatch,
        format!("a {what} whose SHA-256 is in the token's claim `{claim}`"),
    ))
}

/// The rest after a word in any case and the space after it.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (first, rest) = text.split_once(' ')?;
    first.eq_ignore_ascii_case(word).then(|| rest.trim_matches(' '))
}

/// Sets of keys by their address, and the texts that are keys themselves.
fn key_sets(texts: &[String]) -> Result<(Vec<KeySet>, Vec<String>), Invalid> {
    let is_address = |text: &&String| text.contains("://");
    let (addresses, keys): (Vec<&String>, Vec<&String>) = texts.iter().partition(is_address);
    let sets: Option<Vec<KeySet>> = addresses.into_iter().map(|text| KeySet::at(text.trim())).collect();
    let sets = sets.ok_or_else(|| {
        Invalid::new("public_keys", "must be at an https address without a port, where they are an address")
    })?;
    Ok((sets, keys.into_iter().cloned().collect()))
}

/// Keys as PEM, JWK or DER, and sets of JWKs.
fn known_keys(texts: &[String]) -> Result<Vec<KnownKey>, Invalid> {
    if texts.len() > MAX_SECRETS {
        return Err(Invalid::new("public_keys", format!("may have at most {MAX_SECRETS} entries")));
    }
    let mut known = Vec::new();
    for text in texts {
        let before = known.len();
        if text.trim_start().starts_with('{') {
            let usable = |jwk: crate::public_key::Jwk| jwk.key().map(|key| KnownKey { kid: jwk.kid, key });
            known.extend(keys_of(text.as_bytes()).into_iter().filter_map(usable));
        } else {
            known.extend(PublicKey::parse(text).map(|key| KnownKey { kid: None, key }));
        }
        if known.len() == before {
            return Err(Invalid::new(
                "public_keys",
                "must each be PEM, a JWK or a set of them, or base64 of a key's DER, or the https address of a set",
            ));
        }
    }
    Ok(known)
}
