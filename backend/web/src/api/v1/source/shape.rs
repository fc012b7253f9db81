//! A source as the API takes and shows it.

use postern_domain::{
    Invalid, Secret, Timestamp,
    answer::AnswerSpec,
    dedup::DedupSpec,
    destination::RateLimit,
    intake::Replay,
    source::{HeaderToken, SourceKind},
};
use postern_pipeline::{
    configure::{
        poll,
        source::{NewSource, SourceChange},
    },
    polling::Overview,
    providers,
};
use postern_store::{polling::Restart, tenant::Source};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    App,
    api::v1::{
        patch::{nullable, present},
        poll::{
            schema::PollSettings,
            shape::{AlarmView, PollingView},
        },
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
    /// Addresses, CIDR blocks, and `provider` for those that the provider publishes; empty admits everybody.
    #[serde(default)]
    pub(crate) allowed_ips: Vec<String>,
    /// Those that may bring events: POST, PUT, PATCH, GET; empty: the first three.
    #[serde(default)]
    pub(crate) allowed_methods: Vec<String>,
    /// Without parameters, such as `application/json`; empty: any.
    #[serde(default)]
    pub(crate) content_types: Vec<String>,
    /// What is done with a body that comes again under another id, where the id is not signed.
    #[serde(default)]
    #[schema(value_type = Option<schema::Replay>)]
    pub(crate) replay: Option<Replay>,
    /// What every request must carry besides the token in the URL. Its value is never shown again.
    #[serde(default)]
    pub(crate) header_token: Option<NewHeaderToken>,
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
    /// Needed by kind `poll`. Of kind `webhook`: what the poll finds and the webhook did not bring becomes an event too.
    #[serde(default)]
    #[schema(value_type = Option<PollSettings>)]
    pub(crate) poll: Option<Value>,
    /// Needed by kind `schedule`.
    #[serde(default)]
    #[schema(value_type = Option<ScheduleSettings>)]
    pub(crate) schedule: Option<Value>,
}

/// When a source makes an event by itself, and which. Its body is `{"scheduled_at": …, "data": …}`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "described; read by the engine")]
pub(crate) struct ScheduleSettings {
    /// Whole multiples of it since 1970, so that restarts change nothing. Either this or `cron`.
    interval_s: Option<u32>,
    /// Five fields, or six with seconds first. A local time that a clock skips comes at the next valid instant, one that
    /// comes twice counts once.
    cron: Option<String>,
    /// Of `cron`, by its IANA name; UTC unless said otherwise.
    timezone: Option<String>,
    /// `schedule.tick` unless said otherwise.
    r#type: Option<String>,
    #[schema(value_type = Option<Object>)]
    data: Option<Value>,
    /// Of instants that went by more than a minute ago: `skip` (usual), `once` or `all`, the last 100.
    misfire: Option<String>,
    /// While the last event is not delivered: `allow` (usual) another, or `skip`.
    overlap: Option<String>,
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
    #[schema(nullable = false)]
    pub(crate) allowed_methods: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) content_types: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Replay>, nullable = false)]
    pub(crate) replay: Option<Replay>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<NewHeaderToken>)]
    pub(crate) header_token: Option<Option<NewHeaderToken>>,
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
    /// All of them. A secret that is sent as `***` stays as it is. `null` ends the poll beside a webhook.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<PollSettings>)]
    pub(crate) poll: Option<Option<Value>>,
    /// All of it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<ScheduleSettings>, nullable = false)]
    pub(crate) schedule: Option<Value>,
    /// Where another URL, other items, another identity or kind of cursor leave it open: whether the cursor stays.
    /// Otherwise it begins again, with a first run.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    pub(crate) poll_restart: Option<PollRestart>,
}

/// `keep`: the cursor stays. `again`: it begins with a first run, and what was seen does not come twice; right for the
/// same records, asked for in another way. `fresh`: it begins with a first run, and what was seen is forgotten; right for
/// other records, whose ids may be those of the ones before.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PollRestart {
    Keep,
    Again,
    Fresh,
}

/// A header and its value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHeaderToken {
    name: String,
    /// 16 to 500 visible ASCII characters.
    value: String,
}

impl NewHeaderToken {
    fn read(self) -> Result<HeaderToken, Invalid> {
        HeaderToken::parse(&self.name, Secret::new(self.value))
    }
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
    allowed_methods: Vec<String>,
    content_types: Vec<String>,
    #[schema(value_type = schema::Replay)]
    replay: Replay,
    /// The name of the header that every request must carry.
    header_token: Option<String>,
    /// Until then the URL before works too.
    #[schema(value_type = Option<String>, format = DateTime)]
    old_url_until: Option<Timestamp>,
    /// Until then the provider may hand over a secret, if there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    handshake_until: Option<Timestamp>,
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
    /// Values that may be secret are `***`.
    #[schema(value_type = Option<PollSettings>)]
    poll: Option<Value>,
    #[schema(value_type = Option<ScheduleSettings>)]
    schedule: Option<Value>,
    /// How it fares, if it runs by itself. Told where sources are looked at, not where they are changed.
    polling: Option<PollingView>,
    /// Of a webhook source with a poll beside it: that its webhooks lose too much, or are silent. Told where sources are
    /// looked at.
    alarm: Option<AlarmView>,
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
            allowed_methods: source.intake.allowed_methods.clone(),
            content_types: source.intake.content_types.clone(),
            replay: source.intake.replay,
            header_token: source.header_token.as_ref().map(|token| token.name.clone()),
            old_url_until: source.retired_token.as_ref().map(|token| token.until),
            handshake_until: source.handshake_until,
            dedup: source.dedup.clone(),
            response: source.answer.clone(),
            max_body_bytes: source.max_body_bytes,
            rate_limit: source.rate_limit,
            state: source.state.as_str(),
            secrets_count: source.secrets.len(),
            public_keys: source.public_keys.clone(),
            poll: poll::settings_of(source).ok().map(|settings| settings.shown()),
            schedule: source.schedule.clone(),
            polling: None,
            alarm: None,
            created_at: source.created_at,
            updated_at: source.updated_at,
        }
    }

    pub(crate) fn with_polling(self, now: Option<&Overview>) -> Self {
        let alarm = now.and_then(|now| now.alarm.as_ref()).map(AlarmView::of);
        Self { polling: now.map(PollingView::of), alarm, ..self }
    }

    /// As it is remembered: the URL lets its holder in, so it is shown on request only.
    pub(crate) fn without_secrets(self) -> Self {
        Self { ingest_url: None, ..self }
    }
}

impl TryFrom<CreateSource> for NewSource {
    type Error = Invalid;

    fn try_from(body: CreateSource) -> Result<Self, Invalid> {
        Ok(Self {
            name: body.name,
            kind: body.kind,
            provider: body.provider,
            scheme: body.scheme,
            secrets: body.secrets.into_iter().map(Secret::new).collect(),
            public_keys: body.public_keys,
            config: body.config,
            public_url: body.public_url,
            allowed_ips: body.allowed_ips,
            allowed_methods: body.allowed_methods,
            content_types: body.content_types,
            replay: body.replay,
            header_token: body.header_token.map(NewHeaderToken::read).transpose()?,
            dedup: body.dedup,
            answer: body.response,
            max_body_bytes: body.max_body_bytes,
            rate_limit: body.rate_limit,
            poll: body.poll,
            schedule: body.schedule,
        })
    }
}

impl TryFrom<PatchSource> for SourceChange {
    type Error = Invalid;

    fn try_from(body: PatchSource) -> Result<Self, Invalid> {
        Ok(Self {
            name: body.name,
            secrets: body.secrets.map(|secrets| secrets.into_iter().map(Secret::new).collect()),
            public_keys: body.public_keys,
            config: body.config,
            public_url: body.public_url,
            allowed_ips: body.allowed_ips,
            allowed_methods: body.allowed_methods,
            content_types: body.content_types,
            replay: body.replay,
            header_token: header_token(body.header_token)?,
            dedup: body.dedup,
            answer: body.response,
            max_body_bytes: body.max_body_bytes,
            rate_limit: body.rate_limit,
            poll: body.poll,
            schedule: body.schedule,
            poll_restart: body.poll_restart.map(|restart| match restart {
                PollRestart::Keep => Restart::Keep,
                PollRestart::Again => Restart::Prime,
                PollRestart::Fresh => Restart::Fresh,
            }),
        })
    }
}

fn header_token(given: Option<Option<NewHeaderToken>>) -> Result<Option<Option<HeaderToken>>, Invalid> {
    given.map(|token| token.map(NewHeaderToken::read).transpose()).transpose()
}
