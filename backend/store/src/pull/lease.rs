//! Leases what waits in a queue to who asks for it.

use bytes::Bytes;
use postern_domain::{AttemptId, ConnectionId, DeliveryId, DestinationId, EventId, SourceId, Timestamp};
use sea_orm::sqlx::{self, ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::{clock, look::listed_lanes, nobody, now};
use crate::{
    StoreError, TenantStore,
    engine::SentBody,
    open::Backend,
    polling::{
        given::{Column, Row as Given, bound, given},
        writing::{Bind, Writing, change},
    },
};

const DOING: &str = "leasing from a queue";
const PAIRS: &[Column] = &[Column::Uuid("of_delivery"), Column::Uuid("token")];

/// What a lease is taken by.
#[derive(Clone, Debug)]
pub struct PullTerms {
    pub destination: DestinationId,
    /// Its connections that are not paused.
    pub lanes: Vec<ConnectionId>,
    /// What is due by then.
    pub now: Timestamp,
    pub lease_ms: i64,
    /// How many deliveries of this queue may be leased at one moment.
    pub max_in_flight: u32,
    /// Bodies of so many bytes together; one delivery is leased whatever its size.
    pub max_bytes: i64,
    /// Who asks, as `kind:id`.
    pub asked_by: String,
    /// One for each delivery that may be leased.
    pub tokens: Vec<AttemptId>,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum Pulled {
    /// First due first. None where nothing is due.
    Leased(Vec<PulledDelivery>),
    /// As many are leased as may be.
    Full,
}

/// A leased delivery with its event.
#[derive(Clone, Debug)]
pub struct PulledDelivery {
    pub token: AttemptId,
    pub delivery: DeliveryId,
    pub connection: ConnectionId,
    pub event: EventId,
    pub source: SourceId,
    pub retries: i32,
    pub attempts: i32,
    pub leased_at: Timestamp,
    pub leased_until: Timestamp,
    pub event_type: String,
    pub received_at: Timestamp,
    pub content_type: Option<String>,
    /// `None`: its retention is over.
    pub body: Option<Bytes>,
}

struct DueRow {
    delivery_id: Uuid,
    event_id: Uuid,
    source_id: Uuid,
    connection_id: Uuid,
    retries: i32,
    attempts: i32,
    body_bytes: i32,
}

impl<'r, R: Row> FromRow<'r, R> for DueRow
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    i32: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        Ok(Self {
            delivery_id: row.try_get("delivery_id")?,
            event_id: row.try_get("event_id")?,
            source_id: row.try_get("source_id")?,
            connection_id: row.try_get("connection_id")?,
            retries: row.try_get("retries")?,
            attempts: row.try_get("attempts")?,
            body_bytes: row.try_get("body_bytes")?,
        })
    }
}

impl TenantStore {
    /// Leases what is due, first due first, to whoever asks.
    ///
    /// # Errors
    /// When the database does not answer. What was leased then runs out by itself.
    pub async fn pull(&self, terms: &PullTerms) -> Result<Pulled, StoreError> {
        let mut tx = Writing::begin(&self.store, DOING).await?;
        let Some(room) = self.room(&mut tx, terms).await? else { return Ok(Pulled::Full) };
        let due = self.due(&mut tx, terms, room).await?;
        if due.is_empty() {
            return Ok(Pulled::Leased(Vec::new()));
        }
        let leased: Vec<(DueRow, AttemptId)> = due.into_iter().zip(terms.tokens.iter().copied()).collect();
        let (leased_at, leased_until) = self.mark(&mut tx, terms, &leased).await?;
        tx.commit(&self.store, DOING).await?;
        let events: Vec<Uuid> = leased.iter().map(|(row, _)| row.event_id).collect();
        let mut payloads = self.store.payloads(&events).await?;
        let pulled = leased.into_iter().map(|(row, token)| {
            // An event comes to a queue once: it has one source, and that one connection to here.
            let payload = payloads.remove(&row.event_id).unwrap_or_default();
            PulledDelivery {
                token,
                delivery: DeliveryId::from_uuid(row.delivery_id),
                connection: ConnectionId::from_uuid(row.connection_id),
                event: EventId::from_uuid(row.event_id),
                source: SourceId::from_uuid(row.source_id),
                retries: row.retries,
                attempts: row.attempts,
                leased_at,
                leased_until,
                event_type: payload.event_type,
                received_at: payload.received_at,
                content_type: payload.content_type,
                body: payload.body,
            }
        });
        Ok(Pulled::Leased(pulled.collect()))
    }

    /// Notes what was handed over under leases, where it is not the event's own body.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn note_handed_over(&self, sent: &[(DeliveryId, AttemptId, SentBody)]) -> Result<(), StoreError> {
        if sent.is_empty() {
            return Ok(());
        }
        let doing = "noting what a queue handed over";
        let rows = sent.iter().map(|(delivery, token, body)| {
            let bytes = i32::try_from(body.bytes).unwrap_or(i32::MAX);
            let row = Given::default().uuid("of_delivery", delivery.uuid()).uuid("token", token.uuid());
            row.bytes("sha", &body.sha256).int("size", bytes)
        });
        let rows = bound(rows);
        let columns = [PAIRS, &[Column::Bytes("sha"), Column::Int("size")]].concat();
        let backend = self.store.backend();
        let sql = format!(
            "WITH {} UPDATE queue SET sent_sha256 = given.sha, sent_bytes = given.size FROM given \
             WHERE delivery_id = given.of_delivery AND lease_token = given.token{}",
            given(backend, &columns),
            by_index(backend)
        );
        change(&self.store, doing, sql, &[Bind::Text(&rows)]).await.map(|_| ())
    }

    /// How many more may be leased. Whoever leases from the same queue at this moment waits until this has ended, so that
    /// together they stay within what was agreed.
    async fn room(&self, tx: &mut Writing, terms: &PullTerms) -> Result<Option<i64>, StoreError> {
        let id = terms.destination.uuid();
        if tx.backend() == Backend::Postgres {
            let (_, low) = id.as_u64_pair();
            let lock = [Bind::Long(low.cast_signed())];
            tx.execute(DOING, "SELECT pg_advisory_xact_lock($1)", &lock).await?;
        }
        let most = i64::from(terms.max_in_flight);
        let sql = format!(
            "SELECT count(*) FROM (SELECT 1 AS one FROM queue WHERE leased_by = {} AND destination_id = $1 LIMIT $2) AS held",
            nobody(tx.backend())
        );
        let held: Vec<(i64,)> = tx.fetch(DOING, sql, &[Bind::Uuid(id), Bind::Long(most)]).await?;
        let room = most - held.first().map_or(0, |row| row.0);
        Ok((room > 0).then_some(room))
    }

    /// What another replica or a person has its hands on at this moment is passed over.
    async fn due(&self, tx: &mut Writing, terms: &PullTerms, room: i64) -> Result<Vec<DueRow>, StoreError> {
        let lanes = listed_lanes(&terms.lanes);
        let wanted = i64::try_from(terms.tokens.len()).unwrap_or(0).min(room);
        let binds = [
            Bind::Text(&lanes),
            Bind::Long(terms.now.as_micros()),
            Bind::Long(wanted),
            Bind::Uuid(self.scope.tenant_id().uuid()),
        ];
        let rows: Vec<DueRow> = tx.fetch(DOING, due_sql(tx.backend()), &binds).await?;
        let mut bytes = 0_i64;
        let fitting = rows.into_iter().enumerate().take_while(|(place, row)| {
            bytes += i64::from(row.body_bytes);
            *place == 0 || bytes <= terms.max_bytes
        });
        Ok(fitting.map(|(_, row)| row).collect())
    }

    /// Writes the leases. Answers from when to when.
    async fn mark(
        &self,
        tx: &mut Writing,
        terms: &PullTerms,
        leased: &[(DueRow, AttemptId)],
    ) -> Result<(Timestamp, Timestamp), StoreError> {
        let backend = tx.backend();
        let rows = leased
            .iter()
            .map(|(row, token)| Given::default().uuid("of_delivery", row.delivery_id).uuid("token", token.uuid()));
        let rows = bound(rows);
        let sql = format!(
            "WITH {} UPDATE queue SET state = 'leased', lease_token = given.token, leased_by = {}, leased_at = {clock}, \
             leased_until = {clock} + $3, asked_by = $4, sent_sha256 = NULL, sent_bytes = NULL FROM given WHERE delivery_id = given.of_delivery{} \
             RETURNING leased_at, leased_until",
            given(backend, PAIRS),
            nobody(backend),
            by_index(backend),
            clock = clock(backend, 2),
        );
        let binds = [
            Bind::Text(&rows),
            now(&self.store),
            Bind::Long(terms.lease_ms.saturating_mul(1_000)),
            Bind::Text(&terms.asked_by),
        ];
        let written: Vec<(i64, i64)> = tx.fetch(DOING, sql, &binds).await?;
        let (at, until) = written.first().copied().unwrap_or_default();
        Ok((Timestamp::from_micros(at), Timestamp::from_micros(until)))
    }
}

/// The planner of PostgreSQL believes that they are few, and may otherwise go through all of them.
const fn by_index(backend: Backend) -> &'static str {
    match backend {
        Backend::Sqlite => "",
        Backend::Postgres => " AND delivery_id = ANY (ARRAY(SELECT of_delivery FROM given))",
    }
}

/// Of each lane the first due, and of these the first due: `$1` the lanes, `$2` now, `$3` how many, `$4` the tenant.
fn due_sql(backend: Backend) -> String {
    const COLUMNS: &str = "delivery_id, event_id, source_id, connection_id, retries, attempts, body_bytes";
    match backend {
        Backend::Sqlite => format!(
            "SELECT {COLUMNS} FROM json_each($1) AS lane JOIN queue ON queue.delivery_id IN (SELECT first.delivery_id \
             FROM queue AS first INDEXED BY queue_due WHERE first.connection_id = unhex(lane.value) \
             AND first.state = 'pending' AND first.due_at <= $2 AND first.tenant_id = $4 \
             ORDER BY first.due_at, first.delivery_id LIMIT $3) ORDER BY queue.due_at, queue.delivery_id LIMIT $3"
        ),
        Backend::Postgres => format!(
            "SELECT {COLUMNS} FROM (SELECT value::uuid AS id FROM json_array_elements_text($1::json)) AS lane \
             CROSS JOIN LATERAL (SELECT * FROM queue WHERE queue.connection_id = lane.id AND state = 'pending' \
             AND due_at <= $2 AND (tenant_id = $4) IS TRUE ORDER BY due_at, delivery_id LIMIT $3 \
             FOR UPDATE SKIP LOCKED) AS due ORDER BY due_at, delivery_id LIMIT $3"
        ),
    }
}
