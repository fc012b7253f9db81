//! A source as the API takes and shows it.

use postern_domain::{
    Secret, Timestamp, answer::AnswerSpec, dedup::DedupSpec, destination::RateLimit, source::SourceKind,
};
use postern_pipeline::{
    configure::source::{NewSource, SourceChange},
    providers,
};
use postern_store::tenant::Source;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    App,
    api::v1::{
        patch::{nullable, present},
        schema,
    },
};

/// A source to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSource)]
pub(crate) struct CreateSource {
    /// For people, 1 to 100 characters.
    pub(crate) name: String,
    #[schema(value_type = schema::SourceKind)]
    pub(crate) kind: SourceKind,
    /// An id of `GET /providers`, such as `stripe`; implies its first scheme.
    #[serde(default)]
    pub(crate) provider: Option<String>,
    /// How the sender proves itself: one of the provider's schemes, or `hmac`, `token`, `bearer`, `basic`, `none`.
    #[serde(default)]
    pub(crate) scheme: Option<String>,
    /// All of them are valid, so that one can be changed without a gap. Never shown again.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    /// The sender's, where it signs with a private key: PEM, base64 or a JWK, as the provider gives it out.
    #[serde(default)]
    pub(crate) public_keys: Vec<String>,
    /// Of the scheme.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub(crate) config: Option<Value>,
    /// The URL as the sender knows it, for schemes that sign it.
    #[serde(default)]
    pub(crate) public_url: Option<String>,
    /// Addresses and CIDR blocks; empty admits everybody.
    #[serde(default)]
    pub(crate) allowed_ips: Vec<String>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Dedup>)]
    pub(crate) dedup: Option<DedupSpec>,
    /// What the sender is answered.
    #[serde(default)]
    #[schema(value_type = Option<schema::Answer>)]
    pub(crate) response: Option<AnswerSpec>,
    #[serde(default)]
    pub(crate) max_body_bytes: Option<u32>,
    #[serde(default)]
    #[schema(value_type = Option<schema::RateLimit>)]
    pub(crate) rate_limit: Option<RateLimit>,
}

/// What is to be different of a source. A missing field stays; `null` takes a value away where there may be none.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SourceChange)]
pub(crate) struct PatchSource {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) name: Option<String>,
    /// All of them: those not in it are no longer valid.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) secrets: Option<Vec<String>>,
    /// All of them, likewise.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) public_keys: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub(crate) config: Option<Value>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    pub(crate) public_url: Option<Option<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) allowed_ips: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Dedup>, nullable = false)]
    pub(crate) dedup: Option<DedupSpec>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<schema::Answer>)]
    pub(crate) response: Option<Option<AnswerSpec>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) max_body_bytes: Option<u32>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<schema::RateLimit>)]
    pub(crate) rate_limit: Option<Option<RateLimit>>,
}

/// A source. Secrets are counted, never shown.
#[derive(Serialize, ToSchema)]
#[schema(as = Source)]
pub(crate) struct SourceView {
    id: String,
    #[schema(value_type = schema::SourceKind)]
    kind: SourceKind,
    name: String,
    provider: Option<String>,
    scheme: Option<String>,
    /// How far what comes in can be trusted; none where nobody sends, or the provider is not known any more.
    #[schema(value_type = Option<schema::TrustLevel>)]
    trust_level: Option<&'static str>,
    #[schema(value_type = Object)]
    config: Value,
    /// Where the sender posts to. Whoever knows it can try; keep it to the sender.
    ingest_url: Option<String>,
    public_url: Option<String>,
    allowed_ips: Vec<String>,
    #[schema(value_type = schema::Dedup)]
    dedup: DedupSpec,
    #[schema(value_type = Option<schema::Answer>)]
    response: Option<AnswerSpec>,
    max_body_bytes: u32,
    #[schema(value_type = Option<schema::RateLimit>)]
    rate_limit: Option<RateLimit>,
    #[schema(value_type = schema::RunState)]
    state: &'static str,
    secrets_count: usize,
    public_keys: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl SourceView {
    pub(crate) fn of(source: &Source, app: &App) -> Self {
        Self {
            id: source.id.to_string(),
            kind: source.kind,
            name: source.name.clone(),
            provider: source.provider.clone(),
            scheme: source.scheme.clone(),
            trust_level: providers::trust(providers::known(&app.engine), source).map(|trust| trust.as_str()),
            config: source.config.clone(),
            ingest_url: source.token.as_ref().map(|token| app.settings.ingest_url(token.expose())),
            public_url: source.public_url.clone(),
            allowed_ips: source.allowed_ips.to_strings(),
            dedup: source.dedup.clone(),
            response: source.answer.clone(),
            max_body_bytes: source.max_body_bytes,
            rate_limit: source.rate_limit,
            state: source.state.as_str(),
            secrets_count: source.secrets.len(),
            public_keys: source.public_keys.clone(),
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }

    /// As it is remembered: the URL lets its holder in, so it is shown on request only.
    pub(crate) fn without_secrets(self) -> Self {
        Self { ingest_url: None, ..self }
    }
}

impl From<CreateSource> for NewSource {
    fn from(body: CreateSource) -> Self {
        Self {
            name: body.name,
            kind: body.kind,
            provider: body.provider,
            scheme: body.scheme,
            secrets: body.secrets.into_iter().map(Secret::new).collect(),
            public_keys: body.public_keys,
            config: body.config,
            public_url: body.public_url,
            allowed_ips: body.allowed_ips,
            dedup: body.dedup,
            answer: body.response,
            max_body_bytes: body.max_body_bytes,
            rate_limit: body.rate_limit,
        }
    }
}

impl From<PatchSource> for SourceChange {
    fn from(body: PatchSource) -> Self {
        Self {
            name: body.name,
            secrets: body.secrets.map(|secrets| secrets.into_iter().map(Secret::new).collect()),
            public_keys: body.public_keys,
            config: body.config,
            public_url: body.public_url,
            allowed_ips: body.allowed_ips,
            dedup: body.dedup,
            answer: body.response,
            max_body_bytes: body.max_body_bytes,
            rate_limit: body.rate_limit,
        }
    }
}
