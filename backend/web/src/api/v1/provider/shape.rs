//! A provider as the API shows it.

use postern_pipeline::providers::{self, ConfigField, Need, Preset, PresetAnswer, PresetScheme, SecretForm};
use serde::Serialize;
use utoipa::ToSchema;

use crate::api::v1::schema;

/// All of them: there is one page.
#[derive(Serialize, ToSchema)]
#[schema(as = Providers)]
pub(crate) struct ProviderList {
    pub(crate) data: Vec<ProviderView>,
}

/// Who may be named as `provider` of a source.
#[derive(Serialize, ToSchema)]
#[schema(as = Provider)]
pub(crate) struct ProviderView {
    id: String,
    name: String,
    category: String,
    /// `A` to `E`, of its first scheme, which is the one that is taken unless another is named.
    #[schema(value_type = Option<schema::TrustLevel>)]
    trust_level: Option<&'static str>,
    /// What the letter means.
    trust_meaning: Option<String>,
    schemes: Vec<SchemeView>,
    /// Where in the provider's own pages a webhook is made, and what belongs there.
    where_to_click: String,
    /// How long it waits for an answer.
    timeout: Option<String>,
    /// When it tries again.
    retries: Option<String>,
    /// Networks that it publishes as the origin of its requests.
    source_ranges: Vec<String>,
    /// What is known to go wrong.
    traps: Vec<String>,
    docs_url: Option<String>,
}

/// One way in which a provider proves that it is the sender.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderScheme)]
struct SchemeView {
    id: String,
    label: String,
    #[schema(value_type = schema::TrustLevel)]
    trust_level: &'static str,
    trust_meaning: String,
    /// What is checked.
    covers: String,
    /// What is not.
    leaves_out: String,
    secret: SecretView,
    /// What the provider calls its public key; none where there is none.
    public_key: Option<String>,
    config: Vec<ConfigFieldView>,
    /// The URL is signed.
    needs_public_url: bool,
    /// How old a signed timestamp may be.
    tolerance_s: Option<i64>,
    /// What an event is answered with, unless the source says otherwise.
    answer: Option<AnswerView>,
    /// Requests that are answered in the provider's own way and never become events.
    handshakes: Vec<String>,
}

/// The secret that both sides know.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderSecret)]
struct SecretView {
    /// What the provider calls it.
    label: String,
    /// Where it is found.
    hint: String,
    #[schema(value_type = schema::SecretNeed)]
    need: &'static str,
}

/// A field of a source's `config`.
#[derive(Serialize, ToSchema)]
#[schema(as = ProviderConfigField)]
struct ConfigFieldView {
    name: String,
    label: String,
    hint: String,
    required: bool,
    /// The values it may have, the default first; any, when there are none.
    choices: Vec<String>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ProviderAnswer)]
struct AnswerView {
    status: u16,
    content_type: Option<String>,
    body: String,
}

impl ProviderView {
    pub(crate) fn of(preset: &Preset) -> Self {
        let trust = preset.schemes.first().map(|scheme| scheme.trust);
        Self {
            id: preset.id.clone(),
            name: preset.name.clone(),
            category: preset.category.clone(),
            trust_level: trust.map(|trust| trust.as_str()),
            trust_meaning: trust.map(|trust| providers::meaning(trust, &preset.name)),
            schemes: preset.schemes.iter().map(|scheme| SchemeView::of(preset, scheme)).collect(),
            where_to_click: preset.where_to_click.clone(),
            timeout: preset.timeout.clone(),
            retries: preset.retries.clone(),
            source_ranges: preset.source_ranges.clone(),
            traps: preset.traps.clone(),
            docs_url: preset.docs_url.clone(),
        }
    }
}

impl SchemeView {
    fn of(preset: &Preset, scheme: &PresetScheme) -> Self {
        Self {
            id: scheme.id.clone(),
            label: scheme.label.clone(),
            trust_level: scheme.trust.as_str(),
            trust_meaning: providers::meaning(scheme.trust, &preset.name),
            covers: scheme.covers.clone(),
            leaves_out: scheme.leaves_out.clone(),
            secret: SecretView::of(&scheme.secret),
            public_key: scheme.public_key.clone(),
            config: scheme.config.iter().map(ConfigFieldView::of).collect(),
            needs_public_url: scheme.needs_public_url,
            tolerance_s: scheme.tolerance_s,
            answer: scheme.answer.as_ref().map(AnswerView::of),
            handshakes: scheme.handshakes.clone(),
        }
    }
}

impl SecretView {
    fn of(form: &SecretForm) -> Self {
        let need = match form.need {
            Need::Required => "required",
            Need::Optional => "optional",
            Need::Learned => "learned",
            Need::None => "none",
        };
        Self { label: form.label.clone(), hint: form.hint.clone(), need }
    }
}

impl ConfigFieldView {
    fn of(field: &ConfigField) -> Self {
        Self {
            name: field.name.clone(),
            label: field.label.clone(),
            hint: field.hint.clone(),
            required: field.required,
            choices: field.choices.clone(),
        }
    }
}

impl AnswerView {
    fn of(answer: &PresetAnswer) -> Self {
        Self { status: answer.status, content_type: answer.content_type.clone(), body: answer.body.clone() }
    }
}
