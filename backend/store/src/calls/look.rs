//! What the engine looks for: calls whose holder is gone, whose deadline passed, that were called off.

use postern_domain::{CallId, TenantId, Timestamp};
use uuid::Uuid;

use super::{
    create::CallRequest,
    row::{COLUMNS, Call, StoredCall, readable},
};
use crate::{
    Store, StoreError,
    engine::Lost,
    open::Backend,
    polling::writing::{Bind, look},
};

const LOST: &str = "looking for calls whose holder is gone";
const OVERDUE: &str = "looking for calls past their deadline";

impl Store {
    /// Calls under a lease that is void, behind `after` in the order of their ids; `most` at most.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn lost_calls(&self, lost: Lost, after: Option<CallId>, most: u32) -> Result<Vec<Call>, StoreError> {
        let (which, instance) = lost.terms();
        let clock = match self.backend() {
            Backend::Sqlite => "$5",
            Backend::Postgres => "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 0 * $5",
        };
        let sql = format!(
            "SELECT {COLUMNS} FROM calls WHERE lease_token IS NOT NULL AND id > $4 AND CASE $1 WHEN 'of' \
             THEN leased_by = $2 WHEN 'all_but' THEN leased_by <> $2 ELSE leased_until < {clock} END ORDER BY id LIMIT $3"
        );
        let binds = [
            Bind::Text(which),
            Bind::Uuid(instance),
            Bind::Long(i64::from(most)),
            Bind::Uuid(after.map_or(Uuid::nil(), CallId::uuid)),
            Bind::Long(self.clock().now().as_micros()),
        ];
        Ok(readable(look::<StoredCall>(self, LOST, sql, &binds).await?))
    }

    /// Calls that wait and whose deadline has passed, the longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn overdue_calls(&self, now: Timestamp, most: u32) -> Result<Vec<Call>, StoreError> {
        let sql = format!(
            "SELECT {COLUMNS} FROM calls WHERE due_at IS NOT NULL AND deadline_at <= $1 ORDER BY deadline_at LIMIT $2"
        );
        let binds = [Bind::Long(now.as_micros()), Bind::Long(i64::from(most))];
        Ok(readable(look::<StoredCall>(self, OVERDUE, sql, &binds).await?))
    }

    /// Calls that this instance tries and somebody has called off.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn called_off(&self, instance: Uuid) -> Result<Vec<CallId>, StoreError> {
        let sql = "SELECT id FROM calls WHERE lease_token IS NOT NULL AND leased_by = $1 AND state = 'cancelling'";
        let rows: Vec<(Uuid,)> = look(self, "looking for calls called off", sql, &[Bind::Uuid(instance)]).await?;
        Ok(rows.into_iter().map(|(id,)| CallId::from_uuid(id)).collect())
    }

    /// What a call is to ask; `None` when it is past its retention.
    ///
    /// # Errors
    /// When the database does not answer, or it cannot be opened.
    pub async fn call_request(&self, tenant: TenantId, id: CallId) -> Result<Option<CallRequest>, StoreError> {
        let sql = "SELECT body FROM call_bodies WHERE call_id = $1 AND part = 'request'";
        let rows: Vec<(Vec<u8>,)> = look(self, "reading the request of a call", sql, &[Bind::Uuid(id.uuid())]).await?;
        rows.first().map(|(sealed,)| CallRequest::open(self.keyring(), (tenant, id), sealed)).transpose()
    }

    /// One call as it is now, whoever it belongs to; for the engine.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn call_of(&self, tenant: TenantId, id: CallId) -> Result<Option<Call>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM calls WHERE id = $1 AND tenant_id = $2");
        let binds = [Bind::Uuid(id.uuid()), Bind::Uuid(tenant.uuid())];
        let rows: Vec<StoredCall> = look(self, "reading a call", sql, &binds).await?;
        rows.into_iter().next().map(StoredCall::read).transpose()
    }
}
