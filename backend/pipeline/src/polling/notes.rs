//! What a run has to tell beside its events: what it left out, and what it could not go on with. It stands on the run, and
//! in the audit trail when it begins to be so.

use postern_domain::{Actor, SourceId, TenantId, TenantScope};
use postern_store::{
    StoreError,
    polling::{DELETION_SKIPPED, Health, PollState, RunEnd, RunError},
};
use serde_json::{Value, json};

use super::run::Run;
use crate::Engine;

/// As a run found its source, as far as that tells what is told already.
#[derive(Debug)]
pub(super) struct Before {
    tenant: TenantId,
    source: SourceId,
    health: Health,
    skipped_deletions: bool,
    cursor: Option<Value>,
}

impl Before {
    pub(super) fn of(state: &PollState) -> Self {
        Self {
            tenant: state.tenant,
            source: state.source,
            health: state.health,
            skipped_deletions: skips_deletions(state.last_error.as_ref()),
            cursor: state.progress.cursor.clone(),
        }
    }

    /// What is so from this run on, and was not before.
    fn news(&self, end: &RunEnd) -> Option<&'static str> {
        match end.after.health {
            _ if skips_deletions(end.after.last_error.as_ref()) => {
                (!self.skipped_deletions).then_some("source.deletion_skipped")
            }
            health if health == self.health => None,
            Health::Resync => Some("source.resync"),
            Health::AuthRequired => Some("source.auth_required"),
            _ => None,
        }
    }
}

impl Run {
    /// The list may lack records that are there all the same.
    pub(super) fn skip_deletions(&mut self, reason: &str) {
        let id = self.holding.source;
        tracing::info!(source.id = %id, reason, "A run of `{id}` does not look for deletions");
        self.note = Some(RunError {
            class: DELETION_SKIPPED.to_owned(),
            http: None,
            field: Some("poll.emit".to_owned()),
            message: format!("deletions were not looked for: {reason}"),
            streak: None,
        });
    }
}

impl Engine {
    /// Goes before the end of the run is written: an entry of which a crash leaves only itself is made again, and one
    /// that comes after could be missing.
    pub(super) async fn tell_of_run(&self, before: &Before, end: &RunEnd) {
        let Some(action) = before.news(end) else { return };
        let id = before.source;
        if let Err(cause) = self.put_on_record(before, end, action).await {
            tracing::warn!(source.id = %id, %cause, action, "A run of `{id}` has no entry in the audit trail");
        }
    }

    async fn put_on_record(&self, before: &Before, end: &RunEnd, action: &str) -> Result<(), StoreError> {
        let scope = TenantScope::from_owned_row(before.tenant);
        let mut tx = self.store.tenant(scope).begin(&Actor::engine()).await?;
        let error = end.after.last_error.as_ref();
        let data = json!({
            "run": end.run.id, "cursor": before.cursor, "class": error.map(|error| &error.class),
            "http": error.and_then(|error| error.http), "field": error.and_then(|error| error.field.as_ref()),
            "message": error.map(|error| &error.message),
        });
        tx.note(action, &before.source.to_string(), data).await?;
        tx.commit().await
    }
}

fn skips_deletions(error: Option<&RunError>) -> bool {
    error.is_some_and(RunError::is_of_skipped_deletions)
}
