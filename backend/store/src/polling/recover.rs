//! Frees sources whose run ended without a word: the process died, or it held the lease for too long.

use postern_domain::Timestamp;
use uuid::Uuid;

use super::{
    given::{bound_list, listed_ids, names},
    run::COLUMNS,
    writing::{Bind, Writing},
};
use crate::{Store, StoreError, engine::Lost, open::Backend};

/// So many are freed in one transaction.
const BATCH: i64 = 500;
const DOING: &str = "freeing the sources of a stopped process";

/// The row of a run that is under way, as its end finds it: over what was written of its pages.
pub(super) const UNDER_WAY: &str = "run_id, tenant_id, source_id, run_trigger, '{state}', \
    coalesce(run_scheduled_at, run_started_at), run_started_at, {now}, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
    cursor, cursor, NULL FROM poll_states";
/// What is known of its pages stays.
pub(super) const ENDED: &str = "ON CONFLICT (id) DO UPDATE SET state = excluded.state, ended_at = excluded.ended_at";
/// Nobody runs it.
pub(super) const FREE: &str = "lease_token = NULL, leased_by = NULL, leased_until = NULL, run_id = NULL, \
    run_trigger = NULL, run_scheduled_at = NULL, run_started_at = NULL";

impl Store {
    /// Frees sources whose lease is lost: a poll is due at `now`, an instant of a schedule as it was; their runs are on
    /// record as `lost_lease`. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer; what was freed until then stays so.
    pub async fn recover_polls(&self, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let some = self.recover_some(lost, now).await?;
            total += some;
            if some < BATCH.unsigned_abs() {
                return Ok(total);
            }
        }
    }

    async fn recover_some(&self, lost: Lost, now: Timestamp) -> Result<u64, StoreError> {
        let (which, instance) = lost.terms();
        let mut tx = Writing::begin(self, DOING).await?;
        let (clock, lock) = match tx.backend() {
            Backend::Sqlite => ("$4", ""),
            Backend::Postgres => {
                ("(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 0 * $4", " FOR UPDATE SKIP LOCKED")
            }
        };
        let sql = format!(
            "SELECT source_id FROM poll_states WHERE lease_token IS NOT NULL AND CASE $1 WHEN 'of' THEN leased_by = $2 \
             WHEN 'all_but' THEN leased_by <> $2 ELSE leased_until < {clock} END LIMIT $3{lock}"
        );
        let now = Bind::Long(now.as_micros());
        let binds = [Bind::Text(which), Bind::Uuid(instance), Bind::Long(BATCH), now];
        let sources: Vec<(Uuid,)> = tx.fetch(DOING, sql, &binds).await?;
        if sources.is_empty() {
            return Ok(0);
        }
        let listing = bound_list(sources.iter().map(|(id,)| id.as_bytes().as_slice()));
        let these = listed_ids(tx.backend(), 1);
        let row = UNDER_WAY.replace("{state}", "lost_lease").replace("{now}", "CAST($2 AS bigint)");
        let sql = format!("INSERT INTO poll_runs ({}) SELECT {row} WHERE source_id {these} {ENDED}", names(COLUMNS));
        tx.execute(DOING, sql, &[Bind::Text(&listing), now]).await?;
        let sql = format!(
            "UPDATE poll_states SET next_run_at = CASE kind WHEN 'poll' THEN $2 ELSE next_run_at END, {FREE} \
             WHERE source_id {these}"
        );
        let freed = tx.execute(DOING, sql, &[Bind::Text(&listing), now]).await?;
        tx.commit(self, DOING).await?;
        Ok(freed)
    }
}
