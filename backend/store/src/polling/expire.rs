//! Drops what is past its retention, what was kept for sources that are gone, and records that no run lists any more.
//!
//! A record is forgotten when it was last seen before the day that its source names: a run that read all there is to list
//! has set that day, `limits.remember_days` before its own, after it had put a newer day on all that it listed. So the
//! days of a source pass only while it is read: one that is paused, fails, or answers that nothing has changed forgets
//! nothing, and neither does one whose runs stop before the end of the list. The dedup keys of its events are gone by then:
//! each ends so many days after its event, which is no later.

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

/// The last condition is for one that is listed again at this moment: its new day is looked at once more.
const FORGOTTEN_RECORDS: &str = "DELETE FROM poll_records WHERE (source_id, record_hash) IN (SELECT seen.source_id, \
     seen.record_hash FROM poll_states JOIN poll_records seen ON seen.source_id = poll_states.source_id \
     AND seen.seen_day < poll_states.forget_before LIMIT $2) AND seen_day < $1";
/// Of a source that polls no more, and may again.
const LEFT_RECORDS: &str = "DELETE FROM poll_records WHERE (source_id, record_hash) IN (SELECT seen.source_id, \
     seen.record_hash FROM sources JOIN poll_records seen ON seen.source_id = sources.id AND seen.seen_day < $1 \
     WHERE NOT EXISTS (SELECT 1 FROM poll_states WHERE poll_states.source_id = sources.id) LIMIT $2)";
const LEFT_DAYS: i32 = 400;
/// What is younger is forgotten by no setting.
const LEAST_DAYS: i32 = 7;

impl Store {
    /// Deletes what polling keeps and is past its retention, in batches. Answers how many rows.
    ///
    /// # Errors
    /// When the database does not answer; what went is gone, the next call goes on.
    pub async fn expire_polls(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        let kept = retention.oldest_kept(now);
        let oldest = Bind::Uuid(first_uuid_at(kept));
        let payload = Bind::Uuid(first_uuid_at(retention.oldest_payload(now)));
        let day = |days: i32| Bind::Long(i64::from(day_of(now) - days));
        let mut total = 0;
        for (sql, bound) in [
            (OLD_RUNS, oldest),
            (OLD_MOVES, oldest),
            (OLD_ITEMS, payload),
            (OLD_HELD, oldest),
            (OLD_LAGS, Bind::Long(i64::from(day_of(kept)))),
            (OLD_BUDGETS, Bind::Long(now.plus_secs(-BUDGET_KEPT_S).as_micros())),
            (ORPHANED_RECORDS, Bind::Long(now.as_micros())),
            (FORGOTTEN_RECORDS, day(LEAST_DAYS)),
            (LEFT_RECORDS, day(LEFT_DAYS)),
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
