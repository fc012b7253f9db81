//! Who sends to a source, as its pages show it: a provider in one of its schemes, a scheme that is configured field by
//! field, or one that is not known any more.

use postern_domain::source::SourceKind;
use postern_frontend::{
    form::{Choice, Field},
    links,
    pages::source_form::{Input, InputGroup, InputKind, SchemeLink, Sender, SourceForm},
    parts::Fact,
    provider::{About, Trust},
};
use postern_pipeline::providers::{self, ConfigField, Need, Preset, PresetAnswer, PresetScheme, Presets};
use postern_store::tenant::Source;

use super::{
    generic::{self, Generic, POLL, PUBLISH, SCHEDULE},
    generic_inputs, source_more as more,
};

const TOLERANCE: &str = "tolerance_s";

/// Who it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Chosen<'p> {
    Preset(&'p Preset, &'p PresetScheme),
    Generic(&'static Generic),
    /// A provider of the operator's that was taken away, say.
    Unknown(&'p str),
}

impl<'p> Chosen<'p> {
    /// For a new source: the id of a provider or of a scheme. None: there is none of that name.
    pub(super) fn new(presets: &'p Presets, sender: &str, scheme: Option<&str>) -> Option<Self> {
        let preset = presets.find(sender).and_then(|preset| {
            // A scheme that somebody made up in the URL means the usual one.
            preset.scheme(scheme).or_else(|| preset.scheme(None)).map(|scheme| Self::Preset(preset, scheme))
        });
        preset.or_else(|| generic::find(sender).map(Self::Generic))
    }

    pub(super) fn of(presets: &'p Presets, source: &'p Source) -> Self {
        let (provider, scheme) = (source.provider.as_deref(), source.scheme.as_deref());
        let word = match source.kind {
            SourceKind::Publish => PUBLISH,
            SourceKind::Poll | SourceKind::Schedule => source.kind.as_str(),
            SourceKind::Webhook => provider.or(scheme).unwrap_or("none"),
        };
        let generic = || provider.is_none().then(|| generic::find(word).map(Self::Generic)).flatten();
        let preset = || providers::of(presets, provider, scheme).map(|(preset, scheme)| Self::Preset(preset, scheme));
        generic().or_else(preset).unwrap_or(Self::Unknown(word))
    }

    pub(super) fn name(&self) -> &'p str {
        match self {
            Self::Preset(preset, _) => &preset.name,
            Self::Generic(generic) => generic.name,
            Self::Unknown(word) => word,
        }
    }

    /// How it proves itself, for lists: `GitLab, Signing token`.
    pub(super) fn verification(&self) -> String {
        match self {
            Self::Preset(preset, scheme) if preset.schemes.len() > 1 => format!("{}, {}", preset.name, scheme.label),
            Self::Preset(preset, _) => preset.name.clone(),
            Self::Generic(generic) if generic.id == PUBLISH => "an API key".to_owned(),
            Self::Generic(generic) if generic.id == POLL => "what it asks".to_owned(),
            Self::Generic(generic) if generic.id == SCHEDULE => "its timetable".to_owned(),
            Self::Generic(generic) => generic.id.to_owned(),
            Self::Unknown(word) => format!("{word}, which is not known any more"),
        }
    }

    /// `trust` is that of a source that exists, where it may be more or less than usual.
    pub(super) fn about(&self, trust: Option<providers::Trust>) -> Option<About> {
        match self {
            Self::Preset(preset, scheme) => Some(of_preset(preset, scheme, trust.unwrap_or(scheme.trust))),
            Self::Generic(generic) => Some(of_generic(generic, trust.or(generic.trust)?)),
            Self::Unknown(_) => None,
        }
    }

    /// What the form asks, and what stands around it. `source` is the one that is changed.
    pub(super) fn view(&self, sources_new: &str, source: Option<&Source>) -> Sender {
        let about = self.about(None);
        match self {
            Self::Preset(preset, scheme) => Sender {
                id: preset.id.clone(),
                name: preset.name.clone(),
                schemes: scheme_links(preset, scheme, sources_new),
                about,
                secrets_hint: (scheme.secret.need != Need::None).then(|| secrets_hint(&secret_words(scheme), source)),
                takes_public_keys: scheme.public_key.is_some(),
                signs_url: scheme.needs_public_url,
            },
            Self::Generic(generic) => Sender {
                id: generic.id.to_owned(),
                name: generic.name.to_owned(),
                about,
                secrets_hint: generic.secrets.map(|words| secrets_hint(words, source)),
                takes_public_keys: generic.takes_public_keys,
                signs_url: ["hmac", "hash", "ed25519"].contains(&generic.id),
                ..Sender::default()
            },
            Self::Unknown(word) => Sender {
                id: (*word).to_owned(),
                name: (*word).to_owned(),
                secrets_hint: Some(secrets_hint("This sender is not known any more.", source)),
                ..Sender::default()
            },
        }
    }

    /// An empty form with the fields of this sender.
    pub(super) fn form(&self) -> SourceForm {
        let more = match self {
            Self::Preset(preset, scheme) => {
                let mut more = more::of_front_door(&preset.name, &preset.source_ranges);
                more.iter_mut().take(1).for_each(|group| group.inputs.extend(tolerance(scheme)));
                more
            }
            Self::Generic(generic) if generic.id == PUBLISH => more::of_publish(),
            Self::Generic(generic) if generic.id == SCHEDULE => Vec::new(),
            Self::Generic(generic) => {
                let mut more = generic_inputs::seldom(generic.id);
                more.extend(more::of_front_door("", &[]));
                more
            }
            Self::Unknown(_) => more::of_front_door("", &[]),
        };
        let mut form = SourceForm { more, ..SourceForm::default() };
        match self {
            Self::Preset(preset, scheme) => {
                form.provider.value.clone_from(&preset.id);
                form.scheme.value.clone_from(&scheme.id);
                if !scheme.secret.label.is_empty() {
                    form.secrets = form.secrets.labelled(&scheme.secret.label);
                }
                if let Some(label) = scheme.public_key.as_ref().filter(|label| !label.is_empty()) {
                    form.public_keys = form.public_keys.labelled(label);
                }
                form.config = preset_inputs(preset, scheme);
            }
            Self::Generic(generic) => {
                generic.id.clone_into(&mut form.provider.value);
                form.config = generic_inputs::of(generic.id);
            }
            Self::Unknown(word) => (*word).clone_into(&mut form.provider.value),
        }
        form
    }
}

/// As a page shows it, said of this sender.
pub(super) fn trust(trust: providers::Trust, name: &str) -> Trust {
    Trust::new(trust.as_str(), providers::meaning(trust, name))
}

fn of_preset(preset: &Preset, scheme: &PresetScheme, level: providers::Trust) -> About {
    let mut habits = Vec::new();
    let mut known = |label: &str, value: Option<String>| habits.extend(value.map(|value| Fact::new(label, value)));
    known("Waits for an answer", preset.timeout.clone());
    known("Tries again", preset.retries.clone());
    known("Is answered", scheme.answer.as_ref().map(answer_words));
    known("Signed time may differ by", scheme.tolerance_s.map(|seconds| format!("{seconds} s")));
    known("Answered by itself", (!scheme.handshakes.is_empty()).then(|| scheme.handshakes.join(", ")));
    About {
        name: preset.name.clone(),
        trust: trust(level, &preset.name),
        covers: scheme.covers.clone(),
        leaves_out: scheme.leaves_out.clone(),
        where_to_click: preset.where_to_click.clone(),
        traps: preset.traps.clone(),
        habits,
        // What an operator wrote into a file becomes a link only if it is one.
        docs_url: preset.docs_url.clone().filter(|url| url.starts_with("https://") || url.starts_with("http://")),
    }
}

fn of_generic(generic: &Generic, level: providers::Trust) -> About {
    About {
        name: generic.name.to_owned(),
        trust: trust(level, "The sender"),
        covers: generic.covers.to_owned(),
        leaves_out: generic.leaves_out.to_owned(),
        where_to_click: String::new(),
        traps: Vec::new(),
        habits: Vec::new(),
        docs_url: None,
    }
}

/// `200, text/plain: [accepted]`.
pub(crate) fn answer_words(answer: &PresetAnswer) -> String {
    let kind = answer.content_type.as_ref().map(|kind| format!(", {kind}")).unwrap_or_default();
    let body = if answer.body.is_empty() { ", empty".to_owned() } else { format!(": {}", answer.body) };
    format!("{}{kind}{body}", answer.status)
}

fn scheme_links(preset: &Preset, chosen: &PresetScheme, sources_new: &str) -> Vec<SchemeLink> {
    if preset.schemes.len() < 2 {
        return Vec::new();
    }
    let link = |scheme: &PresetScheme| SchemeLink {
        href: links::with_query(sources_new, &[("provider", &preset.id), ("scheme", &scheme.id)]),
        label: scheme.label.clone(),
        covers: scheme.covers.clone(),
        trust: trust(scheme.trust, &preset.name),
        current: scheme.id == chosen.id,
    };
    preset.schemes.iter().map(link).collect()
}

fn secret_words(scheme: &PresetScheme) -> String {
    let hint = scheme.secret.hint.as_str();
    let more = match scheme.secret.need {
        Need::Learned => "May be left empty: the sender hands it over in its first request.",
        Need::Optional => "May be left empty.",
        Need::Required | Need::None => "",
    };
    [hint, more].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}

fn secrets_hint(words: &str, source: Option<&Source>) -> String {
    const FORM: &str = "One a line; all of them are valid, so that one can be changed without a gap.";
    let words = match words.trim_end_matches('.') {
        "" => String::new(),
        some => format!("{some}. "),
    };
    match source.map_or(0, |source| source.secrets.len()) {
        0 => format!("{words}{FORM}"),
        1 => format!(
            "One is kept, and not shown here. Leave this empty to keep it; what you type replaces it. {words}{FORM}"
        ),
        kept => format!(
            "{kept} are kept, and not shown here. Leave this empty to keep them; what you type replaces all of them. \
             {words}{FORM}"
        ),
    }
}

fn preset_inputs(preset: &Preset, scheme: &PresetScheme) -> Vec<InputGroup> {
    let asked = scheme.config.iter().filter(|field| field.name != TOLERANCE);
    let inputs: Vec<Input> = asked.map(input).collect();
    let legend = format!("What {} needs besides", preset.name);
    if inputs.is_empty() { Vec::new() } else { vec![InputGroup::new(legend, inputs)] }
}

/// Of a provider whose signed time is compared.
fn tolerance(scheme: &PresetScheme) -> Option<Input> {
    let hint = match scheme.tolerance_s {
        Some(seconds) => format!("How far the signed time may be from ours. Empty: {seconds}."),
        None if scheme.config.iter().any(|field| field.name == TOLERANCE) => {
            "How far the signed time may be from ours. Empty: it is not compared.".to_owned()
        }
        None => return None,
    };
    Some(Input::new(InputKind::Number, Field::new("config.tolerance_s", ""), hint))
}

fn input(asked: &ConfigField) -> Input {
    let name = format!("config.{}", asked.name);
    let options = asked.choices.iter().map(|choice| Choice::new(choice, choice)).collect();
    let usual = asked.choices.first().cloned().unwrap_or_default();
    let field = Field::select(name, usual, options).labelled(&asked.label);
    let optional = if asked.required || !asked.choices.is_empty() { "" } else { " May be left empty." };
    let kind = if asked.choices.is_empty() { InputKind::Text } else { InputKind::Select };
    Input::new(kind, field, format!("{}{optional}", asked.hint).trim())
}
