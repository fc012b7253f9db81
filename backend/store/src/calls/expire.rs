//! Drops requests and results whose time is over, and calls that are past their retention.

use postern_domain::Timestamp;

use crate::{
    Store, StoreError,
    partitions::Retention,
    polling::writing::{Bind, change},
};

/// Rows that go in one transaction. A body may have a megabyte.
const BATCH: i64 = 100;
const DOING: &str = "expiring calls";

const OLD_BODIES: &str = "DELETE FROM call_bodies WHERE (call_id, part) IN (SELECT call_id, part FROM call_bodies \
    WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2)";
/// What hangs on a call goes before it, so that nothing is left that nobody finds.
const OF_OLD_CALLS: [&str; 3] = ["call_bodies", "call_attempts", "call_steps"];
const OLD_CALLS: &str = "SELECT id FROM calls WHERE completed_at IS NOT NULL AND completed_at < $1 \
    ORDER BY completed_at, id LIMIT $2";

impl Store {
    /// Deletes what calls keep and is past its time, in batches. Answers how many rows.
    ///
    /// # Errors
    /// When the database does not answer; what went is gone, the next call goes on.
    pub async fn expire_calls(&self, now: Timestamp, retention: Retention) -> Result<u64, StoreError> {
        let mut total = 0;
        loop {
            let some = change(self, DOING, OLD_BODIES, &[Bind::Long(now.as_micros()), Bind::Long(BATCH)]).await?;
            total += some;
            if some < BATCH.unsigned_abs() {
                break;
            }
        }
        let binds = [Bind::Long(retention.oldest_kept(now).as_micros()), Bind::Long(BATCH)];
        loop {
            for table in OF_OLD_CALLS {
                let sql = format!("DELETE FROM {table} WHERE call_id IN ({OLD_CALLS})");
                total += change(self, DOING, sql, &binds).await?;
            }
            let some = change(self, DOING, format!("DELETE FROM calls WHERE id IN ({OLD_CALLS})"), &binds).await?;
            total += some;
            if some < BATCH.unsigned_abs() {
                return Ok(total);
            }
        }
    }
}
