//! Whether a source would take a request, and if not, at which step it would stop. Nothing is stored, nothing counted.
//!
//! The steps are those of the front door, by the same rules in the same order: [`door`](crate::door), then the scheme,
//! then the dedup key. All of them are walked, so that somebody with two faults learns of both.

use bytes::Bytes;
use http::HeaderMap;
use postern_domain::{SourceId, TenantScope, Timestamp, event_type};
use postern_signatures::{Greeting, Heard, RawRequest, RefusalCause, Verified};
use postern_store::StoreError;

use crate::{
    SourceEntry,
    accept::AcceptError,
    door::{Bar, Head},
    engine::Engine,
    handshake::{AWAITED, Handover},
    listen,
};

/// A request as somebody wrote it down.
#[derive(Debug)]
pub struct Trial {
    pub method: String,
    /// As the provider was told it, with its query.
    pub url: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// When it came, if not now.
    pub received_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub ok: bool,
    /// What was found, or what was expected; never a secret and never the signature that would have matched.
    pub detail: String,
}

/// What the front door would do.
#[derive(Debug)]
pub struct Checked {
    pub steps: Vec<Step>,
    pub outcome: Outcome,
}

#[derive(Debug)]
pub enum Outcome {
    Event {
        id: Option<String>,
        event_type: Option<String>,
    },
    /// Answered, and no event.
    Greeting(Greeting),
    /// The same: somebody looks whether somebody is there.
    Presence,
    Barred(Bar),
    Refused(AcceptError),
}

impl Checked {
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        self.steps.iter().all(|step| step.ok)
    }
}

#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    #[error("there is no such source")]
    NotFound,
    #[error("a source that only publishes has no front door")]
    NoFrontDoor,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The source under this id of this tenant.
///
/// # Errors
/// When there is none, or it takes no requests.
pub async fn source(
    engine: &Engine,
    scope: TenantScope,
    id: SourceId,
) -> Result<std::sync::Arc<SourceEntry>, CheckError> {
    let found = engine.routing.source(id).await?.filter(|source| source.tenant == scope.tenant_id());
    let source = found.ok_or(CheckError::NotFound)?;
    if source.scheme.is_some() { Ok(source) } else { Err(CheckError::NoFrontDoor) }
}

/// Walks over the steps. Fetches a key from the provider when one is needed, as the front door would.
///
/// # Errors
/// When the source takes no requests.
pub async fn check(engine: &Engine, source: &SourceEntry, trial: &Trial) -> Result<Checked, CheckError> {
    let now = trial.received_at.unwrap_or_else(|| engine.clock.now());
    let body_bytes = u64::try_from(trial.body.len()).ok();
    let head = Head { method: &trial.method, headers: &trial.headers, remote: None, body_bytes };
    let mut steps: Vec<Step> = Bar::ALL.into_iter().map(|bar| of_bar(bar, source, &head)).collect();
    let (heard_steps, outcome) = listened(engine, source, trial, now).await?;
    steps.extend(heard_steps);
    let outcome = Bar::first(source, &head).map_or(outcome, Outcome::Barred);
    Ok(Checked { steps, outcome })
}

fn of_bar(bar: Bar, source: &SourceEntry, head: &Head<'_>) -> Step {
    let ok = bar.admits(source, head);
    let detail = match bar {
        _ if !ok => format!("expected {}", bar.expected(source)),
        Bar::Paused => "the source takes requests".to_owned(),
        Bar::Address if source.allowed_ips.is_empty() => "any address may send".to_owned(),
        Bar::Address => format!("not checked here: the front door wants {}", bar.expected(source)),
        Bar::Method => format!("{} may come", head.method),
        Bar::Encoding => "the body is not encoded".to_owned(),
        Bar::ContentType if source.intake.content_types.is_empty() => "any content type may come".to_owned(),
        Bar::ContentType => "the content type is one of those listed".to_owned(),
        Bar::Size => {
            format!("{} of at most {} bytes", head.body_bytes.unwrap_or_default(), source.max_body_bytes)
        }
        Bar::HeaderToken if source.header_token.is_none() => "the source wants no header token".to_owned(),
        Bar::HeaderToken => "the header token fits".to_owned(),
    };
    Step { name: bar.step(), ok, detail }
}

/// What the scheme says, and what follows from it.
async fn listened(
    engine: &Engine,
    source: &SourceEntry,
    trial: &Trial,
    now: Timestamp,
) -> Result<(Vec<Step>, Outcome), CheckError> {
    let scheme = source.scheme.as_ref().ok_or(CheckError::NoFrontDoor)?;
    let request = RawRequest { method: &trial.method, url: &trial.url, headers: &trial.headers, body: &trial.body };
    let (examined, no_key) = listen::examine(engine, (source, scheme), &request, now).await;
    let mut steps: Vec<Step> =
        examined.steps.into_iter().map(|step| Step { name: step.name, ok: step.ok, detail: step.detail }).collect();
    let is_heard = matches!(examined.outcome, Ok(Heard::Event(_)));
    let brings_events = source.intake.takes_method(&trial.method) || (is_heard && source.takes_event_by(&trial.method));
    let outcome = match examined.outcome {
        Ok(Heard::Greeting(greeting)) => {
            let handover = greeting.learned.as_ref().map(|secret| Handover::of(source, secret, engine.clock.now()));
            steps.extend(handover.map(of_handover));
            if handover == Some(Handover::NotAwaited) {
                Outcome::Refused(AcceptError::NotAwaited)
            } else {
                Outcome::Greeting(greeting)
            }
        }
        // By such a method nothing is proved and nothing taken in, so a signature that fails is no fault.
        _ if !brings_events && trial.method != "GET" => {
            return Ok((
                vec![no_event("answered, as somebody who looks whether somebody is there")],
                Outcome::Presence,
            ));
        }
        Err(refusal) if brings_events || refusal.cause != RefusalCause::MissingHeader => {
            Outcome::Refused(AcceptError::Refused(refusal))
        }
        _ if !brings_events => {
            steps = vec![Step { name: Bar::Method.step(), ok: false, detail: Bar::Method.expected(source) }];
            Outcome::Refused(AcceptError::Method)
        }
        Err(refusal) => Outcome::Refused(AcceptError::Refused(refusal)),
        Ok(Heard::NeedsKey(_)) => {
            let cause = no_key.unwrap_or(crate::NoKey::Unknown);
            steps.push(Step { name: "key", ok: false, detail: format!("expected {}", cause.expected()) });
            Outcome::Refused(AcceptError::NoKey(cause))
        }
        Ok(Heard::Event(verified)) => {
            steps.push(dedup(source, &request, &verified));
            let event_type = verified.event_type.as_deref().map(event_type::clean).filter(|text| !text.is_empty());
            Outcome::Event { id: verified.event_id, event_type }
        }
    };
    Ok((steps, outcome))
}

fn no_event(detail: &str) -> Step {
    Step { name: "handshake", ok: true, detail: detail.to_owned() }
}

fn of_handover(handover: Handover) -> Step {
    let (ok, detail) = match handover {
        Handover::Known => (true, "the source has this secret already".to_owned()),
        Handover::Awaited => (true, "the secret would become that of the source; here it was not stored".to_owned()),
        Handover::NotAwaited => (false, format!("expected {AWAITED}")),
    };
    Step { name: "handshake", ok, detail }
}

fn dedup(source: &SourceEntry, request: &RawRequest<'_>, verified: &Verified) -> Step {
    let key = source.dedup.key(request, verified);
    let detail = match &key {
        None => "no dedup key: every request is a new event".to_owned(),
        Some(key) => {
            let shown: String = key.chars().take(255).collect();
            let guarded = if source.guards_replay(verified, Some(key)) {
                "; it is not part of what is signed, so the body is remembered beside it"
            } else {
                ""
            };
            format!("`{shown}`; the same again within {} s is a duplicate{guarded}", source.window_s)
        }
    };
    Step { name: "dedup", ok: true, detail }
}
