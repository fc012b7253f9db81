//! How a source recognises its sender: parsed once from what the API was given, then asked about every request.

use std::sync::Arc;

use postern_domain::{Invalid, Secret, Timestamp, source::MAX_SECRETS};
use serde_json::Value;

use crate::{
    coded::{self, Coded, Proof, Shown},
    fields::Fields,
    heard::{Examined, Heard, Keyring, Step, Verified},
    naming::Naming,
    preset::{Need, PresetAnswer, PresetScheme, Presets, Trust},
    refusal::Refusal,
    request::RawRequest,
    schemes::{github::GitHub, hmac::Hmac, standard_webhooks::StandardWebhooks, stripe::Stripe, token::Token},
};

/// Schemes that are configured field by field.
const GENERIC: [&str; 5] = ["hmac", "token", "bearer", "basic", "none"];

/// The scheme of one source, with its secrets inside. `Debug` shows how many there are, never what they are.
#[derive(Clone, Debug)]
pub struct SourceScheme {
    provider: Option<String>,
    scheme: String,
    trust: Trust,
    answer: Option<PresetAnswer>,
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

#[derive(Clone, Debug)]
enum Verifier {
    Stripe(Stripe),
    GitHub(GitHub),
    StandardWebhooks(StandardWebhooks),
    Hmac(Box<Hmac>),
    Token(Token),
    Coded(Arc<dyn Coded>),
    Open,
}

impl SourceScheme {
    /// Reads what the API was given. A provider implies its first scheme; that nothing is verified must be said as
    /// `none`.
    ///
    /// # Errors
    /// Names the field at fault: `provider`, `scheme`, `secrets`, `public_keys`, `config` or `config.<field>`.
    pub fn parse(
        presets: &Presets,
        provider: Option<&str>,
        scheme: Option<&str>,
        config: &Value,
        credentials: impl Into<Credentials>,
    ) -> Result<Self, Invalid> {
        let credentials = credentials.into();
        let mut fields = Fields::new(config)?;
        let chosen = choose(presets, provider, scheme)?;
        let parsed = match chosen {
            Chosen::Preset(preset) => Self::of_preset(preset, &mut fields, &credentials)?,
            Chosen::Generic(name) => Self::generic(name, &mut fields, &credentials)?,
        };
        fields.finish(&parsed.scheme)?;
        Ok(Self { provider: provider.map(str::to_owned), ..parsed })
    }

    /// The provider, if the source was made for one.
    #[must_use]
    pub fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// The scheme, given or implied.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// How far a request can be trusted that was accepted.
    #[must_use]
    pub const fn trust(&self) -> Trust {
        self.trust
    }

    /// What the provider wants an event to be answered with, where it wants something.
    #[must_use]
    pub const fn answer(&self) -> Option<&PresetAnswer> {
        self.answer.as_ref()
    }

    /// Listens to one request as of `now`. A body that cannot be read takes nothing but its names away.
    ///
    /// # Errors
    /// When the request does not prove that it comes from the sender: see [`crate::RefusalCause`].
    pub fn hear(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Heard, Refusal> {
        if let Verifier::Coded(scheme) = &self.verifier
            && let Some(greeting) = scheme.greet(request)
        {
            return Ok(Heard::Greeting(greeting));
        }
        let shown = match self.verifier.verify(request, now, keys)? {
            Proof::Shown(shown) => shown,
            Proof::NeedsKey(wanted) => return Ok(Heard::NeedsKey(wanted)),
        };
        let event_id = self.naming.id(request)?;
        Ok(Heard::Event(Verified {
            event_id: shown.event_id.or(event_id),
            event_type: shown.event_type.or_else(|| self.naming.event_type(request)),
            secret_index: shown.secret_index,
            id_is_signed: shown.covers_body,
        }))
    }

    /// As [`Self::hear`], and tells of every step on the way.
    #[must_use]
    pub fn examine(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Examined {
        let outcome = self.hear(request, now, keys);
        let step = match &outcome {
            Ok(_) => Step { name: "signature", ok: true, detail: "fits".to_owned() },
            Err(refusal) => Step { name: "signature", ok: false, detail: refusal.to_string() },
        };
        Examined { steps: vec![step], outcome }
    }

    fn of_preset(preset: &PresetScheme, fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let Credentials { secrets, public_keys } = credentials;
        let kind = preset.plan.verify.get("kind").and_then(Value::as_str).unwrap_or_default();
        if !public_keys.is_empty() && preset.public_key.is_none() {
            return Err(Invalid::new("public_keys", format!("have no use with scheme `{}`", preset.id)));
        }
        if public_keys.is_empty() || !secrets.is_empty() {
            check_secrets(&preset.id, preset.secret.need, secrets)?;
        }
        let (verifier, naming) = match kind {
            "stripe" => (Verifier::Stripe(Stripe::parse(fields, secrets)?), Stripe::naming()),
            "github" => (Verifier::GitHub(GitHub::parse(secrets)?), GitHub::naming()),
            "standard-webhooks" => {
                let verifier = StandardWebhooks::parse(fields, secrets, public_keys)?;
                (Verifier::StandardWebhooks(verifier), StandardWebhooks::naming())
            }
            _ => {
                let name = preset.plan.verify.get("coded").and_then(Value::as_str).unwrap_or_default();
                let parse = coded::find(name).ok_or_else(|| {
                    Invalid::new("verify.coded", format!("must be one of {}", coded::names().join(", ")))
                })?;
                (Verifier::Coded(parse(fields, credentials)?), Naming::default())
            }
        };
        let answer = preset.answer.clone();
        Ok(Self { provider: None, scheme: preset.id.clone(), trust: preset.trust, answer, verifier, naming })
    }

    fn generic(name: &str, fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let Credentials { secrets, public_keys } = credentials;
        if !public_keys.is_empty() {
            return Err(Invalid::new("public_keys", format!("have no use with scheme `{name}`")));
        }
        check_secrets(name, if name == "none" { Need::None } else { Need::Required }, secrets)?;
        let naming = Naming::from_fields(fields)?;
        let (verifier, trust) = match name {
            "hmac" => (Verifier::Hmac(Box::new(Hmac::parse(fields, secrets)?)), Trust::B),
            "token" => (Verifier::Token(Token::parse(fields, secrets)?), Trust::D),
            "bearer" => (Verifier::Token(Token::bearer(secrets)?), Trust::D),
            "basic" => (Verifier::Token(Token::basic(secrets)?), Trust::D),
            _ => (Verifier::Open, Trust::E),
        };
        Ok(Self { provider: None, scheme: name.to_owned(), trust, answer: None, verifier, naming })
    }
}

impl Verifier {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let secret_index = match self {
            Self::Stripe(scheme) => Some(scheme.verify(request, now)?),
            Self::GitHub(scheme) => Some(scheme.verify(request)?),
            Self::StandardWebhooks(scheme) => Some(scheme.verify(request, now)?),
            Self::Hmac(scheme) => Some(scheme.verify(request, now)?),
            Self::Token(scheme) => Some(scheme.verify(request)?),
            Self::Coded(scheme) => return scheme.verify(request, now, keys),
            Self::Open => None,
        };
        Ok(Proof::Shown(Shown { secret_index, ..Shown::default() }))
    }
}

enum Chosen<'p> {
    Preset(&'p PresetScheme),
    Generic(&'static str),
}

/// What is meant. Without a provider a scheme's name does, if it is one of a provider of the same name, or of one only.
fn choose<'p>(presets: &'p Presets, provider: Option<&str>, scheme: Option<&str>) -> Result<Chosen<'p>, Invalid> {
    if let Some(id) = provider {
        let preset = presets.find(id).ok_or_else(|| {
            Invalid::new("provider", format!("`{id}` is none of those that are known; others set `scheme` alone"))
        })?;
        return preset.scheme(scheme).map(Chosen::Preset).ok_or_else(|| {
            let names: Vec<&str> = preset.schemes.iter().map(|scheme| scheme.id.as_str()).collect();
            Invalid::new("scheme", format!("must be {} for this provider, or be left out", list(&names)))
        });
    }
    let Some(name) = scheme else { return Err(unknown_scheme("one must be given, or a `provider`")) };
    if let Some(known) = GENERIC.into_iter().find(|known| *known == name) {
        return Ok(Chosen::Generic(known));
    }
    if let Some(preset) = presets.find(name).and_then(|preset| preset.scheme(Some(name))) {
        return Ok(Chosen::Preset(preset));
    }
    let mut with_it = presets.all().filter_map(|preset| preset.scheme(Some(name)));
    match (with_it.next(), with_it.next()) {
        (Some(only), None) => Ok(Chosen::Preset(only)),
        (Some(_), Some(_)) => {
            Err(unknown_scheme(&format!("`{name}` is that of several providers: name the `provider`")))
        }
        (None, _) => Err(unknown_scheme(&format!("`{name}` is none of them"))),
    }
}

fn unknown_scheme(why: &str) -> Invalid {
    let detail = format!("must be one of {}, or that of a provider: {why}; `none` verifies nothing", list(&GENERIC));
    Invalid::new("scheme", detail)
}

fn check_secrets(scheme: &str, need: Need, secrets: &[Secret<String>]) -> Result<(), Invalid> {
    let fault = match (need, secrets.len()) {
        (Need::None, 0) | (Need::Optional | Need::Learned, 0) => return Ok(()),
        (Need::None, _) => format!("must be left out with scheme `{scheme}`, which has no use for them"),
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
