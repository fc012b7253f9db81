//! Leases calls that are due, in turns among tenants.

use postern_domain::{Actor, AttemptId, CallId, Timestamp, call::CallState};
use uuid::Uuid;

use super::{
    row::{COLUMNS, Call, CallLease, StoredCall, readable},
    step::{self, CallStep},
};
use crate::{
    Store, StoreError,
    open::Backend,
    polling::{
        given::{Column, Row, bound, bound_list, given, listed_ids},
        writing::{Bind, Writing, look},
    },
};

const DOING: &str = "claiming calls that are due";

/// What a claim is made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTerms {
    pub now: Timestamp,
    pub instance: Uuid,
    /// The lease outlives a try by so much.
    pub margin_ms: i64,
    /// Calls at most, by this claim.
    pub most: u32,
    /// Of one tenant at most, all that are under way anywhere counted.
    pub per_tenant: u32,
}

/// A call that is to be tried now.
#[derive(Clone, Debug, PartialEq)]
pub struct ClaimedCall {
    /// As it is since the claim.
    pub call: Call,
    pub token: AttemptId,
    /// One try may take so long: its own timeout, or what is left to the deadline.
    pub timeout_ms: i64,
}

/// Goes from tenant to tenant by the index of what waits, and takes of each as many as it may have: so one with a great
/// backlog costs no more than one with a small one. A tenant's place is taken by what it has under way.
const TENANTS: &str = "
WITH RECURSIVE tenants (tenant_id) AS (
    SELECT (SELECT tenant_id FROM calls WHERE due_at IS NOT NULL ORDER BY tenant_id LIMIT 1)
    UNION ALL
    SELECT (SELECT later.tenant_id FROM calls AS later
        WHERE later.due_at IS NOT NULL AND later.tenant_id > tenants.tenant_id ORDER BY later.tenant_id LIMIT 1)
    FROM tenants WHERE tenants.tenant_id IS NOT NULL),
busy AS (SELECT tenant_id, count(*) AS number FROM calls WHERE lease_token IS NOT NULL GROUP BY tenant_id),
ranked AS (
    SELECT next.id, next.due_at, coalesce(busy.number, 0)
        + row_number() OVER (PARTITION BY tenants.tenant_id ORDER BY next.due_at, next.id) AS place
    FROM tenants {next} LEFT JOIN busy ON busy.tenant_id = tenants.tenant_id)
SELECT id FROM ranked WHERE place <= $2 ORDER BY place, due_at, id LIMIT $3";
const NEXT: &str = "SELECT waiting.id, waiting.due_at FROM calls AS waiting WHERE waiting.tenant_id = tenants.tenant_id \
    AND waiting.due_at IS NOT NULL AND waiting.due_at <= $1 AND waiting.deadline_at > $1 ORDER BY waiting.due_at LIMIT $2";

const LEASE: &[Column] =
    &[Column::Uuid("of_call"), Column::Uuid("token"), Column::Int("steps"), Column::Long("lease_us")];

impl Store {
    /// Leases calls that are due and not past their deadline. An answer is a lease: each must be settled.
    ///
    /// # Errors
    /// When the database does not answer. Whether something was leased is then not known; it is found among
    /// [`Store::lost_calls`] when the lease is over.
    pub async fn claim_calls(&self, terms: &CallTerms) -> Result<Vec<ClaimedCall>, StoreError> {
        let picked = self.pick_calls(terms).await?;
        if picked.is_empty() {
            return Ok(Vec::new());
        }
        let mut tx = Writing::begin(self, DOING).await?;
        let listing = bound_list(picked.iter().map(|(id,)| id.as_bytes().as_slice()));
        let now = Bind::Long(terms.now.as_micros());
        let found: Vec<StoredCall> = tx.fetch(DOING, still_due(tx.backend()), &[Bind::Text(&listing), now]).await?;
        let claims: Vec<(ClaimedCall, Vec<CallStep>)> =
            readable(found).into_iter().map(|call| claimed(call, terms)).collect();
        if claims.is_empty() {
            return Ok(Vec::new());
        }
        let rows = bound(claims.iter().map(|(claim, steps)| {
            Row::default()
                .uuid("of_call", claim.call.id.uuid())
                .uuid("token", claim.token.uuid())
                .int("steps", steps.len())
                .int("lease_us", claim.timeout_ms.saturating_add(terms.margin_ms).saturating_mul(1_000))
        }));
        let (clock, by_index) = match tx.backend() {
            Backend::Sqlite => ("$3", ""),
            Backend::Postgres => (
                "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint",
                " AND id = ANY (ARRAY(SELECT of_call FROM given))",
            ),
        };
        let sql = format!(
            "WITH {} UPDATE calls SET state = 'running', version = version + given.steps, due_at = NULL, \
             started_at = coalesce(started_at, $3), lease_token = given.token, leased_by = $2, leased_at = $3, \
             leased_until = {clock} + given.lease_us FROM given WHERE id = given.of_call{by_index}",
            given(tx.backend(), LEASE),
        );
        tx.execute(DOING, sql, &[Bind::Text(&rows), Bind::Uuid(terms.instance), now]).await?;
        let steps = claims.iter().flat_map(|(claim, steps)| steps.iter().map(|step| (claim.call.id, step)));
        let steps: Vec<(CallId, &CallStep)> = steps.collect();
        step::write(&mut tx, DOING, &steps).await?;
        tx.commit(self, DOING).await?;
        Ok(claims.into_iter().map(|(claim, _)| claim).collect())
    }

    /// Who is next, before anything is locked: on SQLite others write meanwhile.
    async fn pick_calls(&self, terms: &CallTerms) -> Result<Vec<(Uuid,)>, StoreError> {
        let next = match self.backend() {
            Backend::Sqlite => {
                let ids = NEXT.replace("SELECT waiting.id, waiting.due_at", "SELECT waiting.id");
                format!("JOIN calls AS next ON next.id IN ({ids})")
            }
            Backend::Postgres => format!("CROSS JOIN LATERAL ({NEXT}) AS next"),
        };
        let binds = [
            Bind::Long(terms.now.as_micros()),
            Bind::Long(i64::from(terms.per_tenant)),
            Bind::Long(i64::from(terms.most)),
        ];
        look(self, DOING, TENANTS.replace("{next}", &next), &binds).await
    }
}

/// What another replica claims at this moment is passed over.
fn still_due(backend: Backend) -> String {
    let lock = if backend == Backend::Postgres { " FOR UPDATE SKIP LOCKED" } else { "" };
    format!(
        "SELECT {COLUMNS} FROM calls WHERE id {} AND due_at IS NOT NULL AND due_at <= $2{lock}",
        listed_ids(backend, 1)
    )
}

/// One whose time has come is queued, and then runs.
fn claimed(mut call: Call, terms: &CallTerms) -> (ClaimedCall, Vec<CallStep>) {
    let now = terms.now;
    let mut steps = Vec::with_capacity(2);
    let mut go = |call: &mut Call, to: CallState, why: &str| {
        call.version += 1;
        let from = Some(std::mem::replace(&mut call.state, to));
        steps.push(CallStep { version: call.version, from, to, at: now, actor: Actor::engine(), why: why.to_owned() });
    };
    if call.state != CallState::Queued {
        go(&mut call, CallState::Queued, "its time has come");
    }
    let why = format!("attempt {}", call.attempts.saturating_add(1));
    go(&mut call, CallState::Running, &why);
    let token = AttemptId::fresh();
    call.due_at = None;
    call.started_at = call.started_at.or(Some(now));
    call.lease = Some(CallLease { token, by: terms.instance, at: now });
    let timeout_ms = (i64::from(call.policy.timeout_s) * 1_000).min(call.deadline_at.ms_since(now)).max(1);
    (ClaimedCall { call, token, timeout_ms }, steps)
}
