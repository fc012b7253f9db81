//! Senders that sign nothing and show a secret instead: in a header of their choice, as Bearer, as Basic, or in the body.
//!
//! Secrets are kept, and compared, as SHA-256: equally long on both sides, so that time tells nothing of either.

use std::fmt;

use base64::Engine;
use http::HeaderName;
use postern_domain::{Invalid, Secret};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConstantTimeEq};

use crate::{
    body::Pointer,
    fields::{Fields, invalid},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed, malformed_body},
    schemes::secret::SecretsOf,
    whsec,
};

/// Shorter secrets of a tenant's own making can be guessed over the network.
const MIN_SECRET_BYTES: usize = 8;
const AUTHORIZATION: HeaderName = http::header::AUTHORIZATION;

#[derive(Clone)]
pub(crate) struct Token {
    digests: Vec<[u8; 32]>,
    plan: TokenPlan,
}

/// Where the secret stands.
#[derive(Clone, Debug)]
pub(crate) enum TokenPlan {
    Header {
        names: Vec<HeaderName>,
        prefix: Option<String>,
    },
    Bearer,
    Basic,
    /// In each of the body's elements.
    Body {
        list: Pointer,
        place: Pointer,
    },
}

impl TokenPlan {
    /// Of a scheme by this name; none when there is no such scheme.
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Option<Self>, Invalid> {
        match kind {
            "token" => {
                let prefix = fields.text("prefix")?.map(str::to_owned);
                let names = fields.headers("header")?;
                if names.is_empty() {
                    return Err(invalid("header", "is required: the name of the header to look at"));
                }
                Ok(Some(Self::Header { names, prefix }))
            }
            "bearer" => Ok(Some(Self::Bearer)),
            "basic" => Ok(Some(Self::Basic)),
            "body-token" => {
                let path = fields.text("path")?.unwrap_or_default();
                let (list, place) = path.split_once("/*").ok_or_else(|| {
                    invalid("path", "is required: a JSON Pointer with `*` for each of a list, `/value/*/clientState`")
                })?;
                Self::in_each(list, place).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// In each element of a list in the body.
    pub(crate) fn in_each(list: &str, place: &str) -> Result<Self, Invalid> {
        let [list, place] = [list, place].map(|part| Pointer::parse("config.path", part));
        Ok(Self::Body { list: list?, place: place? })
    }

    pub(crate) fn place(&self) -> String {
        match self {
            Self::Header { names, .. } => {
                let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
                format!("header `{}`", names.join("` or `"))
            }
            Self::Bearer | Self::Basic => "header `authorization`".to_owned(),
            Self::Body { list, place } => format!("`{list}/*{place}` of the body"),
        }
    }

    /// With the secrets of a source.
    pub(crate) fn with_secrets(&self, whose: SecretsOf, secrets: &[Secret<String>]) -> Result<Token, Invalid> {
        let is_basic = matches!(self, Self::Basic);
        if is_basic && secrets.iter().any(|secret| !secret.expose().contains(':')) {
            return Err(Invalid::new("secrets", "must be `user:password` each"));
        }
        let is_short = |secret: &Secret<String>| secret.expose().len() < MIN_SECRET_BYTES;
        if !is_basic && whose == SecretsOf::Tenant && secrets.iter().any(is_short) {
            let detail = format!("must have at least {MIN_SECRET_BYTES} bytes each: shorter ones can be guessed");
            return Err(Invalid::new("secrets", detail));
        }
        let digests = secrets.iter().map(|secret| Sha256::digest(secret.expose().as_bytes()).into()).collect();
        Ok(Token { digests, plan: self.clone() })
    }
}

impl Token {
    pub(crate) fn plan(&self) -> &TokenPlan {
        &self.plan
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>) -> Result<usize, Refusal> {
        match &self.plan {
            TokenPlan::Header { names, prefix } => {
                let there = names.iter().find(|name| request.headers.contains_key(*name)).or_else(|| names.first());
                let name = there.map_or("", HeaderName::as_str);
                let value = request.required(name)?;
                let prefix = prefix.as_deref().unwrap_or_default();
                let token = value.strip_prefix(prefix.as_bytes());
                let token = token.ok_or_else(|| malformed(format!("header `{name}` beginning with `{prefix}`")))?;
                self.find(token, &format!("the token of this source in header `{name}`"))
            }
            TokenPlan::Bearer => {
                let token = credentials(request, "Bearer")?;
                self.find(token.as_bytes(), "the token of this source as `authorization: Bearer`")
            }
            TokenPlan::Basic => {
                let decoded = whsec::LENIENT.decode(credentials(request, "Basic")?).ok();
                // User and password part at the first colon, on both sides: equal parts are equal texts.
                let pair = decoded.filter(|pair| pair.contains(&b':'));
                let pair =
                    pair.ok_or_else(|| malformed("header `authorization` as Basic <base64 of user:password>"))?;
                self.find(&pair, "user and password of this source as `authorization: Basic`")
            }
            TokenPlan::Body { list, place } => self.find_in_each(request.body, list, place),
        }
    }

    /// One element without the token is enough to refuse them all.
    fn find_in_each(&self, body: &[u8], list: &Pointer, place: &Pointer) -> Result<usize, Refusal> {
        let expected = format!("the token of this source at `{list}/*{place}` of the body");
        let document: Value = serde_json::from_slice(body).map_err(|_| malformed_body("a body of JSON"))?;
        let elements = document.pointer(&list.to_string()).and_then(Value::as_array).filter(|list| !list.is_empty());
        let elements = elements.ok_or_else(|| malformed_body(format!("a list at {list} of the body")))?;
        let mut first = None;
        for element in elements {
            let token = element.pointer(&place.to_string()).and_then(Value::as_str);
            let token = token.ok_or_else(|| Refusal::new(RefusalCause::WrongToken, expected.clone()))?;
            let found = self.find(token.as_bytes(), &expected)?;
            first.get_or_insert(found);
        }
        first.ok_or_else(|| Refusal::new(RefusalCause::WrongToken, expected))
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
        write!(f, "{:?} [{} tokens]", self.plan, self.digests.len())
    }
}

fn credentials<'a>(request: &RawRequest<'a>, kind: &str) -> Result<&'a str, Refusal> {
    let header = request.required_text(AUTHORIZATION.as_str())?;
    let parts = header.split_once(' ').filter(|(given, _)| given.eq_ignore_ascii_case(kind));
    let (_, rest) = parts.ok_or_else(|| malformed(format!("header `authorization` beginning with `{kind} `")))?;
    Ok(rest.trim_matches(' '))
}
