//! Senders that sign nothing and show a secret instead: in a header of their choice, as Bearer, or as Basic.
//!
//! Secrets are kept, and compared, as SHA-256: equally long on both sides, so that time tells nothing of either.

use std::fmt;

use base64::Engine;
use http::HeaderName;
use postern_domain::{Invalid, Secret};
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    fields::Fields,
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed},
    whsec,
};

/// Shorter secrets can be guessed over the network.
pub(crate) const MIN_SECRET_BYTES: usize = 8;
const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;

#[derive(Clone)]
pub(crate) struct Token {
    digests: Vec<[u8; 32]>,
    carrier: Carrier,
}

/// Where the secret stands.
#[derive(Clone, Debug)]
enum Carrier {
    Header(HeaderName, Option<String>),
    Bearer,
    Basic,
}

impl Token {
    pub(crate) fn parse(fields: &mut Fields<'_>, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let prefix = fields.text("prefix")?.map(str::to_owned);
        Self::of(Carrier::Header(fields.required_header("header")?, prefix), secrets)
    }

    pub(crate) fn bearer(secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        Self::of(Carrier::Bearer, secrets)
    }

    /// The secrets are `user:password` each.
    pub(crate) fn basic(secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        if secrets.iter().any(|secret| !secret.expose().contains(':')) {
            return Err(Invalid::new("secrets", "must be `user:password` each"));
        }
        Ok(Self { digests: digests(secrets), carrier: Carrier::Basic })
    }

    fn of(carrier: Carrier, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        if secrets.iter().any(|secret| secret.expose().len() < MIN_SECRET_BYTES) {
            let detail = format!("must have at least {MIN_SECRET_BYTES} bytes each: shorter ones can be guessed");
            return Err(Invalid::new("secrets", detail));
        }
        Ok(Self { digests: digests(secrets), carrier })
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>) -> Result<usize, Refusal> {
        match &self.carrier {
            Carrier::Header(name, prefix) => {
                let value = request.required(name.as_str())?;
                let prefix = prefix.as_deref().unwrap_or_default();
                let token = value.strip_prefix(prefix.as_bytes());
                let token = token.ok_or_else(|| malformed(format!("header `{name}` beginning with `{prefix}`")))?;
                self.find(token, &format!("the token of this source in header `{name}`"))
            }
            Carrier::Bearer => {
                let token = credentials(request, "Bearer")?;
                self.find(token.as_bytes(), "the token of this source as `authorization: Bearer`")
            }
            Carrier::Basic => {
                let decoded = whsec::LENIENT.decode(credentials(request, "Basic")?).ok();
                // User and password part at the first colon, on both sides: equal parts are equal texts.
                let pair = decoded.filter(|pair| pair.contains(&b':'));
                let pair =
                    pair.ok_or_else(|| malformed("header `authorization` as Basic <base64 of user:password>"))?;
                self.find(&pair, "user and password of this source as `authorization: Basic`")
            }
        }
    }

    /// Looks at all secrets, whichever fits.
    fn find(&self, token: &[u8], expected: &str) -> Result<usize, Refusal> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let matches: Vec<Choice> = self.digests.iter().map(|known| known.ct_eq(&digest)).collect();
        let found = matches.into_iter().position(bool::from);
        found.ok_or_else(|| Refusal::new(RefusalCause::WrongToken, expected))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} [{} tokens]", self.carrier, self.digests.len())
    }
}

fn digests(secrets: &[Secret<String>]) -> Vec<[u8; 32]> {
    secrets.iter().map(|secret| Sha256::digest(secret.expose().as_bytes()).into()).collect()
}

fn credentials<'a>(request: &RawRequest<'a>, kind: &str) -> Result<&'a str, Refusal> {
    let header = request.required_text(AUTHORIZATION.as_str())?;
    let parts = header.split_once(' ').filter(|(given, _)| given.eq_ignore_ascii_case(kind));
    let (_, rest) = parts.ok_or_else(|| malformed(format!("header `authorization` beginning with `{kind} `")))?;
    Ok(rest.trim_matches(' '))
}
