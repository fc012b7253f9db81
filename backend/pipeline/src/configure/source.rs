//! Sources: made, changed, paused, resumed, deleted.

use postern_domain::{
    Invalid, Secret, SourceId,
    answer::AnswerSpec,
    dedup::DedupSpec,
    destination::RateLimit,
    intake::{AllowedAddresses, Intake, Replay},
    invalid,
    source::{DEFAULT_MAX_BODY_BYTES, HeaderToken, SourceKind, check_max_body_bytes},
};
use postern_seal::token;
use postern_signatures::{Credentials, DedupRule, Presets, SourceScheme};
use postern_store::{
    TenantTx,
    polling::Restart,
    tenant::{Altered, RunState, Source},
};
use serde_json::Value;

use super::{By, ConfigureError, Done, MAX_PER_TENANT, check_room, front_door, poll, run, tick};
use crate::{Engine, entry::published_by};

/// 190 bits: the token is the only thing that finds a source.
pub(super) const TOKEN_LEN: usize = 32;
/// Of a webhook with a poll beside it.
const RECONCILED_WINDOW_S: u32 = 3 * 24 * 3_600;
const MAX_URL_BYTES: usize = postern_domain::destination::MAX_URL_BYTES;

/// A source to be made.
#[derive(Debug)]
pub struct NewSource {
    pub name: String,
    pub kind: SourceKind,
    pub provider: Option<String>,
    pub scheme: Option<String>,
    pub secrets: Vec<Secret<String>>,
    pub public_keys: Vec<String>,
    /// Of the scheme.
    pub config: Option<Value>,
    pub public_url: Option<String>,
    /// Addresses, blocks, and `provider` for those that it publishes.
    pub allowed_ips: Vec<String>,
    pub allowed_methods: Vec<String>,
    pub content_types: Vec<String>,
    pub replay: Option<Replay>,
    pub header_token: Option<HeaderToken>,
    pub dedup: Option<DedupSpec>,
    pub answer: Option<AnswerSpec>,
    pub max_body_bytes: Option<u32>,
    pub rate_limit: Option<RateLimit>,
    /// Of kind `poll`; and of a webhook source that is polled beside.
    pub poll: Option<Value>,
    /// Of kind `schedule`.
    pub schedule: Option<Value>,
}

impl NewSource {
    /// With nothing but a name.
    #[must_use]
    pub fn named(name: String, kind: SourceKind) -> Self {
        Self {
            name,
            kind,
            provider: None,
            scheme: None,
            secrets: Vec::new(),
            public_keys: Vec::new(),
            config: None,
            public_url: None,
            allowed_ips: Vec::new(),
            allowed_methods: Vec::new(),
            content_types: Vec::new(),
            replay: None,
            header_token: None,
            dedup: None,
            answer: None,
            max_body_bytes: None,
            rate_limit: None,
            poll: None,
            schedule: None,
        }
    }
}

/// What is to be different. `None` stays as it is; `Some(None)` is taken away.
#[derive(Debug, Default)]
pub struct SourceChange {
    pub name: Option<String>,
    /// All of them: those not in it are no longer valid.
    pub secrets: Option<Vec<Secret<String>>>,
    /// All of them, likewise.
    pub public_keys: Option<Vec<String>>,
    pub config: Option<Value>,
    pub public_url: Option<Option<String>>,
    pub allowed_ips: Option<Vec<String>>,
    pub allowed_methods: Option<Vec<String>>,
    pub content_types: Option<Vec<String>>,
    pub replay: Option<Replay>,
    pub header_token: Option<Option<HeaderToken>>,
    pub dedup: Option<DedupSpec>,
    pub answer: Option<Option<AnswerSpec>>,
    pub max_body_bytes: Option<u32>,
    pub rate_limit: Option<Option<RateLimit>>,
    /// `***` in it stands for a secret that is kept.
    pub poll: Option<Option<Value>>,
    pub schedule: Option<Value>,
    /// What becomes of how far was read, where other settings leave a choice.
    pub poll_restart: Option<Restart>,
}

/// # Errors
/// When a field cannot be accepted, or the tenant has too many sources.
pub async fn create(
    engine: &Engine,
    by: &By,
    new: NewSource,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    let source = build(engine, new)?;
    run(engine, by, async move |tx| insert(tx, source).await, answer).await
}

/// One that was built, if there is room for it.
pub(super) async fn insert(tx: &mut TenantTx, mut source: Source) -> Result<Source, ConfigureError> {
    check_room("sources", tx.count::<Source>().await?, MAX_PER_TENANT)?;
    (source.created_at, source.updated_at) = (tx.now(), tx.now());
    tx.insert(&source).await?;
    poll::plan(tx, None, &source, None).await?;
    Ok(source)
}

/// # Errors
/// When there is no such source, or a field cannot be accepted.
pub async fn update(
    engine: &Engine,
    by: &By,
    (id, change): (SourceId, SourceChange),
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    let restart = change.poll_restart;
    alter_with(engine, by, (id, restart), |source| merge(engine, source, change), answer).await
}

/// From now on its URL turns senders away, and what is published to it is refused.
///
/// # Errors
/// When there is no such source.
pub async fn pause(
    engine: &Engine,
    by: &By,
    id: SourceId,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    alter(engine, by, id, |source| switch(source, RunState::Paused), answer).await
}

/// # Errors
/// When there is no such source.
pub async fn resume(
    engine: &Engine,
    by: &By,
    id: SourceId,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    alter(engine, by, id, |source| switch(source, RunState::Active), answer).await
}

/// With its connections.
///
/// # Errors
/// When there is no such source.
pub async fn delete(
    engine: &Engine,
    by: &By,
    id: SourceId,
    answer: impl FnOnce(&()) -> (u16, String),
) -> Result<Done<()>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let source = tx.find::<Source>(id).await?.ok_or(ConfigureError::NotFound)?;
            Ok(tx.delete_source(&source).await?)
        },
        answer,
    )
    .await
}

pub(super) async fn alter(
    engine: &Engine,
    by: &By,
    id: SourceId,
    alteration: impl FnOnce(Source) -> Result<Source, Invalid>,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    alter_with(engine, by, (id, None), alteration, answer).await
}

async fn alter_with(
    engine: &Engine,
    by: &By,
    (id, restart): (SourceId, Option<Restart>),
    alteration: impl FnOnce(Source) -> Result<Source, Invalid>,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let before = tx.find::<Source>(id).await?.ok_or(ConfigureError::NotFound)?;
            let mut after = alteration(before.clone())?;
            if tx.update(&before, &after).await? == Altered::Yes {
                after.updated_at = tx.now();
                poll::plan(tx, Some(&before), &after, restart).await?;
            }
            Ok(after)
        },
        answer,
    )
    .await
}

fn switch(source: Source, state: RunState) -> Result<Source, Invalid> {
    Ok(Source { state, ..source })
}

pub(super) fn build(engine: &Engine, new: NewSource) -> Result<Source, Invalid> {
    if new.kind != SourceKind::Webhook {
        refuse_without_door(&new)?;
    }
    let is_webhook = new.kind == SourceKind::Webhook;
    let mut source = Source {
        id: SourceId::fresh(),
        name: new.name,
        kind: new.kind,
        provider: new.provider,
        scheme: new.scheme,
        config: new.config.unwrap_or_else(|| Value::Object(serde_json::Map::new())),
        secrets: new.secrets,
        public_keys: new.public_keys,
        token: is_webhook.then(|| Secret::new(token::random_base62(TOKEN_LEN))),
        public_url: new.public_url,
        allowed_ips: AllowedAddresses::parse(&new.allowed_ips)?,
        intake: Intake::parse(&new.allowed_methods, &new.content_types, new.replay.unwrap_or_default())?,
        header_token: new.header_token,
        retired_token: None,
        handshake_until: None,
        dedup: new.dedup.unwrap_or_default(),
        answer: new.answer,
        max_body_bytes: new.max_body_bytes.unwrap_or(DEFAULT_MAX_BODY_BYTES),
        rate_limit: new.rate_limit,
        poll: poll::of_new(engine, new.kind, new.poll.as_ref())?,
        schedule: tick::of(engine, new.kind, new.schedule.as_ref(), None)?,
        state: RunState::Active,
        created_at: postern_domain::Timestamp::default(),
        updated_at: postern_domain::Timestamp::default(),
    };
    check(&engine.presets, &mut source)?;
    source.handshake_until = front_door::awaited_from(&engine.presets, &source, engine.clock.now());
    Ok(source)
}

/// What only makes sense where requests come in.
fn refuse_without_door(new: &NewSource) -> Result<(), Invalid> {
    let given = [
        ("provider", new.provider.is_some()),
        ("scheme", new.scheme.is_some()),
        ("secrets", !new.secrets.is_empty()),
        ("public_keys", !new.public_keys.is_empty()),
        ("config", new.config.is_some()),
        ("public_url", new.public_url.is_some()),
        ("allowed_ips", !new.allowed_ips.is_empty()),
        ("response", new.answer.is_some()),
        ("allowed_methods", !new.allowed_methods.is_empty()),
        ("content_types", !new.content_types.is_empty()),
        ("replay", new.replay.is_some()),
        ("header_token", new.header_token.is_some()),
    ];
    let misplaced = given.into_iter().find(|(_, given)| *given);
    misplaced.map_or(Ok(()), |(field, _)| Err(Invalid::new(field, "is for sources of kind `webhook` only")))
}

fn merge(engine: &Engine, before: Source, change: SourceChange) -> Result<Source, Invalid> {
    if before.kind != SourceKind::Webhook {
        refuse_without_door(&NewSource {
            secrets: change.secrets.clone().unwrap_or_default(),
            public_keys: change.public_keys.clone().unwrap_or_default(),
            config: change.config.clone(),
            public_url: change.public_url.clone().flatten(),
            allowed_ips: change.allowed_ips.clone().unwrap_or_default(),
            allowed_methods: change.allowed_methods.clone().unwrap_or_default(),
            content_types: change.content_types.clone().unwrap_or_default(),
            replay: change.replay,
            header_token: change.header_token.clone().flatten(),
            answer: change.answer.clone().flatten(),
            ..NewSource::named(String::new(), before.kind)
        })?;
    }
    let poll = poll::of_change(engine, &before, change.poll.as_ref())?;
    let schedule = tick::of(engine, before.kind, change.schedule.as_ref(), before.schedule.as_ref())?;
    let allowed_ips = change.allowed_ips.map(|entries| AllowedAddresses::parse(&entries)).transpose()?;
    let methods = change.allowed_methods.unwrap_or_else(|| before.intake.allowed_methods.clone());
    let types = change.content_types.unwrap_or_else(|| before.intake.content_types.clone());
    let intake = Intake::parse(&methods, &types, change.replay.unwrap_or(before.intake.replay))?;
    let mut after = Source {
        name: change.name.unwrap_or(before.name),
        secrets: change.secrets.unwrap_or(before.secrets),
        public_keys: change.public_keys.unwrap_or(before.public_keys),
        config: change.config.unwrap_or(before.config),
        public_url: change.public_url.unwrap_or(before.public_url),
        allowed_ips: allowed_ips.unwrap_or(before.allowed_ips),
        intake,
        header_token: change.header_token.unwrap_or(before.header_token),
        dedup: change.dedup.unwrap_or(before.dedup),
        answer: change.answer.unwrap_or(before.answer),
        max_body_bytes: change.max_body_bytes.unwrap_or(before.max_body_bytes),
        rate_limit: change.rate_limit.unwrap_or(before.rate_limit),
        poll,
        schedule,
        ..before
    };
    check(&engine.presets, &mut after)?;
    Ok(after)
}

/// All that must hold of a source, new or changed. Writes down the scheme that a provider implies.
pub(super) fn check(presets: &Presets, source: &mut Source) -> Result<(), Invalid> {
    source.name = invalid::name("name", &source.name)?;
    if source.kind == SourceKind::Webhook {
        let (provider, scheme) = (source.provider.as_deref(), source.scheme.as_deref());
        let credentials = Credentials { secrets: source.secrets.clone(), public_keys: source.public_keys.clone() };
        let known = SourceScheme::parse(presets, provider, scheme, &source.config, credentials)?;
        source.scheme = Some(known.scheme().to_owned());
    }
    source.allowed_ips.resolve(published_by(presets, source.provider.as_deref()))?;
    DedupRule::compile(source.dedup.parse_key()?)?;
    // A poll that finds what a webhook brought knows it by its key; without that it would be lost, and come twice.
    if source.kind == SourceKind::Webhook && source.poll.is_some() && source.dedup.window_s < RECONCILED_WINDOW_S {
        let detail =
            format!("must be at least {RECONCILED_WINDOW_S} (three days) while a poll stands beside the webhook");
        return Err(Invalid::new("dedup.window_s", detail));
    }
    if let Some(answer) = &source.answer {
        answer.check()?;
    }
    if let Some(limit) = &source.rate_limit {
        limit.check()?;
    }
    if let Some(url) = &source.public_url {
        check_public_url(url)?;
    }
    check_max_body_bytes(source.max_body_bytes).map(|_| ())
}

/// It is only compared and signed over, never asked for.
fn check_public_url(url: &str) -> Result<(), Invalid> {
    let parsed = url.parse::<http::Uri>().ok();
    let is_full = parsed.is_some_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some());
    if is_full && url.len() <= MAX_URL_BYTES {
        Ok(())
    } else {
        Err(Invalid::new("public_url", format!("must be a full URL of at most {MAX_URL_BYTES} bytes")))
    }
}
