//! Presets: all that is known of a provider, as data. One TOML file each in `presets/`, and those of the operator.
//!
//! A preset says how requests are verified, what they are called, which ones are greetings, how they are answered, how
//! far that can be trusted, and what a customer does at the provider. Start at [`Presets`].

pub(crate) mod builtin;
mod file;

use std::{
    collections::BTreeMap,
    sync::{Arc, OnceLock},
};

use postern_domain::Invalid;
use serde::Deserialize;

use crate::{handshake::Handshake, naming::Naming, verifier::VerifierPlan};

/// All presets, by id.
#[derive(Clone, Debug)]
pub struct Presets(BTreeMap<String, Preset>);

/// One provider.
#[derive(Clone, Debug)]
pub struct Preset {
    pub id: String,
    pub name: String,
    pub category: String,
    /// The first is the default. One is chosen for each source, never guessed from a request.
    pub schemes: Vec<PresetScheme>,
    pub docs_url: Option<String>,
    /// Where in the provider's pages a webhook is made, and what to paste there.
    pub where_to_click: String,
    /// How long the provider waits for an answer.
    pub timeout: Option<String>,
    /// When the provider tries again.
    pub retries: Option<String>,
    /// Networks the provider publishes as the source of its requests, in CIDR notation.
    pub source_ranges: Vec<String>,
    /// What is known to go wrong, one sentence or two each.
    pub traps: Vec<String>,
}

/// One way in which a provider proves that it is the sender.
#[derive(Clone, Debug)]
pub struct PresetScheme {
    pub id: String,
    pub label: String,
    pub trust: Trust,
    /// What is checked.
    pub covers: String,
    /// What is not.
    pub leaves_out: String,
    pub secret: SecretForm,
    /// The label of the public key, for schemes that have one.
    pub public_key: Option<String>,
    /// Fields of a source's `config`.
    pub config: Vec<ConfigField>,
    /// The URL is signed: the source needs the one that the provider was told.
    pub needs_public_url: bool,
    /// How old a signed timestamp may be; none when there is none, or when it is not compared unless configured.
    pub tolerance_s: Option<i64>,
    /// What an event is answered with, unless the source has an answer of its own.
    pub answer: Option<PresetAnswer>,
    /// The greetings that are answered: their names.
    pub handshakes: Vec<String>,
    pub(crate) plan: Plan,
}

/// How the scheme works, for [`crate::SourceScheme`].
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) verifier: VerifierPlan,
    pub(crate) naming: Arc<Naming>,
    pub(crate) handshakes: Arc<Vec<Handshake>>,
    pub(crate) bare_refusal: bool,
    /// Answers that depend on the source's `config`.
    answers: Vec<AnswerIf>,
}

/// An answer for sources with this `config`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AnswerIf {
    config: BTreeMap<String, String>,
    answer: PresetAnswer,
}

impl Plan {
    pub(crate) fn answer(&self, settings: &BTreeMap<String, String>) -> Option<&PresetAnswer> {
        let fits = |entry: &&AnswerIf| entry.config.iter().all(|(name, value)| settings.get(name) == Some(value));
        self.answers.iter().find(fits).map(|entry| &entry.answer)
    }
}

/// The secret that both sides know.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretForm {
    /// What the provider calls it.
    #[serde(default)]
    pub label: String,
    /// Where it is found and how it looks.
    #[serde(default)]
    pub hint: String,
    #[serde(default)]
    pub need: Need,
}

/// Whether a source must have a secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Need {
    /// It must.
    #[default]
    Required,
    /// It may; what is not proved then stands in the scheme's text.
    Optional,
    /// The provider hands it over in its first request, or it is entered.
    Learned,
    /// It must not.
    None,
}

/// One field of a source's `config`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigField {
    pub name: String,
    pub label: String,
    #[serde(default)]
    pub hint: String,
    #[serde(default)]
    pub required: bool,
    /// The values it may have, the default first; any, when there are none.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// What an event is answered with.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetAnswer {
    pub status: u16,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub body: String,
}

/// How far a request that was accepted can be trusted to be what the provider sent, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
pub enum Trust {
    A,
    B,
    C,
    D,
    E,
}

impl Presets {
    /// Those that come with Postern.
    #[must_use]
    pub fn builtin() -> &'static Self {
        static BUILTIN: OnceLock<Presets> = OnceLock::new();
        BUILTIN.get_or_init(|| Self(builtin::FILES.iter().filter_map(|(id, text)| read(id, text).ok()).collect()))
    }

    /// Those that come with Postern and these, each a file's name without `.toml` and its text. One may not have the id
    /// of another.
    ///
    /// # Errors
    /// Names the file and the field at fault.
    pub fn with_files(files: &[(String, String)]) -> Result<Self, Invalid> {
        let mut all = Self::builtin().clone();
        for (id, text) in files {
            let (id, preset) = read(id, text)?;
            if all.0.contains_key(&id) {
                return Err(Invalid::new(format!("{id}.toml"), "has the name of another preset; give it a new one"));
            }
            all.0.insert(id, preset);
        }
        Ok(all)
    }

    /// By name.
    pub fn all(&self) -> impl Iterator<Item = &Preset> {
        let mut all: Vec<&Preset> = self.0.values().collect();
        all.sort_by_key(|preset| preset.name.to_lowercase());
        all.into_iter()
    }

    #[must_use]
    pub fn find(&self, id: &str) -> Option<&Preset> {
        self.0.get(id)
    }
}

impl Preset {
    /// The scheme with this id, or the default one.
    #[must_use]
    pub fn scheme(&self, id: Option<&str>) -> Option<&PresetScheme> {
        self.schemes.iter().find(|scheme| id.is_none_or(|id| scheme.id == id))
    }
}

impl Trust {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
            Self::E => "E",
        }
    }

    /// What it means, in one sentence.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::A => {
                "The sender signs the body, the time and the event's id: a change, a replay and a renamed replay are all \
                 noticed."
            }
            Self::B => {
                "The sender signs the body: a change is noticed. A replay is noticed by the event's id or the body's hash."
            }
            Self::C => {
                "The sender signs a part of the request only: what is not signed may have been changed on its way. Allow \
                 the sender's addresses only, and ask the sender's API again about what matters."
            }
            Self::D => {
                "The sender shows a shared secret and signs nothing: whoever learns the secret can send anything. Allow \
                 the sender's addresses only, and ask the sender's API again about what matters."
            }
            Self::E => {
                "The sender proves nothing: whoever knows the address can send anything. Take an event as a hint, allow \
                 the sender's addresses only, and ask the sender's API what is true."
            }
        }
    }
}

fn read(id: &str, text: &str) -> Result<(String, Preset), Invalid> {
    file::read(id, text).map(|preset| (id.to_owned(), preset))
}
