//! What a tenant may read of its calls.

use postern_domain::{
    Actor, AttemptId, CallId, SourceId, Timestamp,
    actor::ActorKind,
    attempt::{ResultKind, Timings},
    call::CallState,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    row::{COLUMNS, Call, StoredCall, TABLE},
    step::CallStep,
};
use crate::{
    StoreError, TenantStore,
    column::from_json,
    read::{ListError, Slice, Window, query::Query},
};

const READING: &str = "reading calls";
/// Of one call. There are no more than the retries and what we interrupted.
const ATTEMPTS: i64 = 1_000;

/// What to look for; everything given must fit.
#[derive(Clone, Copy, Debug, Default)]
pub struct CallFilter {
    pub state: Option<CallState>,
    pub source: Option<SourceId>,
}

/// A try that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallAttempt {
    pub id: AttemptId,
    pub number: i32,
    pub started_at: Timestamp,
    pub ended_at: Timestamp,
    pub kind: ResultKind,
    pub status: Option<u16>,
    pub unknown: bool,
    pub timings: Timings,
    pub response_bytes: i64,
    pub detail: Option<String>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallResult {
    pub status: u16,
    pub content_type: Option<String>,
    /// `None`: its time is over.
    pub body: Option<Vec<u8>>,
}

impl TenantStore {
    /// One call; `None` when the tenant has no such call.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_call(&self, id: CallId) -> Result<Option<Call>, StoreError> {
        self.store.call_of(self.scope.tenant_id(), id).await
    }

    /// The tries of a call, first to last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_attempts(&self, id: CallId) -> Result<Vec<CallAttempt>, StoreError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT id, number, started_at, ended_at, kind, status, unknown, timings, response_bytes, detail ");
        query.sql("FROM call_attempts WHERE call_id = ").bind(id.uuid());
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        query.sql(" ORDER BY id LIMIT ").bind(ATTEMPTS);
        let rows: Vec<StoredAttempt> = query.all(&db, READING).await?;
        rows.into_iter().map(StoredAttempt::read).collect()
    }

    /// The steps of a call, first to last.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_steps(&self, id: CallId) -> Result<Vec<CallStep>, StoreError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT version, from_state, to_state, at, actor_kind, actor_id, why FROM call_steps ");
        query.sql("WHERE call_id = (SELECT id FROM calls WHERE id = ").bind(id.uuid());
        query.guard("tenant_id", self.scope.tenant_id().uuid());
        query.sql(") ORDER BY version LIMIT ").bind(ATTEMPTS * 4);
        let rows: Vec<StoredStep> = query.all(&db, READING).await?;
        rows.into_iter().map(StoredStep::read).collect()
    }

    /// Calls, newest first. With a source and a state the part may hold fewer than asked for, and yet go on.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn list_calls(&self, filter: CallFilter, window: &Window) -> Result<Slice<Call>, ListError> {
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM calls WHERE ");
        let tenant = self.scope.tenant_id().uuid();
        match (filter.source, filter.state) {
            (Some(source), _) => {
                self.check_source(&db, source).await?;
                query.sql("source_id = ").bind(source.uuid()).guard("tenant_id", tenant);
            }
            (None, Some(state)) => {
                query.sql("tenant_id = ").bind(tenant).sql(" AND state = ").bind(state.as_str());
            }
            (None, None) => {
                query.sql("tenant_id = ").bind(tenant);
            }
        }
        within(&mut query, window);
        let mut rows = read_all(&db, query).await?;
        let goes_on = rows.len() > window.limit();
        rows.truncate(window.limit());
        let next = rows.last().filter(|_| goes_on).map(|call| call.id.uuid());
        rows.retain(|call| filter.state.is_none_or(|state| call.state == state));
        Ok(Slice { rows, next })
    }

    /// What came back for a call; `None` when the tenant has no such call, or there is no answer.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_result(&self, id: CallId) -> Result<Option<CallResult>, StoreError> {
        let Some(call) = self.find_call(id).await? else { return Ok(None) };
        let Some(response) = call.response else { return Ok(None) };
        let db = self.store.reader();
        let mut query = Query::on(&db);
        query.sql("SELECT body FROM call_bodies WHERE part = 'result' AND call_id = ").bind(id.uuid());
        query.sql(" AND expires_at > ").bind(self.store.clock().now().as_micros());
        let row: Option<StoredBody> = query.one(&db, READING).await?;
        let body = row.map(|row| row.body);
        Ok(Some(CallResult { status: response.status, content_type: response.content_type, body }))
    }
}

/// A little more than the window's limit, so that it is known whether the list goes on.
fn within(query: &mut Query, window: &Window) {
    if let Some(lowest) = window.lowest() {
        query.sql(" AND id >= ").bind(lowest);
    }
    if let Some(below) = window.below() {
        query.sql(" AND id < ").bind(below);
    }
    query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(window.limit()).unwrap_or(i64::MAX) + 1);
}

async fn read_all(db: &impl ConnectionTrait, query: Query) -> Result<Vec<Call>, StoreError> {
    let rows: Vec<StoredCall> = query.all(db, READING).await?;
    rows.into_iter().map(StoredCall::read).collect()
}

#[derive(FromQueryResult)]
struct StoredBody {
    body: Vec<u8>,
}

#[derive(FromQueryResult)]
struct StoredAttempt {
    id: Uuid,
    number: i32,
    started_at: i64,
    ended_at: i64,
    kind: String,
    status: Option<i32>,
    unknown: bool,
    timings: String,
    response_bytes: i64,
    detail: Option<String>,
}

impl StoredAttempt {
    fn read(self) -> Result<CallAttempt, StoreError> {
        let kind = ResultKind::parse(&self.kind);
        Ok(CallAttempt {
            id: AttemptId::from_uuid(self.id),
            number: self.number,
            started_at: Timestamp::from_micros(self.started_at),
            ended_at: Timestamp::from_micros(self.ended_at),
            kind: kind.ok_or_else(|| StoreError::inconsistent("call_attempts", "unknown kind"))?,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            unknown: self.unknown,
            timings: from_json("call_attempts", &self.timings)?,
            response_bytes: self.response_bytes,
            detail: self.detail,
        })
    }
}

#[derive(FromQueryResult)]
struct StoredStep {
    version: i32,
    from_state: Option<String>,
    to_state: String,
    at: i64,
    actor_kind: String,
    actor_id: String,
    why: String,
}

impl StoredStep {
    fn read(self) -> Result<CallStep, StoreError> {
        let unknown = |what: &str| StoreError::inconsistent(TABLE, format!("a step with an unknown {what}"));
        let state = |text: &str| CallState::parse(text).ok_or_else(|| unknown("state"));
        let kind = ActorKind::parse(&self.actor_kind).ok_or_else(|| unknown("actor"))?;
        Ok(CallStep {
            version: self.version,
            from: self.from_state.as_deref().map(state).transpose()?,
            to: state(&self.to_state)?,
            at: Timestamp::from_micros(self.at),
            actor: Actor { kind, id: self.actor_id, remote: None },
            why: self.why,
        })
    }
}
