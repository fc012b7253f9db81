//! Looks at a queue without changing it: what is due, what is leased, what has run out.

use postern_domain::{AttemptId, ConnectionId, DeliveryId, DestinationId, TenantId, Timestamp, attempt::ResultKind};
use sea_orm::sqlx::{self, ColumnIndex, Decode, FromRow, Row, Type};
use uuid::Uuid;

use super::{clock, nobody, now};
use crate::{
    Store, StoreError, TenantStore,
    engine::SentBody,
    open::Backend,
    polling::{
        given::{bound_list, listed_ids},
        writing::{Bind, look},
    },
};

/// Counting what waits stops here: a page must not wait for a walk over a million.
const COUNTED: i64 = 5_000;

/// Whether there is something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PullLook {
    /// Leases have run out, and nobody has taken their deliveries back.
    pub has_ended: bool,
    /// Something waits and is due.
    pub has_due: bool,
    /// Leased, counted up to what may be.
    pub in_flight: u32,
}

/// How much is in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Counted up to 5 000 for each connection.
    pub waiting: u64,
    pub in_flight: u64,
    /// Since when the one waits that has been due longest.
    pub oldest_due: Option<Timestamp>,
}

/// A delivery under a lease that somebody outside holds, or held until it ran out.
#[derive(Clone, Debug)]
pub struct HeldPull {
    pub token: AttemptId,
    pub delivery: DeliveryId,
    pub tenant: TenantId,
    pub connection: ConnectionId,
    pub destination: DestinationId,
    pub retries: i32,
    pub attempts: i32,
    pub leased_at: Timestamp,
    pub leased_until: Timestamp,
    /// What was handed over, where it is not the event's own body.
    pub sent: Option<SentBody>,
    /// Who leased it, as `kind:id`.
    pub asked_by: String,
    /// By the database's clock.
    pub has_ended: bool,
    pub looked_at: Timestamp,
}

struct HeldRow(HeldPull);

impl<'r, R: Row> FromRow<'r, R> for HeldRow
where
    &'static str: ColumnIndex<R>,
    Uuid: Decode<'r, R::Database> + Type<R::Database>,
    i32: Decode<'r, R::Database> + Type<R::Database>,
    i64: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<i32>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> Result<Self, sqlx::Error> {
        let leased_until: i64 = row.try_get("leased_until")?;
        let looked_at: i64 = row.try_get("looked_at")?;
        let asked_by: Option<String> = row.try_get("asked_by")?;
        let (sha256, bytes): (Option<Vec<u8>>, Option<i32>) = (row.try_get("sent_sha256")?, row.try_get("sent_bytes")?);
        let sent = sha256.zip(bytes).and_then(|(sha256, bytes)| {
            Some(SentBody { sha256: sha256.try_into().ok()?, bytes: usize::try_from(bytes).ok()? })
        });
        Ok(Self(HeldPull {
            token: AttemptId::from_uuid(row.try_get("lease_token")?),
            delivery: DeliveryId::from_uuid(row.try_get("delivery_id")?),
            tenant: TenantId::from_uuid(row.try_get("tenant_id")?),
            connection: ConnectionId::from_uuid(row.try_get("connection_id")?),
            destination: DestinationId::from_uuid(row.try_get("destination_id")?),
            retries: row.try_get("retries")?,
            attempts: row.try_get("attempts")?,
            leased_at: Timestamp::from_micros(row.try_get("leased_at")?),
            leased_until: Timestamp::from_micros(leased_until),
            sent,
            asked_by: asked_by.unwrap_or_default(),
            has_ended: leased_until <= looked_at,
            looked_at: Timestamp::from_micros(looked_at),
        }))
    }
}

fn held(backend: Backend, clock: &str) -> String {
    format!(
        "SELECT lease_token, delivery_id, tenant_id, connection_id, destination_id, retries, attempts, leased_at, \
         leased_until, sent_sha256, sent_bytes, asked_by, CAST({clock} AS bigint) AS looked_at FROM queue WHERE leased_by = {}",
        nobody(backend)
    )
}

/// The lanes of a queue, as one value.
pub(super) fn listed_lanes(lanes: &[ConnectionId]) -> String {
    let lanes: Vec<[u8; 16]> = lanes.iter().map(|lane| lane.uuid().into_bytes()).collect();
    bound_list(lanes.iter().map(<[u8; 16]>::as_slice))
}

impl TenantStore {
    /// Whether a lease is worth a transaction.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn look_at_queue(
        &self,
        destination: DestinationId,
        lanes: &[ConnectionId],
        (due_by, max_in_flight): (Timestamp, u32),
    ) -> Result<PullLook, StoreError> {
        let backend = self.store.backend();
        let (nobody, lane) = (
            nobody(backend),
            match backend {
                Backend::Sqlite => "SELECT unhex(value) AS id FROM json_each($4)",
                Backend::Postgres => "SELECT value::uuid AS id FROM json_array_elements_text($4::json)",
            },
        );
        let sql = format!(
            "SELECT (SELECT count(*) FROM (SELECT 1 AS one FROM queue WHERE leased_by = {nobody} AND destination_id = $1 \
             LIMIT $5) AS held) AS held, EXISTS (SELECT 1 FROM queue WHERE leased_by = {nobody} AND destination_id = $1 \
             AND leased_until <= {}) AS ended, EXISTS (SELECT 1 FROM ({lane}) AS lane WHERE (SELECT 1 FROM queue \
             WHERE connection_id = lane.id AND state = 'pending' AND due_at <= $3 LIMIT 1) = 1) AS due",
            clock(backend, 2)
        );
        let lanes = listed_lanes(lanes);
        let binds = [
            Bind::Uuid(destination.uuid()),
            now(&self.store),
            Bind::Long(due_by.as_micros()),
            Bind::Text(&lanes),
            Bind::Long(i64::from(max_in_flight)),
        ];
        let rows: Vec<(i64, bool, bool)> = look(&self.store, "looking at a queue", sql, &binds).await?;
        let (in_flight, has_ended, has_due) = rows.first().copied().unwrap_or_default();
        Ok(PullLook { has_ended, has_due, in_flight: u32::try_from(in_flight).unwrap_or(u32::MAX) })
    }

    /// Those of these leases of a queue of the tenant's that nobody has taken back, run out or not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn held_pulls(
        &self,
        destination: DestinationId,
        receipts: &[AttemptId],
    ) -> Result<Vec<HeldPull>, StoreError> {
        let backend = self.store.backend();
        let sql = format!(
            "{} AND destination_id = $3 AND lease_token {} AND (tenant_id = $4) IS TRUE",
            held(backend, &clock(backend, 2)),
            listed_ids(backend, 1)
        );
        let tokens = listed_tokens(receipts);
        let binds = [
            Bind::Text(&tokens),
            now(&self.store),
            Bind::Uuid(destination.uuid()),
            Bind::Uuid(self.scope.tenant_id().uuid()),
        ];
        let rows: Vec<HeldRow> = look(&self.store, "looking up receipts", sql, &binds).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }

    /// What became of leases of a queue of the tenant's that are over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn settled_pulls(
        &self,
        destination: DestinationId,
        receipts: &[AttemptId],
    ) -> Result<Vec<(AttemptId, ResultKind)>, StoreError> {
        let (Some(lowest), Some(highest)) = (receipts.iter().min(), receipts.iter().max()) else {
            return Ok(Vec::new());
        };
        // On PostgreSQL the bounds say in which days to look.
        let sql = format!(
            "SELECT id, kind FROM attempts WHERE id {} AND id >= $2 AND id <= $3 AND (destination_id = $4) IS TRUE \
             AND (tenant_id = $5) IS TRUE",
            listed_ids(self.store.backend(), 1)
        );
        let tokens = listed_tokens(receipts);
        let binds = [
            Bind::Text(&tokens),
            Bind::Uuid(lowest.uuid()),
            Bind::Uuid(highest.uuid()),
            Bind::Uuid(destination.uuid()),
            Bind::Uuid(self.scope.tenant_id().uuid()),
        ];
        let rows: Vec<(Uuid, String)> = look(&self.store, "looking up receipts", sql, &binds).await?;
        rows.into_iter()
            .map(|(id, kind)| {
                let kind = ResultKind::parse(&kind)
                    .ok_or_else(|| StoreError::inconsistent("attempts", format!("the kind `{kind}`")))?;
                Ok((AttemptId::from_uuid(id), kind))
            })
            .collect()
    }

    /// How much waits in a queue and how much is leased from it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_depth(&self, destination: DestinationId, due_by: Timestamp) -> Result<Depth, StoreError> {
        let backend = self.store.backend();
        // Lane by lane: a planner that takes the queue for empty would otherwise walk over all that waits for anybody.
        let own = "SELECT id FROM connections WHERE destination_id = $1 AND tenant_id = $2 AND deleted_at IS NULL";
        let sql = format!(
            "SELECT (SELECT CAST(coalesce(sum((SELECT count(*) FROM (SELECT 1 AS one FROM queue \
             WHERE connection_id = own.id AND state = 'pending' LIMIT $3) AS part)), 0) AS bigint) FROM ({own}) AS own) \
             AS waiting, (SELECT count(*) FROM queue WHERE leased_by = {} AND destination_id = $1 \
             AND (tenant_id = $2) IS TRUE AND leased_until > {}) AS held, (SELECT min((SELECT due_at FROM queue \
             WHERE state = 'pending' AND connection_id = own.id AND due_at <= $5 ORDER BY due_at LIMIT 1)) \
             FROM ({own}) AS own) AS oldest",
            nobody(backend),
            clock(backend, 4)
        );
        let binds = [
            Bind::Uuid(destination.uuid()),
            Bind::Uuid(self.scope.tenant_id().uuid()),
            Bind::Long(COUNTED),
            now(&self.store),
            Bind::Long(due_by.as_micros()),
        ];
        let rows: Vec<(i64, i64, Option<i64>)> = look(&self.store, "looking at a queue", sql, &binds).await?;
        let (waiting, in_flight, oldest) = rows.first().copied().unwrap_or_default();
        Ok(Depth {
            waiting: waiting.unsigned_abs(),
            in_flight: in_flight.unsigned_abs(),
            oldest_due: oldest.map(Timestamp::from_micros),
        })
    }
}

impl Store {
    /// Leases that have run out: of this queue, or of all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ended_pulls(&self, of: Option<DestinationId>, most: u32) -> Result<Vec<HeldPull>, StoreError> {
        let backend = self.backend();
        let clock = clock(backend, 1);
        let of_queue = if of.is_some() { " AND destination_id = $3" } else { "" };
        let sql = format!("{} AND leased_until <= {clock}{of_queue} LIMIT $2", held(backend, &clock));
        let mut binds = vec![now(self), Bind::Long(i64::from(most))];
        binds.extend(of.map(|id| Bind::Uuid(id.uuid())));
        let rows: Vec<HeldRow> = look(self, "looking for leases that ran out", sql, &binds).await?;
        Ok(rows.into_iter().map(|row| row.0).collect())
    }
}

fn listed_tokens(receipts: &[AttemptId]) -> String {
    let tokens: Vec<[u8; 16]> = receipts.iter().map(|receipt| receipt.uuid().into_bytes()).collect();
    bound_list(tokens.iter().map(<[u8; 16]>::as_slice))
}
