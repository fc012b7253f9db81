//! Ends leases of who pulls, as what was sent is settled, and makes them longer.

use postern_domain::{AttemptId, DeliveryId, DestinationId, Timestamp};

use super::{clock, nobody, now};
use crate::{
    Store, StoreError, TenantStore,
    engine::{Settlement, postgres, sqlite},
    open::Backend,
    polling::{
        given::{Column, Row, bound, given},
        writing::{Bind, Writing},
    },
};

const DOING: &str = "settling leases of a queue";
const ENDS: &[Column] = &[Column::Uuid("attempt"), Column::Long("at")];

impl Store {
    /// Records attempts of who pulled and what follows from them. Answers the deliveries whose lease was lost.
    ///
    /// # Errors
    /// When the database does not answer: nothing is written, and the same call may be made again.
    pub async fn settle_pulls(&self, settlements: &[Settlement]) -> Result<Vec<DeliveryId>, StoreError> {
        if settlements.is_empty() {
            return Ok(Vec::new());
        }
        let all: Vec<&Settlement> = settlements.iter().collect();
        let mut tx = Writing::begin(self, DOING).await?;
        let lost = match &mut tx {
            Writing::Postgres(tx) => postgres::settle::settle_within(tx, &all).await?,
            Writing::Sqlite(tx) => sqlite::settle::settle(tx, &all).await?,
        };
        note_long(&mut tx, &all).await?;
        tx.commit(self, DOING).await?;
        Ok(lost)
    }
}

/// Of attempts that took longer than `duration_us` can say, when they ended.
async fn note_long(tx: &mut Writing, settled: &[&Settlement]) -> Result<(), StoreError> {
    let most_ms = i64::from(i32::MAX) / 1_000;
    let long = settled.iter().filter(|row| row.settled_at.ms_since(row.attempt.started_at) >= most_ms);
    let long: Vec<(AttemptId, Timestamp)> = long.map(|row| (row.attempt.id, row.settled_at)).collect();
    let ids = || long.iter().map(|(id, _)| id.uuid());
    let (Some(lowest), Some(highest)) = (ids().min(), ids().max()) else { return Ok(()) };
    let rows = bound(long.iter().map(|(id, at)| Row::default().uuid("attempt", id.uuid()).at("at", Some(*at))));
    let sql = format!(
        "WITH {} UPDATE attempts SET ended_at = given.at FROM given WHERE id = given.attempt AND id >= $2 AND id <= $3 \
         AND ended_at IS NULL{}",
        given(tx.backend(), ENDS),
        match tx.backend() {
            Backend::Sqlite => "",
            // By their keys, and not by all that lies between them.
            Backend::Postgres => " AND id = ANY (ARRAY(SELECT attempt FROM given))",
        }
    );
    tx.execute(DOING, sql, &[Bind::Text(&rows), Bind::Uuid(lowest), Bind::Uuid(highest)]).await.map(|_| ())
}

impl TenantStore {
    /// Makes a lease last until `lease_ms` from now, but no longer than `most_ms` in all; never shorter than it was.
    /// Answers until when; `None` when it was lost.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn extend_pull(
        &self,
        destination: DestinationId,
        receipt: AttemptId,
        (lease_ms, most_ms): (i64, i64),
    ) -> Result<Option<Timestamp>, StoreError> {
        let doing = "extending a lease of a queue";
        let mut tx = Writing::begin(&self.store, doing).await?;
        let (clock, nobody) = (clock(tx.backend(), 2), nobody(tx.backend()));
        let wanted = format!("CASE WHEN {clock} + $3 < leased_at + $4 THEN {clock} + $3 ELSE leased_at + $4 END");
        let sql = format!(
            "UPDATE queue SET leased_until = CASE WHEN leased_until > {wanted} THEN leased_until ELSE {wanted} END \
             WHERE leased_by = {nobody} AND destination_id = $5 AND lease_token = $1 AND leased_until > {clock} \
             AND (tenant_id = $6) IS TRUE RETURNING leased_until"
        );
        let binds = [
            Bind::Uuid(receipt.uuid()),
            now(&self.store),
            Bind::Long(lease_ms.saturating_mul(1_000)),
            Bind::Long(most_ms.saturating_mul(1_000)),
            Bind::Uuid(destination.uuid()),
            Bind::Uuid(self.scope.tenant_id().uuid()),
        ];
        let rows: Vec<(i64,)> = tx.fetch(doing, sql, &binds).await?;
        tx.commit(&self.store, doing).await?;
        Ok(rows.first().map(|row| Timestamp::from_micros(row.0)))
    }
}
