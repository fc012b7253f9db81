//! Configuration as the engine uses it: parsed, with secrets ready and the runtime of limits attached.

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName, HeaderValue};
use postern_domain::{
    ApiKeyId, ConnectionId, DestinationId, Invalid, SourceId, TenantId, Timestamp,
    address::AddressList,
    answer::AnswerSpec,
    destination::{DestinationKind, RateLimit},
    event_type::Pattern,
    permission::Permission,
    retry::RetryPolicy,
    source::SourceKind,
};
use postern_egress::{Blocked, CheckedUrl};
use postern_limits::RateLimiter;
use postern_signatures::{Credentials, DedupRule, Presets, SourceScheme, outgoing::SigningKey};
use postern_store::engine::config::{ConnectionConfig, DestinationConfig, KeyConfig, SourceConfig};

use crate::lanes::{DestinationRuntime, Lanes, TenantRuntime};

#[derive(Debug)]
pub struct SourceEntry {
    pub id: SourceId,
    pub tenant: TenantId,
    pub kind: SourceKind,
    pub(crate) token_hash: Option<[u8; 32]>,
    pub public_url: Option<String>,
    pub allowed_ips: AddressList,
    pub answer: Option<AnswerSpec>,
    pub max_body_bytes: usize,
    pub paused: bool,
    pub(crate) scheme: Option<SourceScheme>,
    pub(crate) dedup: DedupRule,
    pub(crate) window_s: u32,
    pub(crate) limiter: Option<RateLimiter>,
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
    pub(crate) fn build(row: SourceConfig, share: u32) -> Result<Self, Invalid> {
        let scheme = match row.kind {
            SourceKind::Webhook => {
                let credentials = Credentials { secrets: row.secrets, public_keys: row.public_keys };
                let (provider, scheme) = (row.provider.as_deref(), row.scheme.as_deref());
                Some(SourceScheme::parse(Presets::builtin(), provider, scheme, &row.config, credentials)?)
            }
            SourceKind::Publish => None,
        };
        Ok(Self {
            id: row.id,
            tenant: row.tenant,
            kind: row.kind,
            token_hash: row.token_hash.and_then(|hash| hash.try_into().ok()),
            public_url: row.public_url,
            allowed_ips: AddressList::parse("allowed_ips", &row.allowed_ips)?,
            answer: row.answer,
            max_body_bytes: usize::try_from(row.max_body_bytes).unwrap_or(0),
            paused: row.paused,
            scheme,
            dedup: DedupRule::compile(row.dedup.parse_key()?)?,
            window_s: row.dedup.window_s,
            limiter: row.rate_limit.map(|limit| limiter(limit, share)),
        })
    }
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
