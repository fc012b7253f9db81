//! What follows on a try, or on a deadline, or on somebody's wish: one transaction with the attempt, the step and, at the
//! end of a call, its result, its event and all deliveries of that.

use bytes::Bytes;
use postern_domain::{
    AttemptId, CallId, EventId, TenantId, Timestamp,
    attempt::{ResultKind, Timings},
    call::CallError,
};
use uuid::Uuid;

use super::{
    row::{COLUMNS, Call, CallResponse, StoredCall},
    step::{self, CallStep},
};
use crate::{
    Store, StoreError,
    column::to_json,
    engine::{AcceptBatch, Accepted},
    polling::{
        given::without_nul,
        page::commit_within,
        writing::{Bind, Writing},
    },
};

const DOING: &str = "settling a call";

/// As whom the call must still be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallFence {
    pub version: i32,
    /// `None`: nobody tries it.
    pub token: Option<AttemptId>,
}

/// A try that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAttemptRow {
    /// Also the lease token.
    pub id: AttemptId,
    pub number: i32,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub kind: ResultKind,
    pub status: Option<u16>,
    /// It is not known whether the request was carried out.
    pub unknown: bool,
    pub timings: Timings,
    pub response_bytes: i64,
    pub detail: Option<String>,
}

/// The end of a call.
#[derive(Clone, Debug)]
pub struct CallEnd {
    pub completed_at: Timestamp,
    /// When its result is deleted.
    pub expires_at: Timestamp,
    pub response: Option<CallResponse>,
    /// Kept where there is a response.
    pub result: Bytes,
    pub error: Option<CallError>,
    /// Among those of [`CallSettle::accept`], and its only one.
    pub event: EventId,
}

/// One step of a call, to be written.
#[derive(Clone, Debug)]
pub struct CallSettle<'a> {
    pub id: CallId,
    pub tenant: TenantId,
    pub fence: CallFence,
    pub step: &'a CallStep,
    pub attempt: Option<&'a CallAttemptRow>,
    /// When it waits.
    pub due_at: Option<Timestamp>,
    pub attempts: i32,
    pub retries: u32,
    pub end: Option<&'a CallEnd>,
    /// The event of the end with its deliveries.
    pub accept: Option<&'a AcceptBatch>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub enum CallSettled {
    Written,
    /// Somebody else has gone on with it: nothing was written.
    LostLease,
    /// The lease holds, but somebody called the call off meanwhile: nothing was written; decide again.
    Moved(Box<Call>),
    /// The configuration has changed: nothing was written; read it again, route again.
    StaleConfig,
}

impl Store {
    /// Writes the step with all that belongs to it, or nothing; on disk when this returns. The same again, because the
    /// answer was lost, changes nothing and succeeds.
    ///
    /// # Errors
    /// When the database does not answer, or refuses a row (then none is written).
    pub async fn settle_call(&self, settle: &CallSettle<'_>) -> Result<CallSettled, StoreError> {
        let mut tx = Writing::begin(self, DOING).await?;
        if !advance(&mut tx, settle).await? {
            return instead(&mut tx, settle).await;
        }
        if let Some(batch) = settle.accept {
            match commit_within(self, &mut tx, batch).await? {
                Accepted::StaleConfig => return Ok(CallSettled::StaleConfig),
                Accepted::Written(written) => {
                    if let Some((_, first)) = written.duplicates.first() {
                        // A call ends once, so its key is its own; should it not be, the event there is stays the one.
                        let sql = "UPDATE calls SET event_id = $2 WHERE id = $1";
                        tx.execute(DOING, sql, &[Bind::Uuid(settle.id.uuid()), Bind::Uuid(first.id.uuid())]).await?;
                    }
                }
            }
        }
        if let Some(attempt) = settle.attempt {
            write_attempt(&mut tx, settle, attempt).await?;
        }
        if let Some(end) = settle.end {
            write_result(&mut tx, settle.id, end).await?;
        }
        step::write(&mut tx, DOING, &[(settle.id, settle.step)]).await?;
        tx.commit(self, DOING).await?;
        Ok(CallSettled::Written)
    }

    /// Says of a call that somebody tries that it is to be called off. False when it has moved on.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_off(&self, id: CallId, version: i32, step: &CallStep) -> Result<bool, StoreError> {
        let doing = "calling a call off";
        let mut tx = Writing::begin(self, doing).await?;
        let sql = "UPDATE calls SET state = 'cancelling', version = $3 \
                   WHERE id = $1 AND version = $2 AND state = 'running'";
        let binds = [Bind::Uuid(id.uuid()), Bind::Long(i64::from(version)), Bind::Long(i64::from(step.version))];
        if tx.execute(doing, sql, &binds).await? == 0 {
            return Ok(false);
        }
        step::write(&mut tx, doing, &[(id, step)]).await?;
        tx.commit(self, doing).await?;
        Ok(true)
    }
}

/// Goes first, so that who comes late waits for nothing and writes nothing.
async fn advance(tx: &mut Writing, settle: &CallSettle<'_>) -> Result<bool, StoreError> {
    let sql = "UPDATE calls SET state = $5, version = $6, due_at = $7, attempts = $8, retries = $9, completed_at = $10, \
               expires_at = $11, response = $12, error = $13, event_id = $14, lease_token = NULL, leased_by = NULL, \
               leased_at = NULL, leased_until = NULL \
               WHERE id = $1 AND tenant_id = $2 AND version = $3 AND lease_token IS NOT DISTINCT FROM $4";
    let end = settle.end;
    let response = end.and_then(|end| end.response.as_ref()).map(to_json);
    let error = end.and_then(|end| end.error.as_ref()).map(to_json);
    let micros = |at: Option<Timestamp>| Bind::MaybeLong(at.map(Timestamp::as_micros));
    let binds = [
        Bind::Uuid(settle.id.uuid()),
        Bind::Uuid(settle.tenant.uuid()),
        Bind::Long(i64::from(settle.fence.version)),
        Bind::MaybeUuid(settle.fence.token.map(AttemptId::uuid)),
        Bind::Text(settle.step.to.as_str()),
        Bind::Long(i64::from(settle.step.version)),
        micros(settle.due_at),
        Bind::Long(i64::from(settle.attempts)),
        Bind::Long(i64::from(settle.retries)),
        micros(end.map(|end| end.completed_at)),
        micros(end.map(|end| end.expires_at)),
        Bind::MaybeText(response.as_deref()),
        Bind::MaybeText(error.as_deref()),
        Bind::MaybeUuid(end.map(|end| end.event.uuid())),
    ];
    Ok(tx.execute(DOING, sql, &binds).await? == 1)
}

/// Why there was nothing to advance.
async fn instead(tx: &mut Writing, settle: &CallSettle<'_>) -> Result<CallSettled, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM calls WHERE id = $1 AND tenant_id = $2");
    let found: Vec<StoredCall> =
        tx.fetch(DOING, sql, &[Bind::Uuid(settle.id.uuid()), Bind::Uuid(settle.tenant.uuid())]).await?;
    let Some(call) = found.into_iter().next().map(StoredCall::read).transpose()? else {
        return Ok(CallSettled::LostLease);
    };
    if is_this(&call, settle) {
        return Ok(CallSettled::Written);
    }
    let holds = settle.fence.token.is_some() && call.lease.map(|lease| lease.token) == settle.fence.token;
    Ok(if holds { CallSettled::Moved(Box::new(call)) } else { CallSettled::LostLease })
}

/// This very step was written before: an event is made for one end only, and nobody else waits until the same microsecond.
fn is_this(call: &Call, settle: &CallSettle<'_>) -> bool {
    let same_end = match settle.end {
        Some(end) => call.event == Some(end.event),
        None => call.event.is_none() && call.due_at == settle.due_at && call.attempts == settle.attempts,
    };
    same_end && call.version == settle.step.version && call.state == settle.step.to
}

async fn write_attempt(tx: &mut Writing, settle: &CallSettle<'_>, attempt: &CallAttemptRow) -> Result<(), StoreError> {
    let unknown = if attempt.unknown { "true" } else { "false" };
    let sql = format!(
        "INSERT INTO call_attempts (id, tenant_id, call_id, number, started_at, ended_at, kind, status, unknown, timings, \
         response_bytes, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, {unknown}, $9, $10, $11)"
    );
    let timings = to_json(&attempt.timings);
    let detail = attempt.detail.as_deref().map(without_nul);
    let binds = [
        Bind::Uuid(attempt.id.uuid()),
        Bind::Uuid(settle.tenant.uuid()),
        Bind::Uuid(settle.id.uuid()),
        Bind::Long(i64::from(attempt.number)),
        Bind::Long(attempt.started_at.as_micros()),
        Bind::Long(attempt.ended_at.as_micros()),
        Bind::Text(attempt.kind.as_str()),
        Bind::MaybeLong(attempt.status.map(i64::from)),
        Bind::Text(&timings),
        Bind::Long(attempt.response_bytes),
        Bind::MaybeText(detail.as_deref()),
    ];
    tx.execute(DOING, sql, &binds).await.map(|_| ())
}

async fn write_result(tx: &mut Writing, id: CallId, end: &CallEnd) -> Result<(), StoreError> {
    if end.response.is_none() {
        return Ok(());
    }
    let id: Uuid = id.uuid();
    let sql = "INSERT INTO call_bodies (call_id, part, body, expires_at) VALUES ($1, 'result', $2, $3)";
    let binds = [Bind::Uuid(id), Bind::Bytes(&end.result), Bind::Long(end.expires_at.as_micros())];
    tx.execute(DOING, sql, &binds).await.map(|_| ())
}
