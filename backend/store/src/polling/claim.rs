//! Leases sources that are due, in turns among tenants.

use postern_domain::{RunId, SourceId, Timestamp, id::fresh_uuid};
use uuid::Uuid;

use super::{
    given::{Column, Row, bound, bound_list, by_index, given, listed_ids},
    state::{COLUMNS, PollState, StoredState},
    words::Trigger,
    writing::{Bind, Writing, change, lease, lease_end, look},
};
use crate::{Store, StoreError, open::Backend};

const DOING: &str = "claiming sources that are due";
/// So many that are due are looked at, the longest due first, to deal them out among tenants.
const SCAN: i64 = 50_000;

/// What a claim is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimTerms {
    pub now: Timestamp,
    pub instance: Uuid,
    pub lease_ms: i64,
    /// Runs at most, by this claim.
    pub most: u32,
    /// Runs of one tenant at most, all that are under way anywhere counted.
    pub per_tenant: u32,
}

/// A run that is to be made now. Its source is as it was before.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedRun {
    pub state: PollState,
    pub run: RunId,
    pub trigger: Trigger,
    /// The instant the source was due at.
    pub scheduled_at: Timestamp,
    pub started_at: Timestamp,
    /// Fences what the run writes.
    pub token: Uuid,
    /// Of the configuration, by which the source was due: whoever runs it must know no older settings.
    pub config_version: i64,
}

/// A tenant's place is taken by what it has under way, so one with much to do comes after one with little, whoever was
/// due first. What is under way is still due: only its end moves it.
const PICK: &str = "
WITH due AS (
    SELECT source_id, tenant_id, next_run_at, CASE WHEN lease_token IS NULL THEN 1 ELSE 0 END AS is_free
    FROM poll_states WHERE next_run_at <= $1 ORDER BY next_run_at LIMIT $4),
ranked AS (
    SELECT source_id, next_run_at, is_free,
        row_number() OVER (PARTITION BY tenant_id ORDER BY is_free, next_run_at) AS place FROM due)
SELECT source_id FROM ranked WHERE is_free = 1 AND place <= $2 ORDER BY place, next_run_at, source_id LIMIT $3";

const LEASE: &[Column] = &[Column::Uuid("of_source"), Column::Uuid("token"), Column::Uuid("run")];

impl Store {
    /// Leases sources that are due. An answer is a lease: each run must be ended.
    ///
    /// # Errors
    /// When the database does not answer. Whether something was leased is then not known; it is freed by
    /// [`Store::recover_polls`] when the lease is over.
    pub async fn claim_polls(&self, terms: &ClaimTerms) -> Result<Vec<ClaimedRun>, StoreError> {
        let picked = self.pick(terms).await?;
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = Writing::begin(self, DOING).await?;
        let listing = bound_list(picked.iter().map(|(id,)| id.as_bytes().as_slice()));
        let binds = [Bind::Text(&listing), Bind::Long(terms.now.as_micros())];
        let found: Vec<StoredState> = tx.fetch(DOING, still_due(tx.backend()), &binds).await?;
        // After their rows are locked: whoever changes one of them has committed by now, or cancels the run.
        let version: Vec<(i64,)> = tx.fetch(DOING, "SELECT version FROM config_version WHERE id = 1", &[]).await?;
        let version = version.first().map_or(0, |row| row.0);
        let runs = found.into_iter().filter_map(|row| claimed(row, (terms.now, version)));
        let runs: Vec<ClaimedRun> = runs.collect();
        if runs.is_empty() {
            return Ok(runs);
        }
        let rows = runs.iter().map(|run| {
            Row::default()
                .uuid("of_source", run.state.source.uuid())
                .uuid("token", run.token)
                .uuid("run", run.run.uuid())
        });
        let sql = format!(
            "WITH {} UPDATE poll_states SET lease_token = given.token, leased_by = $2, leased_until = {}, \
             run_id = given.run, run_trigger = coalesce(due_trigger, 'schedule'), run_scheduled_at = next_run_at, \
             run_started_at = $3, due_trigger = NULL, due_run_id = NULL FROM given WHERE source_id = given.of_source{}",
            given(tx.backend(), LEASE),
            lease_end(tx.backend(), 4),
            by_index(tx.backend())
        );
        let rows = bound(rows);
        let binds = [
            Bind::Text(&rows),
            Bind::Uuid(terms.instance),
            Bind::Long(terms.now.as_micros()),
            lease(self, terms.lease_ms),
        ];
        tx.execute(DOING, sql, &binds).await?;
        tx.commit(self, DOING).await?;
        Ok(runs)
    }

    /// Makes a lease longer: `lease_ms` from now. False when it was lost.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn extend_poll(&self, source: SourceId, token: Uuid, lease_ms: i64) -> Result<bool, StoreError> {
        let sql = format!(
            "UPDATE poll_states SET leased_until = {} WHERE source_id = $1 AND lease_token = $2",
            lease_end(self.backend(), 3)
        );
        let binds = [Bind::Uuid(source.uuid()), Bind::Uuid(token), lease(self, lease_ms)];
        Ok(change(self, "extending a lease", sql, &binds).await? == 1)
    }

    /// Who is next, before anything is locked: on SQLite others write meanwhile.
    async fn pick(&self, terms: &ClaimTerms) -> Result<Vec<(Uuid,)>, StoreError> {
        let binds = [
            Bind::Long(terms.now.as_micros()),
            Bind::Long(i64::from(terms.per_tenant)),
            Bind::Long(i64::from(terms.most)),
            Bind::Long(SCAN),
        ];
        look(self, DOING, PICK, &binds).await
    }
}

/// What another replica claims at this moment is passed over.
fn still_due(backend: Backend) -> String {
    let lock = if backend == Backend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    format!(
        "SELECT {COLUMNS} FROM poll_states WHERE source_id {} AND lease_token IS NULL AND next_run_at <= $2{lock}",
        listed_ids(backend, 1)
    )
}

/// One tenant's broken row must not stop the others.
fn claimed(row: StoredState, (now, config_version): (Timestamp, i64)) -> Option<ClaimedRun> {
    let source = row.source_id;
    let state = row
        .read()
        .inspect_err(|cause| {
            tracing::error!(source.id = %source, %cause, "The state of source `{source}` cannot be read, it is not run");
        })
        .ok()?;
    let (run, trigger) = state.asked.unwrap_or_else(|| (RunId::fresh(), Trigger::Schedule));
    let scheduled_at = state.next_run_at.unwrap_or(now);
    Some(ClaimedRun { state, run, trigger, scheduled_at, started_at: now, token: fresh_uuid(), config_version })
}
