//! Events of a flood: written, and kept until somebody lets them go or throws them away.

use postern_domain::{SourceId, Timestamp};
use serde_json::json;

use crate::{StoreError, TenantTx, read::query::Query};

/// When the deliveries of held events are due: not by themselves.
pub const HELD_UNTIL: Timestamp = Timestamp::MAX;

const DOING: &str = "deciding on held events";

impl TenantTx {
    /// Lets the held events of a source go: their deliveries are due now. Answers how many events; `None` when the
    /// tenant has no such source that polls.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn release_held(&mut self, source: SourceId) -> Result<Option<u64>, StoreError> {
        if self.lock_poll_state(source, DOING).await?.is_none() {
            return Ok(None);
        }
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE queue SET due_at = ").bind(self.at.as_micros());
        query.sql(" WHERE ");
        self.held_deliveries(&mut query, source);
        query.execute(&self.tx, DOING).await?;
        self.forget_held(source, "source.held_released").await.map(Some)
    }

    /// Calls off the deliveries of the held events of a source. Answers how many events; `None` when the tenant has no
    /// such source that polls.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn discard_held(&mut self, source: SourceId) -> Result<Option<u64>, StoreError> {
        if self.lock_poll_state(source, DOING).await?.is_none() {
            return Ok(None);
        }
        let mut query = Query::on(&self.tx);
        query.sql("INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, ");
        query.sql("reason, retries, attempts, body_bytes, finished_at) SELECT delivery_id, tenant_id, event_id, ");
        query
            .sql("source_id, connection_id, destination_id, 'cancelled', 'discarded', retries, attempts, body_bytes, ");
        query.sql("CAST(").bind(self.at.as_micros()).sql(" AS bigint) FROM queue WHERE ");
        self.held_deliveries(&mut query, source);
        query.execute(&self.tx, DOING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM queue WHERE ");
        self.held_deliveries(&mut query, source);
        query.execute(&self.tx, DOING).await?;
        self.forget_held(source, "source.held_discarded").await.map(Some)
    }

    /// Of what somebody hastened by hand meanwhile, nothing is touched.
    fn held_deliveries(&self, query: &mut Query, source: SourceId) {
        query.sql("state = 'pending' AND due_at = ").bind(HELD_UNTIL.as_micros());
        query.sql(" AND event_id IN (SELECT event_id FROM poll_held WHERE source_id = ").bind(source.uuid()).sql(")");
        query.guard("tenant_id", self.scope.tenant_id().uuid());
    }

    async fn forget_held(&mut self, source: SourceId, action: &str) -> Result<u64, StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM poll_held WHERE source_id = ").bind(source.uuid());
        let events = query.execute(&self.tx, DOING).await?;
        let mut query = Query::on(&self.tx);
        query.sql("UPDATE poll_states SET held = 0, health = CASE health WHEN 'held' THEN 'ok' ELSE health END");
        query.sql(" WHERE source_id = ").bind(source.uuid());
        query.execute(&self.tx, DOING).await?;
        self.audit(action.to_owned(), source.to_string(), json!({ "events": events })).await?;
        Ok(events)
    }
}
