//! Configuration as the engine uses it: parsed, with secrets ready and the runtime of limits attached.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue, header::Entry};
use postern_domain::{
    ApiKeyId, ConnectionId, DestinationId, Invalid, Secret, SourceId, TenantId, Timestamp,
    address::AddressList,
    answer::AnswerSpec,
    dedup::DedupKey,
    destination::{DestinationKind, RateLimit},
    event_type::Pattern,
    intake::{AllowedAddresses, Intake, Replay},
    payload::PayloadFormat,
    permission::Permission,
    queue::QueueSettings,
    retry::RetryPolicy,
    source::{HeaderToken, SourceKind},
};
use postern_egress::{Blocked, CheckedUrl};
use postern_limits::RateLimiter;
use postern_polling::{PollSettings, TickSettings};
use postern_seal::token::sha256;
use postern_signatures::{
    Credentials, DedupRule, PresetScheme, Presets, SourceScheme, Trust, Verified, outgoing::SigningKey,
};
use postern_store::engine::config::{ConnectionConfig, DestinationConfig, KeyConfig, SourceConfig};

use crate::{
    lanes::{DestinationRuntime, Lanes, TenantRuntime},
    polling::{self, STORED_FLOOR_S},
};

#[derive(Debug)]
pub struct SourceEntry {
    pub id: SourceId,
    pub tenant: TenantId,
    pub kind: SourceKind,
    /// By which the event catalogue knows what its events are called.
    pub(crate) provider: Option<Arc<str>>,
    pub(crate) token_hash: Option<[u8; 32]>,
    /// Of the token before, and until when it works.
    pub(crate) retired_token: Option<([u8; 32], Timestamp)>,
    pub public_url: Option<String>,
    pub allowed_ips: AddressList,
    pub intake: Intake,
    /// The name, and the hash of the value.
    pub(crate) header_token: Option<(HeaderName, [u8; 32])>,
    pub answer: Option<AnswerSpec>,
    pub max_body_bytes: usize,
    pub paused: bool,
    pub(crate) scheme: Option<SourceScheme>,
    pub(crate) secret_hashes: Vec<[u8; 32]>,
    pub(crate) handshake_until: Option<Timestamp>,
    pub(crate) dedup: DedupRule,
    /// The dedup key is part of the body, or there is none.
    is_key_in_body: bool,
    pub(crate) window_s: u32,
    pub(crate) limiter: Option<RateLimiter>,
    /// What it asks for by itself: all of a source of kind `poll`, or beside the webhooks.
    pub poll: Option<Arc<PollSettings>>,
    /// When it makes an event by itself, of kind `schedule`.
    pub tick: Option<Arc<TickSettings>>,
    /// A hash of these settings: what was learned of a page by others says nothing.
    pub(crate) poll_mark: [u8; 32],
    /// Who shares its budget with the provider.
    pub(crate) poll_budget: Box<str>,
}

#[derive(Debug)]
pub struct DestinationEntry {
    pub id: DestinationId,
    pub tenant: TenantId,
    pub kind: DestinationKind,
    pub(crate) url: String,
    checked: OnceLock<Result<CheckedUrl, Blocked>>,
    pub(crate) headers: HeaderMap,
    pub(crate) signing_key: SigningKey,
    pub(crate) timeout_ms: u32,
    pub(crate) retry: RetryPolicy,
    /// Of a queue, and of no other kind.
    pub(crate) queue: Option<QueueSettings>,
    pub(crate) active: bool,
    pub(crate) runtime: Arc<DestinationRuntime>,
    pub(crate) tenant_runtime: Arc<TenantRuntime>,
}

#[derive(Debug)]
pub struct ConnectionEntry {
    pub id: ConnectionId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub destination: DestinationId,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) payload: PayloadFormat,
    pub(crate) delay_s: u32,
    pub(crate) paused: bool,
}

#[derive(Debug)]
pub struct KeyEntry {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub hash: [u8; 32],
    pub permissions: Vec<Permission>,
    pub allowed_ips: AddressList,
    pub expires_at: Option<Timestamp>,
}

impl SourceEntry {
    pub(crate) fn build(row: SourceConfig, presets: &Presets, share: u32) -> Result<Self, Invalid> {
        let secret_hashes = row.secrets.iter().map(|secret| sha256(secret.expose().as_bytes())).collect();
        let dedup = row.dedup.parse_key()?;
        let published = published_by(presets, row.provider.as_deref());
        let allowed_ips = AllowedAddresses::parse(&row.allowed_ips)?.resolve(published)?;
        let scheme = match row.kind {
            SourceKind::Webhook => {
                let credentials = Credentials { secrets: row.secrets, public_keys: row.public_keys };
                let (provider, scheme) = (row.provider.as_deref(), row.scheme.as_deref());
                Some(SourceScheme::parse(presets, provider, scheme, &row.config, credentials)?)
            }
            SourceKind::Publish | SourceKind::Poll | SourceKind::Schedule => None,
        };
        let tick = row.schedule.as_ref().map(|tick| TickSettings::parse(tick, STORED_FLOOR_S)).transpose()?;
        let poll = row.poll.as_ref().map(|poll| PollSettings::parse(poll.value(), STORED_FLOOR_S)).transpose()?;
        Ok(Self {
            id: row.id,
            tenant: row.tenant,
            kind: row.kind,
            poll_mark: row.poll.map_or([0; 32], |poll| sha256(Secret::new(poll.value().to_string()).expose())),
            poll_budget: poll.as_ref().map(polling::budget_name).unwrap_or_default().into(),
            poll: poll.map(Arc::new),
            tick: tick.map(Arc::new),
            provider: row.provider.map(Arc::from),
            token_hash: row.token_hash.and_then(|hash| hash.try_into().ok()),
            retired_token: row.retired_token.and_then(|(hash, until)| Some((hash.try_into().ok()?, until))),
            public_url: row.public_url,
            allowed_ips,
            intake: row.intake,
            header_token: row.header_token.as_ref().map(hashed).transpose()?,
            answer: row.answer,
            max_body_bytes: usize::try_from(row.max_body_bytes).unwrap_or(0),
            paused: row.paused,
            scheme,
            secret_hashes,
            handshake_until: row.handshake_until,
            is_key_in_body: matches!(dedup, DedupKey::Json(_) | DedupKey::Body | DedupKey::None),
            dedup: DedupRule::compile(dedup)?,
            window_s: row.dedup.window_s,
            limiter: row.rate_limit.map(|limit| limiter(limit, share)),
        })
    }
}

impl SourceEntry {
    /// Of every token that has led here.
    pub(crate) fn token_hashes(&self) -> impl Iterator<Item = [u8; 32]> {
        self.token_hash.into_iter().chain(self.retired_token.map(|(hash, _)| hash))
    }

    /// What the sender is answered when its event was taken in; none where neither the tenant nor the provider says.
    #[must_use]
    pub fn event_answer(&self) -> Option<EventAnswer<'_>> {
        if let Some(own) = &self.answer {
            let content_type = Some(own.content_type.as_str());
            return Some(EventAnswer { status: own.status, content_type, body: &own.body });
        }
        let preset = self.scheme.as_ref()?.answer()?;
        let content_type = preset.content_type.as_deref();
        Some(EventAnswer { status: preset.status, content_type, body: &preset.body })
    }

    /// What proves the sender is not to be read in what is remembered of a request.
    pub fn hide_token(&self, headers: &mut HeaderMap) {
        let Some((name, _)) = &self.header_token else { return };
        if let Entry::Occupied(mut values) = headers.entry(name) {
            values.iter_mut().for_each(|value| value.set_sensitive(true));
        }
    }

    /// Whether its provider wants a refusal to have no body.
    #[must_use]
    pub fn refuses_without_body(&self) -> bool {
        self.scheme.as_ref().is_some_and(SourceScheme::refuses_without_body)
    }

    /// Whether an event may come by this method. A GET that is signed was meant, also where nobody thought of it.
    pub(crate) fn takes_event_by(&self, method: &str) -> bool {
        let is_usual = self.intake.allowed_methods.is_empty();
        self.intake.takes_method(method) || (is_usual && method == "GET" && self.signs())
    }

    /// Whether its requests carry a signature, and not only a secret that could be read on the way.
    fn signs(&self) -> bool {
        self.scheme.as_ref().is_some_and(|scheme| matches!(scheme.trust(), Trust::A | Trust::B | Trust::C))
    }

    /// Whether a body must be remembered, because its id is not part of what is signed. Where nothing is signed, there is
    /// nothing to replay: whoever knows the secret can write a body of their own.
    pub(crate) fn guards_replay(&self, verified: &Verified, key: Option<&str>) -> bool {
        let Some(key) = key else { return false };
        let is_signed = self.is_key_in_body || (verified.id_is_signed && verified.event_id.as_deref() == Some(key));
        !is_signed && self.signs() && self.intake.replay != Replay::Allow
    }
}

/// How a sender is answered.
#[derive(Clone, Copy, Debug)]
pub struct EventAnswer<'a> {
    pub status: u16,
    pub content_type: Option<&'a str>,
    pub body: &'a str,
}

/// The networks from which a provider says that it sends.
pub(crate) fn published_by<'p>(presets: &'p Presets, provider: Option<&str>) -> &'p [String] {
    provider.and_then(|id| presets.find(id)).map_or(&[], |preset| preset.source_ranges.as_slice())
}

/// How the provider's scheme is described.
pub(crate) fn scheme_of<'p>(
    presets: &'p Presets,
    provider: Option<&str>,
    scheme: Option<&str>,
) -> Option<&'p PresetScheme> {
    presets.find(provider.or(scheme)?)?.scheme(scheme)
}

fn hashed(token: &HeaderToken) -> Result<(HeaderName, [u8; 32]), Invalid> {
    let name = HeaderName::from_bytes(token.name.as_bytes());
    let name = name.map_err(|_| Invalid::new("header_token.name", "is not a header name"))?;
    Ok((name, sha256(token.value.expose().as_bytes())))
}

fn limiter(limit: RateLimit, share: u32) -> RateLimiter {
    RateLimiter::new(limit.per_s, limit.burst(), share)
}

impl DestinationEntry {
    /// Gate 1, for what stands in the database. Asked once: the rules are those of the process, and a destination that is
    /// changed is a new entry.
    pub(crate) fn checked_url(&self, egress: &postern_egress::Client) -> Result<CheckedUrl, Blocked> {
        self.checked.get_or_init(|| egress.check_url(&self.url)).clone()
    }

    pub(crate) fn build(row: DestinationConfig, lanes: &Lanes, share: u32) -> Result<Self, Invalid> {
        let mut headers = HeaderMap::with_capacity(row.headers.len());
        for (name, value) in &row.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| Invalid::new("headers", "bad name"))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| Invalid::new("headers", "bad value"))?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let runtime = lanes.destination(row.id);
        runtime.configure(row.concurrency, row.rate_limit, share, row.failing);
        Ok(Self {
            id: row.id,
            tenant: row.tenant,
            kind: row.kind,
            url: row.url.unwrap_or_default(),
            checked: OnceLock::new(),
            headers,
            signing_key: SigningKey::parse(row.signing_secret.expose())?,
            timeout_ms: row.timeout_ms,
            retry: row.retry,
            queue: row.queue,
            active: row.state == "active",
            runtime,
            tenant_runtime: lanes.tenant(row.tenant),
        })
    }
}

impl ConnectionEntry {
    pub(crate) fn build(row: &ConnectionConfig) -> Result<Self, Invalid> {
        Ok(Self {
            id: row.id,
            tenant: row.tenant,
            source: row.source,
            destination: row.destination,
            patterns: row.event_types.iter().map(|text| Pattern::parse(text)).collect::<Result<_, _>>()?,
            payload: row.payload,
            delay_s: row.delay_s,
            paused: row.paused,
        })
    }

    pub(crate) fn wants(&self, event_type: &str) -> bool {
        self.patterns.is_empty() || self.patterns.iter().any(|pattern| pattern.matches(event_type))
    }
}

impl KeyEntry {
    pub(crate) fn build(row: KeyConfig) -> Result<Self, Invalid> {
        let hash = row.hash.try_into().map_err(|_| Invalid::new("hash", "must have 32 bytes"))?;
        Ok(Self {
            id: row.id,
            tenant: row.tenant,
            hash,
            permissions: row.scopes.iter().filter_map(|scope| Permission::parse(scope)).collect(),
            allowed_ips: AddressList::parse("allowed_ips", &row.allowed_ips)?,
            expires_at: row.expires_at,
        })
    }
}
