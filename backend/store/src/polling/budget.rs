//! What was taken of a budget, in one row for all replicas. Whoever takes of it holds the row meanwhile; what may be taken
//! is not decided here.

use postern_domain::{TenantId, Timestamp};
use serde_json::Value;

use super::writing::{Bind, Writing};
use crate::{Store, StoreError, column::from_json, open::Backend};

const DOING: &str = "taking of a budget";
const TABLE: &str = "poll_budgets";

impl Store {
    /// Shows `decide` what was taken and what time it is, and writes what it answers; `None` writes nothing. On
    /// PostgreSQL the time is the database's, read while the row is held: replicas whose clocks differ see one order.
    ///
    /// # Errors
    /// When the database does not answer: then nothing was taken, or what was taken is of no use.
    pub async fn take_of_budget<T: Send>(
        &self,
        (tenant, name): (TenantId, &str),
        decide: impl FnOnce(Option<Value>, Timestamp) -> (Option<Value>, T) + Send,
    ) -> Result<T, StoreError> {
        let mut tx = Writing::begin(self, DOING).await?;
        let clock = match tx.backend() {
            Backend::Sqlite => "$3",
            Backend::Postgres => "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint + 0 * $3",
        };
        // What stands behind SET is computed when the row is locked.
        let sql = format!(
            "INSERT INTO poll_budgets (tenant_id, name, at) VALUES ($1, $2, {clock}) \
             ON CONFLICT (tenant_id, name) DO UPDATE SET at = {clock} RETURNING taken, at"
        );
        let key = [Bind::Uuid(tenant.uuid()), Bind::Text(name)];
        let own_clock = Bind::Long(self.clock().now().as_micros());
        let row: Vec<(Option<String>, i64)> = tx.fetch(DOING, sql, &[key[0], key[1], own_clock]).await?;
        let (taken, at) =
            row.into_iter().next().ok_or_else(|| StoreError::inconsistent(TABLE, "a row without itself"))?;
        let taken = taken.as_deref().map(|text| from_json(TABLE, text)).transpose()?;
        let (after, answer) = decide(taken, Timestamp::from_micros(at));
        let Some(after) = after else { return Ok(answer) };
        let text = after.to_string();
        let sql = "UPDATE poll_budgets SET taken = $3 WHERE tenant_id = $1 AND name = $2";
        tx.execute(DOING, sql, &[key[0], key[1], Bind::Text(&text)]).await?;
        tx.commit(self, DOING).await?;
        Ok(answer)
    }
}
