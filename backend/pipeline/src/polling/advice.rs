//! What a source's own traffic says about how it should be fed.

use postern_domain::{SourceId, TenantScope, Timestamp, source::SourceKind};
use postern_polling::{
    Schedule,
    advice::{Advice, Alarm, Inputs, Loss, Method, Offered, Silence, advise, alarm},
};
use postern_store::{StoreError, polling::AdviceInputs};

use crate::{Engine, SourceEntry};

/// What is older says little about today.
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;
/// So much longer than usual is a silence.
const SILENT_GAPS: i64 = 6;
const SILENT_MS: i64 = 30 * 60 * 1_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Advised {
    pub advice: Advice,
    /// Whether somebody should look at the webhooks of this source.
    pub alarm: Option<Alarm>,
}

/// `None` when the tenant has no such source.
///
/// # Errors
/// When the database does not answer.
pub async fn advice(engine: &Engine, scope: TenantScope, id: SourceId) -> Result<Option<Advised>, StoreError> {
    let source = engine.routing.source(id).await?.filter(|source| source.tenant == scope.tenant_id());
    let Some(source) = source else { return Ok(None) };
    let now = engine.clock.now();
    let since = now.plus_secs(-DAYS * DAY_S);
    let Some(measured) = engine.store.tenant(scope).advice_inputs(id, since).await? else { return Ok(None) };
    let inputs = inputs(&source, &measured, now);
    let loss = Loss::of(inputs.lost, inputs.confirmed);
    let quiet_ms = usual_gap_ms(&measured, now).saturating_mul(SILENT_GAPS).max(SILENT_MS);
    let recent = match source.poll {
        Some(_) if source.kind == SourceKind::Webhook => {
            engine.store.tenant(scope).advice_inputs(id, now.plus_ms(-quiet_ms)).await?
        }
        _ => None,
    };
    let silence = recent.and_then(|recent| silence(&measured, &recent, quiet_ms, now));
    let alarm = alarm(loss.as_ref(), silence.as_ref(), now);
    Ok(Some(Advised { advice: advise(&inputs), alarm }))
}

/// Between two webhooks, on the average of all that was measured.
fn usual_gap_ms(measured: &AdviceInputs, now: Timestamp) -> i64 {
    measured.first_at.map_or(0, |first| now.ms_since(first) / measured.pushed_events.max(1))
}

/// None of the webhooks that there used to be came within `quiet_ms`.
fn silence(measured: &AdviceInputs, recent: &AdviceInputs, quiet_ms: i64, now: Timestamp) -> Option<Silence> {
    let is_silent = measured.pushed_events > 0 && recent.pushed_events == 0;
    is_silent.then(|| Silence {
        last_webhook_at: now.plus_ms(-quiet_ms - 1),
        usual_gap_ms: usual_gap_ms(measured, now),
        poll_sees_changes: recent.runs.counts.lost > 0,
    })
}

fn inputs(source: &SourceEntry, measured: &AdviceInputs, now: Timestamp) -> Inputs {
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    let lags = |lags: &[(i16, i64)]| lags.iter().map(|(bucket, number)| (*bucket, count(*number))).collect();
    let (runs, counts) = (&measured.runs, &measured.runs.counts);
    let days = measured.first_at.map_or(0, |first| now.ms_since(first) / (DAY_S * 1_000));
    let settings = source.poll.as_deref();
    let interval_s = settings.and_then(|settings| match &settings.schedule {
        Schedule::Interval { interval_s, .. } => Some(*interval_s),
        Schedule::Cron { .. } => None,
    });
    Inputs {
        method: match (source.kind, settings) {
            (SourceKind::Webhook, Some(_)) => Method::WebhookAndPoll,
            (SourceKind::Webhook | SourceKind::Publish, None) => Method::Webhook,
            _ => Method::Poll,
        },
        days: u32::try_from(days).unwrap_or(0),
        webhooks_offered: if source.kind == SourceKind::Webhook { Offered::Yes } else { Offered::Unknown },
        events: count(measured.pushed_events + measured.polled_events),
        webhook_requests: count(measured.pushed_events),
        webhook_events: count(measured.pushed_events),
        runs: count(runs.runs),
        empty_runs: count(runs.empty),
        requests: count(counts.requests),
        not_modified: count(counts.not_modified),
        pages: count(counts.pages),
        bytes: count(counts.bytes),
        changes: count(counts.emitted + counts.confirmed + counts.duplicates),
        lost: count(counts.lost),
        confirmed: count(counts.confirmed),
        interval_s,
        run_ms: (runs.runs > 0).then(|| count(runs.spent_ms / runs.runs)),
        retention_s: settings.and_then(|settings| settings.cursor.retention_s),
        webhook_lags: lags(&measured.webhook_lags.0),
        poll_lags: lags(&measured.poll_lags.0),
        ..Inputs::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_alarms_only_while_the_poll_sees_what_webhooks_should_have_brought() {
        let now = Timestamp::from_secs(1_772_359_200);
        let measured = AdviceInputs {
            first_at: Some(now.plus_secs(-10 * DAY_S)),
            pushed_events: 1_000,
            ..AdviceInputs::default()
        };
        let quiet_ms = usual_gap_ms(&measured, now) * SILENT_GAPS;
        let mut recent = AdviceInputs::default();
        let found = |recent: &AdviceInputs| alarm(None, silence(&measured, recent, quiet_ms, now).as_ref(), now);
        assert_eq!(found(&recent), None, "there may be no news");
        recent.runs.counts.lost = 2;
        assert_eq!(found(&recent), Some(Alarm::Silent));
        recent.pushed_events = 1;
        assert_eq!(found(&recent), None);
    }
}
