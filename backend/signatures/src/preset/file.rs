//! Reads one preset file, strictly: a field that nobody knows is an error that names it.

use std::sync::Arc;

use postern_domain::Invalid;
use serde::Deserialize;
use serde_json::Value;

use super::{AnswerIf, ConfigField, Plan, Preset, PresetAnswer, PresetScheme, SecretForm, Trust};
use crate::{
    fields::Fields,
    handshake::{Handshake, HandshakeTable},
    naming::Naming,
    verifier::VerifierPlan,
};

const MAX_ID_BYTES: usize = 40;

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
    #[serde(default)]
    answer_if: Vec<AnswerIf>,
    /// A refusal has no body.
    #[serde(default)]
    bare_refusal: bool,
    verify: Value,
    #[serde(default)]
    id_from: Vec<String>,
    #[serde(default)]
    type_from: Vec<String>,
    #[serde(default)]
    handshake: Vec<HandshakeTable>,
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
    let parse = |(place, table): (usize, SchemeTable)| {
        scheme(table).map_err(|cause| fault(&format!("scheme[{place}].{}", cause.field), &cause.detail))
    };
    let schemes: Vec<PresetScheme> = file.scheme.into_iter().enumerate().map(parse).collect::<Result<_, _>>()?;
    check(id, &schemes).map_err(|(path, detail)| fault(path, detail))?;
    if let Some(range) = file.source_ranges.iter().find(|range| range.parse::<ipnet::IpNet>().is_err()) {
        return Err(fault("source_ranges", &format!("`{range}` is not a network such as 192.0.2.0/24")));
    }
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

/// What holds of a preset as a whole.
fn check(id: &str, schemes: &[PresetScheme]) -> Result<(), (&'static str, &'static str)> {
    let is_name = |text: &str| {
        !text.is_empty()
            && text.len() <= MAX_ID_BYTES
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if !is_name(id) || schemes.iter().any(|scheme| !is_name(&scheme.id)) {
        return Err((".", "must have a name, and its schemes ids, of 1 to 40 lower-case letters, digits and hyphens"));
    }
    if schemes.is_empty() {
        return Err(("scheme", "must be there at least once"));
    }
    let repeated =
        schemes.iter().enumerate().any(|(at, scheme)| schemes[..at].iter().any(|known| known.id == scheme.id));
    if repeated { Err(("scheme", "must have ids that differ")) } else { Ok(()) }
}

fn scheme(table: SchemeTable) -> Result<PresetScheme, Invalid> {
    let mut fields = Fields::new(&table.verify)?;
    let kind = fields.text("kind")?.unwrap_or_default();
    let in_verify = |cause: Invalid| {
        let name = cause.field.strip_prefix("config").unwrap_or(&cause.field).to_owned();
        Invalid::new(format!("verify{name}"), cause.detail)
    };
    let verifier = VerifierPlan::parse(kind, &mut fields).map_err(in_verify)?;
    fields.finish(kind).map_err(in_verify)?;
    let handshakes = table.handshake.into_iter().map(Handshake::parse).collect::<Result<Vec<_>, _>>()?;
    Ok(PresetScheme {
        tolerance_s: verifier.tolerance_s(),
        handshakes: handshakes.iter().map(|handshake| handshake.name.clone()).collect(),
        plan: Plan {
            verifier,
            naming: Arc::new(Naming::parse(&table.id_from, &table.type_from)?),
            handshakes: Arc::new(handshakes),
            bare_refusal: table.bare_refusal,
            answers: table.answer_if,
        },
        id: table.id,
        label: table.label,
        trust: table.trust,
        covers: table.covers,
        leaves_out: table.leaves_out,
        secret: table.secret,
        public_key: table.public_key,
        config: table.config,
        needs_public_url: table.needs_public_url,
        answer: table.answer,
    })
}
