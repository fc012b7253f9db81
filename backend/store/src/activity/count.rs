//! Counting the rows of one stretch. No row leaves the database: a busy stretch has millions.

use std::collections::HashMap;

use postern_domain::{
    activity::{Counts, LATENCY_MS, Stretch},
    delivery::DeliveryState,
    id::first_uuid_at,
};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult};
use uuid::Uuid;

use crate::{StoreError, read::RequestOutcome, read::query::Query};

const DOING: &str = "counting what happened";

/// Whose rows are counted.
#[derive(Clone, Copy, Debug)]
pub(super) enum Whose {
    Everybodys,
    /// One tenant's, and of each table so many at most.
    Tenants {
        id: Uuid,
        most: i64,
    },
}

/// The counts of a stretch by tenant.
#[derive(Debug, Default)]
pub(super) struct Counted {
    pub(super) by_tenant: HashMap<Uuid, Counts>,
    /// The most rows that were found in one table.
    pub(super) rows: u64,
}

#[derive(FromQueryResult)]
struct DeliveriesRow {
    tenant_id: Uuid,
    state: String,
    again: i32,
    latency: i32,
    n: i64,
}

#[derive(FromQueryResult)]
struct EventsRow {
    tenant_id: Uuid,
    n: i64,
}

#[derive(FromQueryResult)]
struct RequestsRow {
    tenant_id: Uuid,
    outcome: String,
    n: i64,
}

pub(super) async fn count(db: &impl ConnectionTrait, stretch: Stretch, whose: Whose) -> Result<Counted, StoreError> {
    let mut counted = Counted::default();
    counted.take_deliveries(deliveries(db, stretch, whose).all(db, DOING).await?)?;
    let events: Vec<EventsRow> = events(db, stretch, whose).all(db, DOING).await?;
    counted.found(events.iter().map(|row| row.n));
    for row in events {
        counted.of(row.tenant_id).events += number(row.n);
    }
    let requests: Vec<RequestsRow> = requests(db, stretch, whose).all(db, DOING).await?;
    counted.found(requests.iter().map(|row| row.n));
    for row in requests {
        match RequestOutcome::parse(&row.outcome) {
            Some(RequestOutcome::Refused) => counted.of(row.tenant_id).refused += number(row.n),
            Some(RequestOutcome::Duplicate) => counted.of(row.tenant_id).duplicates += number(row.n),
            // It is counted as the event it became.
            Some(RequestOutcome::Flagged) => {}
            None => return Err(StoreError::inconsistent("requests", format!("the outcome `{}`", row.outcome))),
        }
    }
    Ok(counted)
}

impl Counted {
    fn of(&mut self, tenant: Uuid) -> &mut Counts {
        self.by_tenant.entry(tenant).or_default()
    }

    fn found(&mut self, rows: impl Iterator<Item = i64>) {
        self.rows = self.rows.max(rows.map(number).sum());
    }

    fn take_deliveries(&mut self, rows: Vec<DeliveriesRow>) -> Result<(), StoreError> {
        self.found(rows.iter().map(|row| row.n));
        for row in rows {
            let (n, counts) = (number(row.n), self.of(row.tenant_id));
            match DeliveryState::parse(&row.state) {
                Some(DeliveryState::Delivered) => {
                    counts.delivered += n;
                    counts.retried += if row.again > 0 { n } else { 0 };
                    let place = usize::try_from(row.latency).unwrap_or(usize::MAX);
                    if let Some(latency) = counts.latencies.get_mut(place) {
                        *latency += n;
                    }
                }
                Some(DeliveryState::Dead) => counts.dead += n,
                Some(DeliveryState::Cancelled) => counts.cancelled += n,
                _ => return Err(StoreError::inconsistent("deliveries", format!("the state `{}`", row.state))),
            }
        }
        Ok(())
    }
}

/// One delivery's time is worked out once, and then compared with every bound: hence the step in between.
fn deliveries(db: &impl ConnectionTrait, stretch: Stretch, whose: Whose) -> Query {
    let made_ms = match db.get_database_backend() {
        DbBackend::Postgres => "('x' || left(encode(uuid_send(id), 'hex'), 12))::bit(48)::bigint",
        // There is no other way from bytes to a number; a hexadecimal one is good JSON5.
        _ => "json_extract('0x' || hex(substr(id, 1, 6)), '$')",
    };
    let mut query = Query::on(db);
    query.sql("WITH made AS MATERIALIZED (SELECT tenant_id, state, attempts, finished_at / 1000 - ").sql(made_ms);
    query.sql(" AS ms FROM deliveries");
    match whose {
        Whose::Everybodys => query.sql(" WHERE "),
        Whose::Tenants { id, .. } => {
            query.by_index("deliveries_by_tenant").sql(" WHERE tenant_id = ").bind(id).sql(" AND ")
        }
    };
    within(&mut query, "id", stretch);
    at_most(&mut query, whose);
    query.sql(") SELECT tenant_id, state, CASE WHEN attempts > 1 THEN 1 ELSE 0 END AS again, ");
    query.sql("CASE WHEN state <> 'delivered' THEN 0");
    for (place, bound_ms) in LATENCY_MS.iter().enumerate() {
        query.sql(&format!(" WHEN ms <= {bound_ms} THEN {place}"));
    }
    query.sql(&format!(" ELSE {} END AS latency, COUNT(*) AS n FROM made GROUP BY 1, 2, 3, 4", LATENCY_MS.len()));
    query
}

/// By the index of each tenant's events, which holds all that is asked for.
fn events(db: &impl ConnectionTrait, stretch: Stretch, whose: Whose) -> Query {
    let mut query = Query::on(db);
    query.sql("SELECT tenant_id, COUNT(*) AS n FROM (SELECT e.tenant_id FROM tenants t CROSS JOIN events e");
    query.by_index("events_by_tenant").sql(" WHERE e.tenant_id = t.id AND ");
    if let Whose::Tenants { id, .. } = whose {
        query.sql("t.id = ").bind(id).sql(" AND ");
    }
    within(&mut query, "e.id", stretch);
    at_most(&mut query, whose);
    query.sql(") found GROUP BY tenant_id");
    query
}

fn requests(db: &impl ConnectionTrait, stretch: Stretch, whose: Whose) -> Query {
    let mut query = Query::on(db);
    query.sql("SELECT tenant_id, outcome, COUNT(*) AS n FROM (SELECT tenant_id, outcome FROM requests");
    match whose {
        Whose::Everybodys => query.sql(" WHERE "),
        Whose::Tenants { id, .. } => {
            query.by_index("requests_by_tenant").sql(" WHERE tenant_id = ").bind(id).sql(" AND ")
        }
    };
    within(&mut query, "id", stretch);
    at_most(&mut query, whose);
    query.sql(") found GROUP BY tenant_id, outcome");
    query
}

pub(super) fn within(query: &mut Query, key: &str, stretch: Stretch) {
    query.sql(key).sql(" >= ").bind(first_uuid_at(stretch.start()));
    query.sql(" AND ").sql(key).sql(" < ").bind(first_uuid_at(stretch.end()));
}

fn at_most(query: &mut Query, whose: Whose) {
    if let Whose::Tenants { most, .. } = whose {
        query.sql(" LIMIT ").bind(most);
    }
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}
