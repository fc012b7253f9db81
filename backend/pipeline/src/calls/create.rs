//! Takes a call in: checked, written down, and due. From here on it is known and has its status URL.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use postern_domain::{
    CallId, Invalid, SourceId, TenantId, Timestamp,
    call::{
        CallPolicy, CallRetry, DEFAULT_DEADLINE_S, IDEMPOTENT, MAX_DELAY_S, MAX_METADATA_BYTES, body_bytes,
        check_headers, check_method, shown_url, within,
    },
    source::SourceKind,
};
use postern_store::{
    TenantTx,
    calls::{Call, CallRequest, NewCall},
};
use serde_json::Value;

use super::CallRefusal;
use crate::{
    Engine, SourceEntry,
    configure::{self, By, Done},
};

/// Of one tenant, those that wait.
const MOST_WAITING: u64 = 10_000;
/// The request of a call is kept for as long as a payload after its latest end.
const DAY_S: i64 = 86_400;

/// What a tenant's program asks for. What is left out is as usual.
#[derive(Clone, Debug, Default)]
pub struct CallWish {
    pub method: String,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    /// A JSON value as it was written.
    pub body: Option<String>,
    pub source: Option<SourceId>,
    pub delay_s: Option<u32>,
    pub not_before: Option<Timestamp>,
    pub deadline_s: Option<u32>,
    pub timeout_s: Option<u32>,
    pub retry: RetryWish,
    pub result_ttl_s: Option<u32>,
    pub metadata: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct RetryWish {
    pub max: Option<u32>,
    pub base_s: Option<u32>,
    pub cap_s: Option<u32>,
    pub on_unknown: Option<bool>,
}

/// Writes the call down. `answer` is what is remembered of it under an Idempotency-Key.
///
/// # Errors
/// Says why not; nothing was written then.
pub async fn create(
    engine: &Engine,
    by: &By,
    wish: CallWish,
    answer: impl FnOnce(&Call) -> (u16, String),
) -> Result<Done<Call>, CallRefusal> {
    let tenant = by.scope.tenant_id();
    let source = source_of(engine, tenant, wish.source).await?;
    let new = checked(engine, &wish, source.id)?;
    once(engine, by, async move |tx: &mut TenantTx| insert(tx, &new).await, answer).await
}

/// Makes a change that carries an Idempotency-Key, or finds that it was made; then looks for what is due.
pub(super) async fn once(
    engine: &Engine,
    by: &By,
    change: impl AsyncFnOnce(&mut TenantTx) -> Result<Call, CallRefusal>,
    answer: impl FnOnce(&Call) -> (u16, String),
) -> Result<Done<Call>, CallRefusal> {
    let done = configure::once(engine, by, change, answer).await?;
    if matches!(done, Done::Now(_)) {
        engine.calls.wake.notify_one();
    }
    Ok(done)
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewCall) -> Result<Call, CallRefusal> {
    if tx.has_waiting_calls(MOST_WAITING).await? {
        return Err(CallRefusal::TooMany(MOST_WAITING));
    }
    Ok(tx.insert_call(new).await?)
}

/// The source whose event the end of the call is: of kind `publish`, as the tenant's own programs are.
pub(super) async fn source_of(
    engine: &Engine,
    tenant: TenantId,
    named: Option<SourceId>,
) -> Result<Arc<SourceEntry>, CallRefusal> {
    let source = match named {
        Some(id) => engine.routing.source(id).await?,
        None => engine.routing.publish_source(tenant),
    };
    let source = source
        .filter(|source| source.tenant == tenant && source.kind == SourceKind::Publish)
        .ok_or(CallRefusal::NoSource)?;
    if source.paused { Err(CallRefusal::Paused) } else { Ok(source) }
}

fn checked(engine: &Engine, wish: &CallWish, source: SourceId) -> Result<NewCall, Invalid> {
    let now = engine.clock.now();
    let method = check_method(&wish.method)?;
    let url = engine.egress.check_url(&wish.url);
    let url = url.map_err(|blocked| Invalid::new("request.url", blocked.to_string()))?.as_str().to_owned();
    let mut headers = check_headers(&wish.headers)?;
    let body = body_bytes(method, wish.body.as_deref(), headers.get("content-type").map(String::as_str))?;
    if !body.is_empty() {
        headers.entry("content-type".to_owned()).or_insert_with(|| "application/json".to_owned());
    }
    let policy = policy(wish, IDEMPOTENT.contains(&method) || headers.contains_key("idempotency-key"))?;
    let not_before = not_before(wish, now)?;
    let deadline_s = wish.deadline_s.unwrap_or(DEFAULT_DEADLINE_S);
    within("deadline_s", deadline_s, 1..=31_536_000)?;
    let deadline_at = not_before.plus_secs(i64::from(deadline_s));
    check_metadata(wish.metadata.as_ref())?;
    Ok(NewCall {
        id: CallId::fresh(),
        source,
        method: method.to_owned(),
        url: shown_url(&url),
        request: CallRequest { url, headers, body: Bytes::from(body) },
        not_before,
        deadline_at,
        policy,
        metadata: wish.metadata.clone(),
        redrive_of: None,
        request_expires_at: kept_until(engine, deadline_at),
    })
}

/// A call ends at its deadline at the latest.
pub(super) fn kept_until(engine: &Engine, deadline_at: Timestamp) -> Timestamp {
    deadline_at.plus_secs(i64::from(engine.options.retention.payload_days) * DAY_S)
}

fn policy(wish: &CallWish, does_no_harm_twice: bool) -> Result<CallPolicy, Invalid> {
    let usual = CallRetry::usual(does_no_harm_twice);
    let policy = CallPolicy {
        timeout_s: wish.timeout_s.unwrap_or(CallPolicy::DEFAULT_TIMEOUT_S),
        retry: CallRetry {
            max: wish.retry.max.unwrap_or(usual.max),
            base_s: wish.retry.base_s.unwrap_or(usual.base_s),
            cap_s: wish.retry.cap_s.unwrap_or(usual.cap_s),
            on_unknown: wish.retry.on_unknown.unwrap_or(usual.on_unknown),
        },
        result_ttl_s: wish.result_ttl_s.unwrap_or(CallPolicy::DEFAULT_RESULT_TTL_S),
    };
    policy.check()?;
    Ok(policy)
}

fn not_before(wish: &CallWish, now: Timestamp) -> Result<Timestamp, Invalid> {
    if let Some(delay_s) = wish.delay_s {
        within("delay_s", delay_s, 0..=MAX_DELAY_S)?;
        if wish.not_before.is_some() {
            return Err(Invalid::new("not_before", "cannot stand beside `delay_s`: say one of them"));
        }
        return Ok(now.plus_secs(i64::from(delay_s)));
    }
    let not_before = wish.not_before.unwrap_or(now).max(now);
    let latest = now.plus_secs(i64::from(MAX_DELAY_S));
    if not_before > latest {
        return Err(Invalid::new("not_before", format!("must not lie after {latest}")));
    }
    Ok(not_before)
}

fn check_metadata(metadata: Option<&Value>) -> Result<(), Invalid> {
    let Some(metadata) = metadata else { return Ok(()) };
    if !metadata.is_object() {
        return Err(Invalid::new("metadata", "must be an object"));
    }
    if metadata.to_string().len() > MAX_METADATA_BYTES {
        return Err(Invalid::new("metadata", format!("may have at most {MAX_METADATA_BYTES} bytes")));
    }
    Ok(())
}
