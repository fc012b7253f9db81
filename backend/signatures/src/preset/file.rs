//! Reads one preset file, strictly: a field that nobody knows is an error that names it.

use postern_domain::Invalid;
use serde::Deserialize;
use serde_json::Value;

use super::{ConfigField, Plan, Preset, PresetAnswer, PresetScheme, SecretForm, Trust};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    category: String,
    #[serde(default)]
    docs_url: Option<String>,
    where_to_click: String,
    #[serde(default)]
    timeout: Option<String>,
    #[serde(default)]
    retries: Option<String>,
    #[serde(default)]
    source_ranges: Vec<String>,
    #[serde(default)]
    traps: Vec<String>,
    scheme: Vec<SchemeTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SchemeTable {
    id: String,
    label: String,
    trust: Trust,
    covers: String,
    leaves_out: String,
    #[serde(default)]
    secret: SecretForm,
    #[serde(default)]
    public_key: Option<String>,
    #[serde(default)]
    config: Vec<ConfigField>,
    #[serde(default)]
    needs_public_url: bool,
    #[serde(default)]
    answer: Option<PresetAnswer>,
    verify: Value,
}

/// Reads the preset `id` from its text.
pub(super) fn read(id: &str, text: &str) -> Result<Preset, Invalid> {
    let fault = |path: &str, detail: &str| {
        let place = if path == "." { format!("{id}.toml") } else { format!("{id}.toml: {path}") };
        Invalid::new(place, detail)
    };
    let toml = toml::Deserializer::parse(text).map_err(|cause| fault(".", &cause.to_string()))?;
    let file: File = serde_path_to_error::deserialize(toml)
        .map_err(|cause| fault(&cause.path().to_string(), cause.inner().message()))?;
    let schemes = file.scheme.into_iter().map(scheme).collect();
    Ok(Preset {
        id: id.to_owned(),
        name: file.name,
        category: file.category,
        schemes,
        docs_url: file.docs_url,
        where_to_click: file.where_to_click,
        timeout: file.timeout,
        retries: file.retries,
        source_ranges: file.source_ranges,
        traps: file.traps,
    })
}

fn scheme(table: SchemeTable) -> PresetScheme {
    PresetScheme {
        id: table.id,
        label: table.label,
        trust: table.trust,
        covers: table.covers,
        leaves_out: table.leaves_out,
        secret: table.secret,
        public_key: table.public_key,
        config: table.config,
        needs_public_url: table.needs_public_url,
        tolerance_s: None,
        answer: table.answer,
        handshakes: Vec::new(),
        plan: Plan { verify: table.verify },
    }
}
