//! A call as it is kept.

use postern_domain::{
    AttemptId, CallId, EventId, SourceId, TenantId, Timestamp,
    call::{CallError, CallPolicy, CallState},
};
use sea_orm::{FromQueryResult, sqlx};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{StoreError, column::from_json};

pub(super) const TABLE: &str = "calls";

/// What is known of a call, but for what was sent and what came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub id: CallId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub state: CallState,
    /// Counts its steps.
    pub version: i32,
    pub created_at: Timestamp,
    pub not_before: Timestamp,
    pub deadline_at: Timestamp,
    /// Set while it waits.
    pub due_at: Option<Timestamp>,
    pub started_at: Option<Timestamp>,
    pub completed_at: Option<Timestamp>,
    /// When its result is deleted.
    pub expires_at: Option<Timestamp>,
    /// Tries that have ended.
    pub attempts: i32,
    /// Those among them that count against the most.
    pub retries: u32,
    pub lease: Option<CallLease>,
    pub method: String,
    /// Without what may be secret.
    pub url: String,
    pub header_names: Vec<String>,
    pub body_bytes: i32,
    pub policy: CallPolicy,
    pub metadata: Option<Value>,
    pub response: Option<CallResponse>,
    pub error: Option<CallError>,
    pub event: Option<EventId>,
    pub redrive_of: Option<CallId>,
}

/// The right to try it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallLease {
    /// Also the id of the attempt.
    pub token: AttemptId,
    pub by: Uuid,
    pub at: Timestamp,
}

/// The head of the answer that was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallResponse {
    pub status: u16,
    /// An object, what carries a secret by name only.
    pub headers: Value,
    pub content_type: Option<String>,
    /// As many as are kept.
    pub body_bytes: u64,
    /// There was more.
    pub truncated: bool,
}

pub(super) const COLUMNS: &str = "id, tenant_id, source_id, state, version, created_at, not_before, deadline_at, due_at, \
    started_at, completed_at, expires_at, attempts, retries, lease_token, leased_by, leased_at, method, url, \
    header_names, body_bytes, policy, metadata, response, error, event_id, redrive_of";

macro_rules! stored {
    ($($field:ident: $type:ty),+) => {
        #[derive(FromQueryResult)]
        pub(super) struct StoredCall { $($field: $type),+ }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for StoredCall
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
                Ok(Self { $($field: row.try_get(stringify!($field))?),+ })
            }
        }
    };
}

stored! {
    id: Uuid, tenant_id: Uuid, source_id: Uuid, state: String, version: i32, created_at: i64, not_before: i64,
    deadline_at: i64, due_at: Option<i64>, started_at: Option<i64>, completed_at: Option<i64>, expires_at: Option<i64>,
    attempts: i32, retries: i32, lease_token: Option<Uuid>, leased_by: Option<Uuid>, leased_at: Option<i64>,
    method: String, url: String, header_names: String, body_bytes: i32, policy: String, metadata: Option<String>,
    response: Option<String>, error: Option<String>, event_id: Option<Uuid>, redrive_of: Option<Uuid>
}

impl StoredCall {
    pub(super) fn read(self) -> Result<Call, StoreError> {
        let at = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let state = CallState::parse(&self.state).ok_or_else(|| StoreError::inconsistent(TABLE, "unknown state"))?;
        let lease = self.lease_token.zip(self.leased_by).zip(self.leased_at);
        Ok(Call {
            id: CallId::from_uuid(self.id),
            tenant: TenantId::from_uuid(self.tenant_id),
            source: SourceId::from_uuid(self.source_id),
            state,
            version: self.version,
            created_at: Timestamp::from_micros(self.created_at),
            not_before: Timestamp::from_micros(self.not_before),
            deadline_at: Timestamp::from_micros(self.deadline_at),
            due_at: at(self.due_at),
            started_at: at(self.started_at),
            completed_at: at(self.completed_at),
            expires_at: at(self.expires_at),
            attempts: self.attempts,
            retries: u32::try_from(self.retries).unwrap_or(0),
            lease: lease.map(|((token, by), leased_at)| CallLease {
                token: AttemptId::from_uuid(token),
                by,
                at: Timestamp::from_micros(leased_at),
            }),
            method: self.method,
            url: self.url,
            header_names: from_json(TABLE, &self.header_names)?,
            body_bytes: self.body_bytes,
            policy: from_json(TABLE, &self.policy)?,
            metadata: self.metadata.as_deref().map(|text| from_json(TABLE, text)).transpose()?,
            response: self.response.as_deref().map(|text| from_json(TABLE, text)).transpose()?,
            error: self.error.as_deref().map(|text| from_json(TABLE, text)).transpose()?,
            event: self.event_id.map(EventId::from_uuid),
            redrive_of: self.redrive_of.map(CallId::from_uuid),
        })
    }
}

/// One tenant's broken row must not stop the others.
pub(super) fn readable(rows: Vec<StoredCall>) -> Vec<Call> {
    let read = |row: StoredCall| {
        let id = CallId::from_uuid(row.id);
        row.read()
            .inspect_err(|cause| tracing::error!(call.id = %id, %cause, "Call `{id}` cannot be read, it is left alone"))
            .ok()
    };
    rows.into_iter().filter_map(read).collect()
}
