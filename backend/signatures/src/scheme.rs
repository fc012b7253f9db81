//! How a source recognises its sender: parsed once from what the API was given, then asked about every request.

use std::{collections::BTreeMap, sync::Arc};

use postern_domain::{Invalid, Secret, Timestamp, source::MAX_SECRETS};
use serde_json::Value;

use crate::{
    coded::Proof,
    examine::steps,
    fields::Fields,
    handshake::{self, Handshakes, Stage},
    heard::{Examined, Heard, Keyring, Verified},
    naming::Naming,
    preset::{Need, PresetAnswer, PresetScheme, Presets, Trust},
    refusal::{Refusal, RefusalCause},
    request::RawRequest,
    schemes::secret::SecretsOf,
    verifier::{GENERIC, Verifier, VerifierPlan},
};

/// The scheme of one source, with its secrets inside. `Debug` shows how many there are, never what they are.
#[derive(Clone, Debug)]
pub struct SourceScheme {
    provider: Option<String>,
    scheme: String,
    trust: Trust,
    answer: Option<PresetAnswer>,
    bare_refusal: bool,
    verifier: Verifier,
    naming: Arc<Naming>,
    handshakes: Handshakes,
    /// Nothing but greetings can be heard before there is one.
    lacks_secret: bool,
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
        let parsed = match choose(presets, provider, scheme)? {
            Chosen::Preset(preset) => Self::of_preset(preset, config, &credentials)?,
            Chosen::Generic(name) => Self::generic(name, config, &credentials)?,
        };
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

    /// Whether the provider wants a refusal to have no body.
    #[must_use]
    pub const fn refuses_without_body(&self) -> bool {
        self.bare_refusal
    }

    /// Listens to one request as of `now`. A body that cannot be read takes nothing but its names away.
    ///
    /// # Errors
    /// When the request does not prove that it comes from the sender: see [`crate::RefusalCause`].
    pub fn hear(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Heard, Refusal> {
        if let Some(greeting) = self.handshakes.answer(request, Stage::Unsigned)? {
            return Ok(Heard::Greeting(greeting));
        }
        if let Verifier::Coded { scheme, .. } = &self.verifier
            && let Some(greeting) = scheme.greet(request)
        {
            return Ok(Heard::Greeting(greeting));
        }
        if self.lacks_secret {
            let expected = "the sender's first request, which hands over the secret of this source";
            return Err(Refusal::new(RefusalCause::NoSecret, expected));
        }
        let shown = match self.verifier.verify(request, now, keys)? {
            Proof::Shown(shown) => shown,
            Proof::NeedsKey(wanted) => return Ok(Heard::NeedsKey(wanted)),
            Proof::Greeting(greeting) => return Ok(Heard::Greeting(greeting)),
        };
        if let Some(greeting) = self.handshakes.answer(request, Stage::Signed(shown.secret_index))? {
            return Ok(Heard::Greeting(greeting));
        }
        let names = self.naming.names(request, &shown)?;
        Ok(Heard::Event(Verified {
            event_id: names.id,
            event_type: names.event_type,
            secret_index: shown.secret_index,
            id_is_signed: names.id_is_signed,
        }))
    }

    /// As [`Self::hear`], and tells of every step on the way.
    #[must_use]
    pub fn examine(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Examined {
        let outcome = self.hear(request, now, keys);
        Examined { steps: steps(&self.verifier, &outcome), outcome }
    }

    #[cfg(any(test, feature = "samples"))]
    pub(crate) const fn verifier(&self) -> &Verifier {
        &self.verifier
    }

    fn of_preset(preset: &PresetScheme, config: &Value, credentials: &Credentials) -> Result<Self, Invalid> {
        let Credentials { secrets, public_keys } = credentials;
        if !public_keys.is_empty() && preset.public_key.is_none() {
            return Err(Invalid::new("public_keys", format!("have no use with scheme `{}`", preset.id)));
        }
        if public_keys.is_empty() || !secrets.is_empty() {
            check_secrets(&preset.id, preset.secret.need, secrets)?;
        }
        let plan = &preset.plan;
        let config = plan.verifier.defaults(config);
        let mut fields = Fields::new(&config)?;
        let settings = settings(preset, &mut fields)?;
        let nothing_to_show = secrets.is_empty() && public_keys.is_empty();
        let is_open = preset.secret.need == Need::Optional && nothing_to_show;
        let verifier = match is_open {
            true => Verifier::Open,
            false => plan.verifier.with_keys(credentials, SecretsOf::Provider, &mut fields)?,
        };
        fields.finish(&preset.id)?;
        Ok(Self {
            provider: None,
            scheme: preset.id.clone(),
            trust: if is_open { Trust::E } else { preset.trust },
            answer: plan.answer(&settings).or(preset.answer.as_ref()).cloned(),
            bare_refusal: plan.bare_refusal,
            verifier,
            naming: Arc::clone(&plan.naming),
            handshakes: Handshakes::new(Arc::clone(&plan.handshakes), settings, secrets)?,
            lacks_secret: preset.secret.need == Need::Learned && secrets.is_empty(),
        })
    }

    fn generic(name: &str, config: &Value, credentials: &Credentials) -> Result<Self, Invalid> {
        let Credentials { secrets, public_keys } = credentials;
        if !public_keys.is_empty() && name != "ed25519" {
            return Err(Invalid::new("public_keys", format!("have no use with scheme `{name}`")));
        }
        let need = if ["none", "ed25519"].contains(&name) { Need::None } else { Need::Required };
        check_secrets(name, need, secrets)?;
        let mut fields = Fields::new(config)?;
        let naming = Naming::from_fields(&mut fields)?;
        let plan = VerifierPlan::parse(name, &mut fields)?;
        let trust = match &plan {
            VerifierPlan::Signed(plan) if plan.signs_time_and_id() => Trust::A,
            VerifierPlan::Signed(_) | VerifierPlan::Standard(_) | VerifierPlan::Coded { .. } => Trust::B,
            VerifierPlan::Token(_) => Trust::D,
            VerifierPlan::Open => Trust::E,
        };
        let handshakes = handshake::from_fields(&mut fields)?;
        let verify_token = fields.text("verify_token")?;
        let settings = verify_token.map(|token| ("verify_token".to_owned(), token.to_owned())).into_iter().collect();
        let verifier = plan.with_keys(credentials, SecretsOf::Tenant, &mut fields)?;
        fields.finish(name)?;
        Ok(Self {
            provider: None,
            scheme: name.to_owned(),
            trust,
            answer: None,
            bare_refusal: false,
            verifier,
            naming: Arc::new(naming),
            handshakes: Handshakes::new(Arc::new(handshakes), settings, secrets)?,
            lacks_secret: false,
        })
    }
}

/// What the preset lets a source configure, beside the window: the default is the first choice.
fn settings(preset: &PresetScheme, fields: &mut Fields<'_>) -> Result<BTreeMap<String, String>, Invalid> {
    let mut settings = BTreeMap::new();
    for field in &preset.config {
        let Some(text) = fields.setting(field)? else { continue };
        settings.insert(field.name.clone(), text);
    }
    Ok(settings)
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
