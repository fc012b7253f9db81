//! How a source recognises its sender: parsed once from what the API was given, then asked about every request.

use postern_domain::{Invalid, Secret, Timestamp, source::MAX_SECRETS};
use serde_json::Value;

use crate::{
    fields::Fields,
    naming::Naming,
    refusal::Refusal,
    request::RawRequest,
    schemes::{github::GitHub, hmac::Hmac, standard_webhooks::StandardWebhooks, stripe::Stripe, token::Token},
};

const STRIPE: &str = "stripe";
const GITHUB: &str = "github";
const STANDARD_WEBHOOKS: &str = "standard-webhooks";
/// Each implies the scheme of the same name.
const PROVIDERS: [&str; 3] = [STRIPE, GITHUB, STANDARD_WEBHOOKS];
const SCHEMES: [&str; 8] = [STRIPE, GITHUB, STANDARD_WEBHOOKS, "hmac", "token", "bearer", "basic", "none"];

/// The scheme of one source, with its secrets inside. `Debug` shows how many there are, never what they are.
#[derive(Clone, Debug)]
pub struct SourceScheme {
    provider: Option<&'static str>,
    scheme: &'static str,
    verifier: Verifier,
    naming: Naming,
}

/// By what a sender is recognised. All of it is valid at once, so that it can be changed without a gap.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// Shared with the sender.
    pub secrets: Vec<Secret<String>>,
    /// The sender's, in the form that its scheme has for them.
    pub public_keys: Vec<String>,
}

impl From<Vec<Secret<String>>> for Credentials {
    fn from(secrets: Vec<Secret<String>>) -> Self {
        Self { secrets, public_keys: Vec::new() }
    }
}

/// Who sent a request, and what they call it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Verified {
    /// The sender's id for the event; where it is not part of what is signed, a replay can carry another one.
    pub event_id: Option<String>,
    /// The sender's type of the event.
    pub event_type: Option<String>,
    /// Which secret fitted, counted from 0, so that one can see when an old one is no longer used.
    pub secret_index: Option<usize>,
}

#[derive(Clone, Debug)]
enum Verifier {
    Stripe(Stripe),
    GitHub(GitHub),
    StandardWebhooks(StandardWebhooks),
    Hmac(Box<Hmac>),
    Token(Token),
    Open,
}

impl SourceScheme {
    /// Reads what the API was given. A provider implies its scheme; that nothing is verified must be said as `none`.
    ///
    /// # Errors
    /// Names the field at fault: `provider`, `scheme`, `secrets`, `public_keys`, `config` or `config.<field>`.
    pub fn parse(
        provider: Option<&str>,
        scheme: Option<&str>,
        config: &Value,
        credentials: impl Into<Credentials>,
    ) -> Result<Self, Invalid> {
        let Credentials { secrets, public_keys } = credentials.into();
        let provider = provider.map(known_provider).transpose()?;
        let scheme = agreed_scheme(provider, scheme)?;
        if !public_keys.is_empty() && scheme != STANDARD_WEBHOOKS {
            return Err(Invalid::new("public_keys", format!("are for scheme `{STANDARD_WEBHOOKS}` only")));
        }
        if public_keys.is_empty() || !secrets.is_empty() {
            check_secrets(scheme, &secrets)?;
        }
        let mut fields = Fields::new(config)?;
        let (verifier, naming) = match scheme {
            STRIPE => (Verifier::Stripe(Stripe::parse(&mut fields, &secrets)?), Stripe::naming()),
            GITHUB => (Verifier::GitHub(GitHub::parse(&secrets)?), GitHub::naming()),
            STANDARD_WEBHOOKS => {
                let verifier = StandardWebhooks::parse(&mut fields, &secrets, &public_keys)?;
                (Verifier::StandardWebhooks(verifier), StandardWebhooks::naming())
            }
            generic => {
                let naming = Naming::from_fields(&mut fields)?;
                (Verifier::generic(generic, &mut fields, &secrets)?, naming)
            }
        };
        fields.finish(scheme)?;
        Ok(Self { provider, scheme, verifier, naming })
    }

    /// The provider, if the source was made for one.
    #[must_use]
    pub const fn provider(&self) -> Option<&str> {
        self.provider
    }

    /// The scheme, given or implied.
    #[must_use]
    pub const fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// Checks one request as of `now`. A body that cannot be read takes nothing but its names away.
    ///
    /// # Errors
    /// When the request does not prove that it comes from the sender: see [`crate::RefusalCause`].
    pub fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<Verified, Refusal> {
        let secret_index = match &self.verifier {
            Verifier::Stripe(scheme) => Some(scheme.verify(request, now)?),
            Verifier::GitHub(scheme) => Some(scheme.verify(request)?),
            Verifier::StandardWebhooks(scheme) => Some(scheme.verify(request, now)?),
            Verifier::Hmac(scheme) => Some(scheme.verify(request, now)?),
            Verifier::Token(scheme) => Some(scheme.verify(request)?),
            Verifier::Open => None,
        };
        let event_id = self.naming.id(request)?;
        Ok(Verified { event_id, event_type: self.naming.event_type(request), secret_index })
    }
}

impl Verifier {
    fn generic(scheme: &str, fields: &mut Fields<'_>, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        match scheme {
            "hmac" => Ok(Self::Hmac(Box::new(Hmac::parse(fields, secrets)?))),
            "token" => Token::parse(fields, secrets).map(Self::Token),
            "bearer" => Token::bearer(secrets).map(Self::Token),
            "basic" => Token::basic(secrets).map(Self::Token),
            "none" => Ok(Self::Open),
            unknown => Err(unknown_scheme(&format!("`{unknown}` is none of them"))),
        }
    }
}

fn known_provider(text: &str) -> Result<&'static str, Invalid> {
    let known = PROVIDERS.into_iter().find(|known| *known == text);
    known.ok_or_else(|| Invalid::new("provider", format!("must be one of {}; others set `scheme`", list(&PROVIDERS))))
}

fn agreed_scheme(provider: Option<&'static str>, scheme: Option<&str>) -> Result<&'static str, Invalid> {
    let given = |text: &str| SCHEMES.into_iter().find(|known| *known == text);
    match (provider, scheme) {
        (None, None) => Err(unknown_scheme("one must be given, or a `provider`")),
        (Some(implied), None) => Ok(implied),
        (None, Some(text)) => given(text).ok_or_else(|| unknown_scheme(&format!("`{text}` is none of them"))),
        (Some(implied), Some(text)) if implied == text => Ok(implied),
        (Some(implied), Some(_)) => {
            Err(Invalid::new("scheme", format!("must be `{implied}` for this provider, or be left out")))
        }
    }
}

fn unknown_scheme(why: &str) -> Invalid {
    Invalid::new("scheme", format!("must be one of {}: {why}; `none` verifies nothing", list(&SCHEMES)))
}

fn check_secrets(scheme: &str, secrets: &[Secret<String>]) -> Result<(), Invalid> {
    let fault = match (scheme, secrets.len()) {
        ("none", 0) => return Ok(()),
        ("none", _) => "must be left out with scheme `none`, which verifies nothing".to_owned(),
        (_, 1..=MAX_SECRETS) if secrets.iter().all(|secret| !secret.expose().is_empty()) => return Ok(()),
        (_, 1..=MAX_SECRETS) => "must not be empty: anyone could sign with an empty secret".to_owned(),
        (_, 0) => format!("scheme `{scheme}` needs at least one"),
        _ => format!("at most {MAX_SECRETS} can be valid at once"),
    };
    Err(Invalid::new("secrets", fault))
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
