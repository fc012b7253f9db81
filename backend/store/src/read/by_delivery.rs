//! Events found by their deliveries: whoever looks for the three dead ones among a million must not wait for a walk
//! over the million. What waits is in the queue, and what failed has an index of its own.

use std::collections::{HashMap, HashSet};

use postern_domain::{
    delivery::EventOutcome,
    id::{first_uuid_at, made_at},
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    Slice, Window,
    delivery::{Base, Bounds, Delivery, FAN_OUT_S},
    event::Event,
    event_filter::EventFilter,
    gathering::{Filtered, Gathering, Progress},
    query::Query,
};
use crate::{StoreError, TenantStore};

/// Deliveries that every event of some outcome has at least one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trail {
    Waiting,
    Failed,
}

impl Trail {
    /// `None`: such events leave no trail that is shorter than all events.
    pub(super) const fn of(outcome: EventOutcome) -> Option<Self> {
        match outcome {
            EventOutcome::Queued | EventOutcome::Retrying | EventOutcome::Held => Some(Self::Waiting),
            EventOutcome::Partly | EventOutcome::Dead | EventOutcome::Cancelled => Some(Self::Failed),
            EventOutcome::Delivered | EventOutcome::Filtered | EventOutcome::Unrouted => None,
        }
    }

    const fn base(self) -> Base {
        match self {
            Self::Waiting => Base::Queued,
            Self::Failed => Base::Failed,
        }
    }
}

impl TenantStore {
    /// An event stands where the newest of its deliveries on the trail is; the keys of this list are deliveries.
    pub(super) async fn list_by_delivery(
        &self,
        db: &impl ConnectionTrait,
        trail: Trail,
        filter: &EventFilter,
        window: &Window,
    ) -> Result<Slice<Event>, StoreError> {
        let top = window.to.map(|to| first_uuid_at(to.plus_secs(FAN_OUT_S)));
        let mut page = Gathering::new(window.limit(), window.after.or(top), Filtered::Beside);
        loop {
            let bounds = Bounds { lowest: window.lowest(), below: page.below(), limit: page.chunk() };
            let chunk = self.read_deliveries(db, trail.base(), bounds).await?;
            let mut events = self.events_of(db, trail, &chunk, page.below()).await?;
            events.retain(|id| window.spans(*id));
            let rows = self.read_events(db, &events).await?;
            let passed = self.judge(db, filter, rows).await?;
            let mut passed: HashMap<Uuid, Event> = passed.into_iter().map(|event| (event.id.uuid(), event)).collect();
            let read = chunk.iter().map(|delivery| (delivery.id.uuid(), passed.remove(&delivery.event.uuid())));
            if page.take(read.collect()) == Progress::Done {
                return Ok(page.finish());
            }
        }
    }

    /// The events of these deliveries, each once, without those that already stood above.
    async fn events_of(
        &self,
        db: &impl ConnectionTrait,
        trail: Trail,
        chunk: &[Delivery],
        above: Option<Uuid>,
    ) -> Result<Vec<Uuid>, StoreError> {
        let events: HashSet<Uuid> = chunk.iter().map(|delivery| delivery.event.uuid()).collect();
        let mut events: Vec<Uuid> = events.into_iter().collect();
        let (Some(above), Some(last)) = (above, events.iter().max().map(|id| made_at(*id))) else { return Ok(events) };
        #[derive(FromQueryResult)]
        struct SeenRow {
            event_id: Uuid,
        }
        let mut query = Query::on(db);
        match trail {
            Trail::Waiting => {
                query.sql("SELECT DISTINCT event_id FROM queue").by_index("queue_by_event");
                query.sql(" WHERE event_id IN ").ids(&events).sql(" AND delivery_id >= ").bind(above);
            }
            Trail::Failed => {
                query.sql("SELECT DISTINCT event_id FROM deliveries").by_index("deliveries_by_event");
                query.sql(" WHERE state <> 'delivered' AND event_id IN ").ids(&events).sql(" AND id >= ").bind(above);
                query.sql(" AND id < ").bind(first_uuid_at(last.plus_secs(FAN_OUT_S)));
            }
        }
        query.guard("tenant_id", self.tenant_uuid());
        let seen: Vec<SeenRow> = query.all(db, "listing events by their deliveries").await?;
        let seen: HashSet<Uuid> = seen.into_iter().map(|row| row.event_id).collect();
        events.retain(|event| !seen.contains(event));
        Ok(events)
    }
}
