//! Looks after webhooks by the poll beside them: raises the alarm, has the poll hurry while it stands, and ends it.
//!
//! The rules are in `postern_polling::advice`. A run judges only when it found something lost, and one that finds
//! nothing asks no more of the database than any other; [`watch_polls`](Engine::watch_polls) judges those that have
//! turned silent since. What stands is in the row of the source, so it survives a restart and holds on every replica.

use postern_domain::{Actor, SourceId, TenantId, TenantScope, Timestamp};
use postern_polling::{
    PollSettings,
    advice::{Alarm, Compared, LOSS_WINDOW_S, Loss, Silence, Standing, alarm, usual_gap_ms},
};
use postern_store::{
    StoreError,
    polling::{AlarmRaised, PollState},
    tenant::Altered,
};
use serde_json::{Value, json};

use super::{
    figures::Kind,
    run::{Finish, Run},
};
use crate::Engine;

/// What is known before anything is asked of the database.
#[derive(Clone, Copy, Debug)]
pub(super) struct Suspect {
    pub(super) tenant: TenantId,
    pub(super) source: SourceId,
    pub(super) last_lost_at: Timestamp,
    pub(super) alarm_ended_at: Option<Timestamp>,
}

/// The alarm that stands for a source.
pub(super) fn standing(state: &PollState) -> Option<Standing> {
    serde_json::from_value(state.alarm.clone()?).ok()
}

/// How far apart runs are while the poll hurries: as close as its owner has allowed by adapting, otherwise as close as
/// the operator allows. `usual_ms` may be shorter than that already.
pub(super) fn hurried_ms(settings: &PollSettings, floor_s: u32, usual_ms: i64) -> i64 {
    let shortest_s = settings.adaptive.map_or(floor_s, |adaptive| adaptive.min_s.max(floor_s));
    usual_ms.min(i64::from(shortest_s.max(1)) * 1_000)
}

impl Run {
    /// The alarm as this run leaves it. Where the database does not answer it stays as it was: the next run judges too.
    pub(super) async fn judge_webhooks(&mut self, finish: &Finish) {
        if !self.reconciles() {
            return;
        }
        let id = self.holding.source;
        self.alarm = match self.judged(finish).await {
            Ok(alarm) => alarm,
            Err(cause) => {
                tracing::warn!(source.id = %id, %cause, "The webhooks of `{id}` could not be judged yet");
                self.alarm
            }
        };
    }

    async fn judged(&self, finish: &Finish) -> Result<Option<Standing>, StoreError> {
        let (engine, now) = (&self.engine, self.engine.clock.now());
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let run = Compared {
            lost: count(self.row.counts.lost),
            confirmed: count(self.row.counts.confirmed),
            is_conclusive: matches!(finish, Finish::Complete | Finish::Unchanged) && !self.is_awaiting,
        };
        let suspect = Suspect {
            tenant: self.holding.tenant,
            source: self.holding.source,
            last_lost_at: now,
            alarm_ended_at: self.state.alarm_ended_at,
        };
        match self.alarm.map(|alarm| alarm.after(run, now)) {
            None if run.lost == 0 => Ok(None),
            None => Box::pin(engine.alarm_for(suspect, None)).await,
            Some(alarm) if alarm.is_over(now) => {
                Box::pin(engine.end_alarm(suspect, alarm)).await?;
                Ok(None)
            }
            standing => Ok(standing),
        }
    }
}

impl Engine {
    /// Raises the alarm, if there is reason to. `due_at` is for a source whose next run may be far off.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn alarm_for(
        &self,
        suspect: Suspect,
        due_at: Option<Timestamp>,
    ) -> Result<Option<Standing>, StoreError> {
        let Suspect { tenant, source, last_lost_at, .. } = suspect;
        let Some(standing) = self.judge(suspect).await? else { return Ok(None) };
        let mut tx = self.store.tenant(TenantScope::from_owned_row(tenant)).begin(&Actor::engine()).await?;
        let alarm = serde_json::to_value(standing).unwrap_or(Value::Null);
        let raised = AlarmRaised { source, alarm, due_at, data: told(&standing) };
        if tx.raise_alarm(raised).await? == Altered::No {
            return Ok(None);
        }
        tx.commit().await?;
        let kind = standing.kind.as_str();
        self.metrics.polling.alarms.get_or_create(&Kind { kind }).inc();
        let Standing { lost, n, .. } = standing;
        tracing::warn!(
            source.id = %source, kind, lost, n, last_lost_at = %last_lost_at,
            "Webhooks of `{source}` raise an alarm ({kind}): {lost} of {n} events were not brought; its poll hurries"
        );
        Ok(Some(standing))
    }

    async fn end_alarm(&self, suspect: Suspect, alarm: Standing) -> Result<(), StoreError> {
        let Suspect { tenant, source, .. } = suspect;
        let mut tx = self.store.tenant(TenantScope::from_owned_row(tenant)).begin(&Actor::engine()).await?;
        let reason = if alarm.heard { "webhooks come again" } else { "nothing was lost for a day" };
        let data = json!({ "alarm": told(&alarm), "reason": reason, "clean_runs": alarm.clean_runs });
        if tx.end_alarm(source, data).await? == Altered::No {
            return Ok(());
        }
        tx.commit().await?;
        let kind = alarm.kind.as_str();
        self.metrics.polling.alarms.get_or_create(&Kind { kind }).dec();
        tracing::info!(source.id = %source, kind, "The alarm ({kind}) about webhooks of `{source}` is over: {reason}");
        Ok(())
    }

    /// From what runs found within the window, and from when webhooks came.
    async fn judge(&self, suspect: Suspect) -> Result<Option<Standing>, StoreError> {
        let Suspect { source, last_lost_at, alarm_ended_at, .. } = suspect;
        let now = self.clock.now();
        let since = now.plus_secs(-LOSS_WINDOW_S).max(alarm_ended_at.unwrap_or_default());
        let counts = self.store.webhook_counts(source, since).await?;
        let webhooks = self.store.webhook_arrivals(source).await?;
        let silence = webhooks.last().map(|last| Silence {
            last_webhook_at: *last,
            usual_gap_ms: usual_gap_ms(&webhooks).unwrap_or(0),
            poll_sees_changes: last_lost_at > *last,
        });
        let loss = Loss::of(counts.lost, counts.confirmed);
        Ok(alarm(loss.as_ref(), silence.as_ref(), now).map(|kind| Standing {
            kind,
            since: now,
            lost: counts.lost,
            n: counts.lost + counts.confirmed,
            last_webhook_at: silence.filter(|_| kind == Alarm::Silent).map(|silence| silence.last_webhook_at),
            last_lost_at,
            clean_runs: 0,
            heard: false,
        }))
    }
}

/// For whoever reads the audit trail.
fn told(alarm: &Standing) -> Value {
    json!({
        "kind": alarm.kind, "since": alarm.since, "lost": alarm.lost, "n": alarm.n, "rate": alarm.rate(),
        "last_webhook_at": alarm.last_webhook_at,
    })
}
