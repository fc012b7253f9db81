//! Drops what is past its retention, and what was kept for sources that are gone.

use postern_domain::{Timestamp, id::first_uuid_at};

use super::{
    day_of,
    writing::{Bind, change},
};
use crate::{Store, StoreError, partitions::Retention};

/// Rows that go in one transaction.
const BATCH: i64 = 500;
const DOING: &str = "expiring runs";

const OLD_RUNS: &str =
    "DELETE FROM poll_runs WHERE id IN (SELECT id FROM poll_runs WHERE id < $1 ORDER BY id LIMIT $2)";
const OLD_MOVES: &str =
    "DELETE FROM poll_moves WHERE id IN (SELECT id FROM poll_moves WHERE id < $1 ORDER BY id LIMIT $2)";
const OLD_ITEMS: &str =
    "DELETE FROM poll_quarantine WHERE id IN (SELECT id FROM poll_quarantine WHERE id < $1 ORDER BY id LIMIT $2)";
const OLD_HELD: &str = "DELETE FROM poll_held WHERE (source_id, event_id) IN (SELECT source_id, event_id \
     FROM poll_held WHERE event_id < $1 LIMIT $2)";
const OLD_LAGS: &str = "DELETE FROM poll_lags WHERE (source_id, day, channel, bucket) IN (SELECT source_id, day, \
     channel, bucket FROM poll_lags WHERE day < $1 ORDER BY day LIMIT $2)";
/// No budget counts requests for longer than a day.
const OLD_BUDGETS: &str = "DELETE FROM poll_budgets WHERE (tenant_id, name) IN (SELECT tenant_id, name \
     FROM poll_budgets WHERE at < $1 LIMIT $2)";
const BUDGET_KEPT_S: i64 = 2 * 24 * 3_600;
const ORPHANED_RECORDS: &str = "DELETE FROM poll_records WHERE (source_id, record_hash) IN (SELECT seen.source_id, \
     seen.record_hash FROM sources JOIN poll_records seen ON seen.source_id = sources.id \
     WHERE sources.deleted_at IS NOT NULL AND sources.deleted_at < $1 LIMIT $2)";

impl Store {
    /// Deletes what polling keeps and is past its retention, in batches. Answers how many rows.
    ///
    /// # Errors
    /// When the database does not answer; what went is gone, the next call goes on.
    pub async fn expire_polls(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        let kept = retention.oldest_kept(now);
        let oldest = Bind::Uuid(first_uuid_at(kept));
        let payload = Bind::Uuid(first_uuid_at(retention.oldest_payload(now)));
        let mut total = 0;
        for (sql, bound) in [
            (OLD_RUNS, oldest),
            (OLD_MOVES, oldest),
            (OLD_ITEMS, payload),
            (OLD_HELD, oldest),
            (OLD_LAGS, Bind::Long(i64::from(day_of(kept)))),
            (OLD_BUDGETS, Bind::Long(now.plus_secs(-BUDGET_KEPT_S).as_micros())),
            (ORPHANED_RECORDS, Bind::Long(now.as_micros())),
        ] {
            loop {
                let some = change(self, DOING, sql, &[bound, Bind::Long(BATCH)]).await?;
                total += some;
                if some < BATCH.unsigned_abs() {
                    break;
                }
            }
        }
        Ok(total)
    }
}
