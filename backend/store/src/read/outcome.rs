//! The outcome of events, from the states of their deliveries.

use std::collections::HashMap;

use postern_domain::{
    delivery::{DeliveryState, EventOutcome},
    id::{first_uuid_at, made_at},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    delivery::{FAN_OUT_S, QUEUE_JOINS, STATE_IN_QUEUE},
    event::{Event, Tally},
    query::Query,
};
use crate::{StoreError, TenantStore};

/// All deliveries of an event that are in one state, the most tries that one of them has had, and the tries of all.
#[derive(FromQueryResult)]
struct StateRow {
    event_id: Uuid,
    state: String,
    tries: i32,
    deliveries: i64,
    all_tries: i64,
}

impl TenantStore {
    /// Fills in the outcome and the tally of each event.
    pub(super) async fn set_outcomes(&self, db: &impl ConnectionTrait, events: &mut [Event]) -> Result<(), StoreError> {
        let ids: Vec<Uuid> = events.iter().map(|event| event.id.uuid()).collect();
        let mut found: HashMap<Uuid, (Vec<(DeliveryState, u32)>, Tally)> = HashMap::new();
        for row in self.read_states(db, &ids).await? {
            let state = DeliveryState::parse(&row.state)
                .ok_or_else(|| StoreError::inconsistent("deliveries", format!("the state `{}`", row.state)))?;
            let (states, tally) = found.entry(row.event_id).or_default();
            states.push((state, u32::try_from(row.tries).unwrap_or(0)));
            let number = |n: i64| u64::try_from(n).unwrap_or(0);
            tally.add(state, (number(row.deliveries), number(row.all_tries)));
        }
        for event in events {
            let (states, tally) = found.remove(&event.id.uuid()).unwrap_or_default();
            event.outcome = EventOutcome::of(&states, event.filtered);
            event.tally = tally;
        }
        Ok(())
    }

    async fn read_states(&self, db: &impl ConnectionTrait, events: &[Uuid]) -> Result<Vec<StateRow>, StoreError> {
        let made = || events.iter().map(|id| made_at(*id));
        let (Some(first), Some(last)) = (made().min(), made().max()) else { return Ok(Vec::new()) };
        let mut query = Query::on(db);
        query.sql("SELECT event_id, state, MAX(attempts) AS tries, COUNT(*) AS deliveries, SUM(attempts) AS all_tries FROM (SELECT q.event_id, ").sql(STATE_IN_QUEUE);
        query.sql(" AS state, q.attempts FROM queue q").by_index("queue_by_event").sql(QUEUE_JOINS);
        query.sql(" WHERE q.event_id IN ").ids(events).guard("q.tenant_id", self.tenant_uuid());
        query.sql(" UNION ALL SELECT event_id, state, attempts FROM deliveries").by_index("deliveries_by_event");
        query.sql(" WHERE event_id IN ").ids(events).guard("tenant_id", self.tenant_uuid());
        query
            .sql(" AND id >= ")
            .bind(first_uuid_at(first))
            .sql(" AND id < ")
            .bind(first_uuid_at(last.plus_secs(FAN_OUT_S)));
        query.sql(") states GROUP BY event_id, state");
        query.all(db, "reading the outcomes of events").await
    }
}
