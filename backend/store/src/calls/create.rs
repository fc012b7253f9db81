//! A new call, and the request it is to make: sealed, because its URL, headers and body may hold credentials.

use std::{collections::BTreeMap, fmt};

use bytes::Bytes;
use postern_domain::{
    CallId, SourceId, TenantId, Timestamp,
    call::{CallPolicy, CallState},
};
use postern_seal::{Keyring, Place};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::row::{COLUMNS, Call, StoredCall};
use crate::{
    StoreError, TenantTx,
    column::{to_int, to_json},
    read::query::{Found, Query},
};

const DOING: &str = "making a call";
const BODIES: &str = "call_bodies";

/// What is asked of the upstream, with all that is secret in it, so its `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct CallRequest {
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub body: Bytes,
}

/// A call before it is made.
#[derive(Clone, Debug)]
pub struct NewCall {
    pub id: CallId,
    pub source: SourceId,
    pub method: String,
    /// Without what may be secret.
    pub url: String,
    pub request: CallRequest,
    pub not_before: Timestamp,
    pub deadline_at: Timestamp,
    pub policy: CallPolicy,
    pub metadata: Option<Value>,
    pub redrive_of: Option<CallId>,
    /// Its request is deleted then.
    pub request_expires_at: Timestamp,
}

impl fmt::Debug for CallRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

impl TenantTx {
    /// Writes down a new call, due at its time. The caller is on record as who asked for it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn insert_call(&mut self, new: &NewCall) -> Result<Call, StoreError> {
        let now = self.now();
        let not_before = new.not_before.max(now);
        let state = if not_before > now { CallState::Scheduled } else { CallState::Queued };
        let call = Call {
            id: new.id,
            tenant: self.scope.tenant_id(),
            source: new.source,
            state,
            version: 1,
            created_at: now,
            not_before,
            deadline_at: new.deadline_at,
            due_at: Some(not_before),
            started_at: None,
            completed_at: None,
            expires_at: None,
            attempts: 0,
            retries: 0,
            lease: None,
            method: new.method.clone(),
            url: new.url.clone(),
            header_names: new.request.headers.keys().cloned().collect(),
            body_bytes: i32::try_from(new.request.body.len()).unwrap_or(i32::MAX),
            policy: new.policy,
            metadata: new.metadata.clone(),
            response: None,
            error: None,
            event: None,
            redrive_of: new.redrive_of,
        };
        self.insert_call_row(&call).await?;
        let sealed = new.request.seal(self.keyring(), call.tenant, call.id)?;
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO call_bodies (call_id, part, body, expires_at) VALUES (").bind(call.id.uuid());
        query.sql(", 'request', ").bind(sealed).sql(", ").bind(new.request_expires_at.as_micros()).sql(")");
        query.execute(&self.tx, DOING).await?;
        let why =
            new.redrive_of.map_or_else(|| "asked for".to_owned(), |first| format!("asked for again, after {first}"));
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO call_steps (call_id, version, from_state, to_state, at, actor_kind, actor_id, why) ");
        query.sql("VALUES (").bind(call.id.uuid()).sql(", 1, NULL, ").bind(state.as_str()).sql(", ");
        query.bind(now.as_micros()).sql(", ").bind(self.actor.kind.as_str()).sql(", ").bind(self.actor.id.clone());
        query.sql(", ").bind(why).sql(")");
        query.execute(&self.tx, DOING).await?;
        Ok(call)
    }

    /// Whether so many of the tenant's calls wait.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn has_waiting_calls(&mut self, number: u64) -> Result<bool, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("SELECT 1 AS found FROM calls WHERE tenant_id = ").bind(self.scope.tenant_id().uuid());
        query.sql(" AND due_at IS NOT NULL ORDER BY due_at LIMIT 1 OFFSET ");
        query.bind(i64::try_from(number).unwrap_or(i64::MAX).saturating_sub(1).max(0));
        Ok(query.one::<Found>(&self.tx, DOING).await?.is_some())
    }

    /// A call as it is now, with its request; `None` when the tenant has no such call. Of one whose request is past its
    /// retention there is none.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_to_repeat(&mut self, id: CallId) -> Result<Option<(Call, Option<CallRequest>)>, StoreError> {
        let tenant = self.scope.tenant_id();
        let mut query = Query::on(&self.tx);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM calls WHERE id = ").bind(id.uuid());
        query.guard("tenant_id", tenant.uuid());
        let Some(row) = query.one::<StoredCall>(&self.tx, DOING).await? else { return Ok(None) };
        let call = row.read()?;
        let mut query = Query::on(&self.tx);
        query.sql("SELECT body FROM call_bodies WHERE call_id = ").bind(id.uuid()).sql(" AND part = 'request'");
        let sealed: Option<SealedBody> = query.one(&self.tx, DOING).await?;
        let request = sealed.map(|row| CallRequest::open(self.keyring(), (tenant, id), &row.body)).transpose()?;
        Ok(Some((call, request)))
    }

    async fn insert_call_row(&self, call: &Call) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO calls (id, tenant_id, source_id, state, version, created_at, not_before, deadline_at, ");
        query.sql("due_at, attempts, retries, method, url, header_names, body_bytes, policy, metadata, redrive_of) ");
        query.sql("VALUES (").bind(call.id.uuid()).sql(", ").bind(call.tenant.uuid()).sql(", ");
        query.bind(call.source.uuid()).sql(", ").bind(call.state.as_str()).sql(", ").bind(call.version).sql(", ");
        query.bind(call.created_at.as_micros()).sql(", ").bind(call.not_before.as_micros()).sql(", ");
        query.bind(call.deadline_at.as_micros()).sql(", ").bind(call.due_at.map(Timestamp::as_micros)).sql(", ");
        query.bind(call.attempts).sql(", ").bind(to_int(call.retries)).sql(", ").bind(call.method.as_str()).sql(", ");
        query.bind(call.url.as_str()).sql(", ").bind(to_json(&call.header_names)).sql(", ");
        query.bind(call.body_bytes).sql(", ").bind(to_json(&call.policy)).sql(", ");
        query.bind(call.metadata.as_ref().map(Value::to_string)).sql(", ");
        query.bind(call.redrive_of.map(CallId::uuid)).sql(")");
        query.execute(&self.tx, DOING).await.map(|_| ())
    }
}

#[derive(sea_orm::FromQueryResult)]
struct SealedBody {
    body: Vec<u8>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    url: String,
    headers: BTreeMap<String, String>,
}

impl CallRequest {
    /// The length of its head, its head, its body.
    fn seal(&self, keyring: &Keyring, tenant: TenantId, id: CallId) -> Result<Vec<u8>, StoreError> {
        let head = to_json(&Head { url: self.url.clone(), headers: self.headers.clone() });
        let head_bytes = u32::try_from(head.len()).map_err(|cause| StoreError::inconsistent(BODIES, cause))?;
        let plain = [&head_bytes.to_be_bytes(), head.as_bytes(), &self.body].concat();
        keyring.seal(&place(tenant, id.uuid()), &plain).map_err(|cause| StoreError::inconsistent(BODIES, cause))
    }

    pub(super) fn open(keyring: &Keyring, (tenant, id): (TenantId, CallId), sealed: &[u8]) -> Result<Self, StoreError> {
        let plain = keyring.open(&place(tenant, id.uuid()), sealed);
        let plain = plain.map_err(|cause| StoreError::inconsistent(BODIES, cause))?;
        let malformed = || StoreError::inconsistent(BODIES, "a request that is malformed");
        let (head_bytes, rest) = plain.expose().split_first_chunk::<4>().ok_or_else(malformed)?;
        let head_bytes = usize::try_from(u32::from_be_bytes(*head_bytes)).map_err(|_| malformed())?;
        let (head, body) = rest.split_at_checked(head_bytes).ok_or_else(malformed)?;
        let Head { url, headers } = serde_json::from_slice(head).map_err(|_| malformed())?;
        Ok(Self { url, headers, body: Bytes::copy_from_slice(body) })
    }
}

fn place(tenant: TenantId, row: Uuid) -> Place<'static> {
    Place { table: BODIES, column: "request", tenant, row }
}
