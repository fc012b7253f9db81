//! The attempts of deliveries: each try, with what was sent and what came back.

use std::collections::HashMap;

use postern_domain::{
    AttemptId, DeliveryId, Timestamp,
    attempt::{ResultKind, Timings},
    id::first_uuid_at,
};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    delivery::{Delivery, DeliveryDetail},
    query::Query,
};
use crate::{StoreError, TenantStore};

/// One read gives the newest so many attempts.
const MAX_ATTEMPTS: i64 = 1_000;
/// And with them response bodies of so many bytes together, newest first.
const MAX_BODIES_BYTES: usize = 4 * 1024 * 1024;
/// How far the clocks of two replicas may be apart, with much to spare: the id of an attempt is made by one, the moment
/// at which its delivery is finished is taken by another.
const CLOCKS_APART_S: i64 = 24 * 3600;

/// One try of a delivery.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub id: AttemptId,
    pub delivery: DeliveryId,
    /// From 1.
    pub number: i32,
    pub actor_kind: String,
    pub actor_id: String,
    pub started_at: Timestamp,
    pub timings: Timings,
    /// Of one that took longer than the timings can say.
    pub ended_at: Option<Timestamp>,
    pub method: String,
    pub url: String,
    /// Size and SHA-256 of what was sent, where it is not the event's own body.
    pub sent: Option<(i32, Vec<u8>)>,
    /// A JSON object, as what follows.
    pub request_headers: String,
    pub kind: ResultKind,
    pub status: Option<u16>,
    pub response_headers: Option<String>,
    /// How much of the response's body is kept.
    pub response_bytes: i32,
    /// `None` when empty, past its retention, or left out because the answer would be too large.
    pub response_body: Option<Vec<u8>>,
    /// Whether there was more of the body than is kept.
    pub truncated: bool,
    /// In words, where there was no answer.
    pub detail: Option<String>,
    pub next_attempt_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct AttemptRow {
    id: Uuid,
    delivery_id: Uuid,
    number: i32,
    actor_kind: String,
    actor_id: String,
    started_at: i64,
    duration_us: i32,
    ended_at: Option<i64>,
    dns_us: Option<i32>,
    connect_us: Option<i32>,
    first_byte_us: Option<i32>,
    method: String,
    url: String,
    request_headers: String,
    kind: String,
    status: Option<i32>,
    response_headers: Option<String>,
    response_bytes: i32,
    truncated: bool,
    detail: Option<String>,
    next_attempt_at: Option<i64>,
    sent_sha256: Option<Vec<u8>>,
    sent_bytes: Option<i32>,
}

const COLUMNS: &str = "id, delivery_id, number, actor_kind, actor_id, started_at, duration_us, ended_at, dns_us, \
     connect_us, first_byte_us, method, url, request_headers, kind, status, response_headers, response_bytes, truncated, detail, \
     next_attempt_at, sent_sha256, sent_bytes";

impl AttemptRow {
    fn into_attempt(self, response_body: Option<Vec<u8>>) -> Result<Attempt, StoreError> {
        let kind = ResultKind::parse(&self.kind)
            .ok_or_else(|| StoreError::inconsistent("attempts", format!("the kind `{}`", self.kind)))?;
        let micros = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
        Ok(Attempt {
            id: AttemptId::from_uuid(self.id),
            delivery: DeliveryId::from_uuid(self.delivery_id),
            number: self.number,
            actor_kind: self.actor_kind,
            actor_id: self.actor_id,
            started_at: Timestamp::from_micros(self.started_at),
            timings: Timings {
                dns_us: micros(self.dns_us),
                connect_us: micros(self.connect_us),
                first_byte_us: micros(self.first_byte_us),
                total_us: micros(Some(self.duration_us)).unwrap_or_default(),
            },
            ended_at: self.ended_at.map(Timestamp::from_micros),
            method: self.method,
            url: self.url,
            sent: self.sent_bytes.zip(self.sent_sha256),
            request_headers: self.request_headers,
            kind,
            status: self.status.and_then(|status| u16::try_from(status).ok()),
            response_headers: self.response_headers,
            response_bytes: self.response_bytes,
            response_body,
            truncated: self.truncated,
            detail: self.detail,
            next_attempt_at: self.next_attempt_at.map(Timestamp::from_micros),
        })
    }
}

impl Attempt {
    /// How long it took.
    #[must_use]
    pub fn duration_us(&self) -> u64 {
        duration_us(self.timings, self.started_at, self.ended_at)
    }
}

/// How long an attempt took, by its end where that is known.
pub(super) fn duration_us(timings: Timings, started_at: Timestamp, ended_at: Option<Timestamp>) -> u64 {
    let by_end = ended_at.and_then(|at| u64::try_from(at.as_micros() - started_at.as_micros()).ok());
    by_end.unwrap_or_else(|| timings.total_us.into())
}

impl TenantStore {
    /// The deliveries, in their order, each with its attempts from the first to the last.
    pub(super) async fn with_attempts(
        &self,
        db: &impl ConnectionTrait,
        deliveries: Vec<Delivery>,
        body_sha256: Option<&[u8]>,
    ) -> Result<Vec<DeliveryDetail>, StoreError> {
        let rows = self.read_attempts(db, &deliveries).await?;
        let mut bodies = read_bodies(db, &rows).await?;
        let mut by_delivery: HashMap<Uuid, Vec<Attempt>> = HashMap::new();
        // The rows come newest first.
        for row in rows.into_iter().rev() {
            let (delivery, body) = (row.delivery_id, bodies.remove(&row.id));
            by_delivery.entry(delivery).or_default().push(row.into_attempt(body)?);
        }
        let detail = |delivery: Delivery| DeliveryDetail {
            attempts: by_delivery.remove(&delivery.id.uuid()).unwrap_or_default(),
            body_sha256: body_sha256.map(<[u8]>::to_vec),
            delivery,
        };
        Ok(deliveries.into_iter().map(detail).collect())
    }

    async fn read_attempts(
        &self,
        db: &impl ConnectionTrait,
        deliveries: &[Delivery],
    ) -> Result<Vec<AttemptRow>, StoreError> {
        let ids: Vec<Uuid> = deliveries.iter().map(|delivery| delivery.id.uuid()).collect();
        let Some(lowest) = ids.iter().min() else { return Ok(Vec::new()) };
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM attempts").by_index("attempts_by_delivery");
        query.sql(" WHERE delivery_id IN ").ids(&ids).sql(" AND id >= ").bind(*lowest);
        let finished: Option<Vec<Timestamp>> = deliveries.iter().map(|delivery| delivery.finished_at).collect();
        if let Some(last) = finished.and_then(|moments| moments.into_iter().max()) {
            query.sql(" AND id < ").bind(first_uuid_at(last.plus_secs(CLOCKS_APART_S)));
        }
        query.guard("tenant_id", self.tenant_uuid());
        query.sql(" ORDER BY id DESC LIMIT ").bind(MAX_ATTEMPTS);
        query.all(db, "reading attempts").await
    }
}

/// The response bodies of the newest attempts, as many as fit.
async fn read_bodies(db: &impl ConnectionTrait, rows: &[AttemptRow]) -> Result<HashMap<Uuid, Vec<u8>>, StoreError> {
    #[derive(FromQueryResult)]
    struct BodyRow {
        attempt_id: Uuid,
        body: Vec<u8>,
    }
    let mut bytes = 0_usize;
    let answered = rows.iter().filter(|row| row.response_bytes > 0);
    let fitting = answered.take_while(|row| {
        bytes += usize::try_from(row.response_bytes).unwrap_or(0);
        bytes <= MAX_BODIES_BYTES
    });
    let ids: Vec<Uuid> = fitting.map(|row| row.id).collect();
    let (Some(lowest), Some(highest)) = (ids.iter().min(), ids.iter().max()) else { return Ok(HashMap::new()) };
    let mut query = Query::on(db);
    query.sql("SELECT attempt_id, body FROM attempt_bodies WHERE attempt_id IN ").ids(&ids);
    query.sql(" AND attempt_id >= ").bind(*lowest).sql(" AND attempt_id <= ").bind(*highest);
    let bodies: Vec<BodyRow> = query.all(db, "reading response bodies").await?;
    Ok(bodies.into_iter().map(|row| (row.attempt_id, row.body)).collect())
}
