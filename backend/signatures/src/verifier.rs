//! Which of the ways to verify a scheme has: as a plan, and with the keys of one source.

use std::sync::Arc;

use postern_domain::{Invalid, Timestamp};
use serde_json::Value;

use crate::{
    coded::{self, Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::Keyring,
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{
        secret::SecretsOf,
        signed::{Kind, Signed, SignedPlan},
        standard_webhooks::{StandardPlan, StandardWebhooks},
        token::{Token, TokenPlan},
    },
    window::tolerance_s,
};

/// The names that a source may give as its `scheme`, with all else in its `config`.
pub(crate) const GENERIC: [&str; 8] = ["hmac", "hash", "ed25519", "token", "body-token", "bearer", "basic", "none"];

/// Before any key is known.
#[derive(Clone, Debug)]
pub(crate) enum VerifierPlan {
    Signed(Arc<SignedPlan>),
    Standard(Arc<StandardPlan>),
    Token(TokenPlan),
    Coded { parse: coded::Parse, tolerance_s: Option<i64> },
    Open,
}

#[derive(Clone, Debug)]
pub(crate) enum Verifier {
    Signed(Box<Signed>),
    Standard(Box<StandardWebhooks>),
    Token(Token),
    Coded { scheme: Arc<dyn Coded>, has_window: bool },
    Open,
}

impl VerifierPlan {
    /// Reads the fields of one kind.
    pub(crate) fn parse(kind: &str, fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let signed = |kind, fields: &mut _| SignedPlan::parse(kind, fields).map(|plan| Self::Signed(Arc::new(plan)));
        match kind {
            "hmac" => signed(Kind::Hmac, fields),
            "hash" => signed(Kind::Hash, fields),
            "ed25519" => signed(Kind::Ed25519, fields),
            "standard-webhooks" => StandardPlan::parse(fields).map(|plan| Self::Standard(Arc::new(plan))),
            "none" => Ok(Self::Open),
            "coded" => {
                let name = fields.text("coded")?.unwrap_or_default();
                let fault = || invalid("coded", &format!("must be one of {}", coded::names().join(", ")));
                let parse = coded::find(name).ok_or_else(fault)?;
                Ok(Self::Coded { parse, tolerance_s: tolerance_s(fields)? })
            }
            other => TokenPlan::parse(other, fields)?
                .map(Self::Token)
                .ok_or_else(|| invalid("kind", &format!("`{other}` is none of them"))),
        }
    }

    /// How old a request may be unless configured.
    pub(crate) fn tolerance_s(&self) -> Option<i64> {
        match self {
            Self::Signed(plan) => plan.tolerance_s(),
            Self::Standard(plan) => plan.tolerance_s(),
            Self::Coded { tolerance_s, .. } => *tolerance_s,
            Self::Token(_) | Self::Open => None,
        }
    }

    /// The configuration as a scheme in code reads it: with the preset's window, where the source has none of its own.
    pub(crate) fn defaults(&self, config: &Value) -> Value {
        let mut config = if config.is_null() { Value::Object(serde_json::Map::new()) } else { config.clone() };
        if let (Self::Coded { tolerance_s: Some(tolerance_s), .. }, Some(members)) = (self, config.as_object_mut())
            && members.get("tolerance_s").is_none_or(Value::is_null)
        {
            members.insert("tolerance_s".to_owned(), (*tolerance_s).into());
        }
        config
    }

    /// With the keys of a source, and what its `config` says of the window.
    pub(crate) fn with_keys(
        &self,
        credentials: &Credentials,
        whose: SecretsOf,
        fields: &mut Fields<'_>,
    ) -> Result<Verifier, Invalid> {
        let window = |fields: &mut Fields<'_>| tolerance_s(fields);
        Ok(match self {
            Self::Signed(plan) => {
                let tolerance_s = if plan.has_timestamp() { window(fields)? } else { None };
                Verifier::Signed(Box::new(plan.with_keys(credentials, (whose, tolerance_s))?))
            }
            Self::Standard(plan) => Verifier::Standard(Box::new(plan.with_keys(credentials, window(fields)?)?)),
            Self::Token(plan) => Verifier::Token(plan.with_secrets(whose, &credentials.secrets)?),
            Self::Coded { parse, tolerance_s } => {
                Verifier::Coded { scheme: parse(fields, credentials)?, has_window: tolerance_s.is_some() }
            }
            Self::Open => Verifier::Open,
        })
    }
}

impl Verifier {
    pub(crate) fn verify(
        &self,
        request: &RawRequest<'_>,
        now: Timestamp,
        keys: &dyn Keyring,
    ) -> Result<Proof, Refusal> {
        let shown = match self {
            Self::Signed(scheme) => scheme.verify(request, now)?,
            Self::Standard(scheme) => scheme.verify(request, now)?,
            Self::Token(scheme) => Shown { secret_index: Some(scheme.verify(request)?), ..Shown::default() },
            Self::Coded { scheme, .. } => return scheme.verify(request, now, keys),
            Self::Open => Shown::default(),
        };
        Ok(Proof::Shown(shown))
    }

    /// In words: where the proof stands.
    pub(crate) fn place(&self) -> Option<String> {
        match self {
            Self::Signed(scheme) => Some(format!("header {}", scheme.plan().place())),
            Self::Standard(scheme) => Some(format!("header {}", scheme.plan().place())),
            Self::Token(scheme) => Some(scheme.plan().place()),
            Self::Coded { .. } | Self::Open => None,
        }
    }

    /// Whether a time is looked at, and how old it may be when that is known here.
    pub(crate) fn window(&self) -> Option<Option<i64>> {
        match self {
            Self::Signed(scheme) => scheme.window().map(|window| window.past_s()),
            Self::Standard(scheme) => Some(scheme.window().past_s()),
            Self::Coded { has_window, .. } => has_window.then_some(None),
            Self::Token(_) | Self::Open => None,
        }
    }
}
