//! What a source's own traffic says about how it should be fed.

use postern_domain::{SourceId, TenantScope, Timestamp, source::SourceKind};
use postern_polling::{
    Budget, Schedule,
    advice::{Advice, Inputs, LimitFrom, Method, Offered, Standing, advise, provider},
};
use postern_store::{StoreError, polling::AdviceInputs};

use super::{alarm, budget::BudgetKey};
use crate::{Engine, SourceEntry};

/// What is older says little about today.
const DAYS: i64 = 30;
const DAY_S: i64 = 86_400;

#[derive(Clone, Debug, PartialEq)]
pub struct Advised {
    pub advice: Advice,
    /// That somebody should look at the webhooks of this source now.
    pub alarm: Option<Standing>,
}

/// `None` when the tenant has no such source.
///
/// # Errors
/// When the database does not answer.
pub async fn advice(engine: &Engine, scope: TenantScope, id: SourceId) -> Result<Option<Advised>, StoreError> {
    let source = engine.routing.source(id).await?.filter(|source| source.tenant == scope.tenant_id());
    let Some(source) = source else { return Ok(None) };
    let (store, now) = (engine.store.tenant(scope), engine.clock.now());
    let Some(measured) = store.advice_inputs(id, now.plus_secs(-DAYS * DAY_S)).await? else { return Ok(None) };
    let state = if source.poll.is_some() { store.poll_state(id).await? } else { None };
    let inputs = known(engine, &source, inputs(&source, &measured, now));
    Ok(Some(Advised { advice: advise(&inputs), alarm: state.as_ref().and_then(alarm::standing) }))
}

/// What the settings, the provider's answers and the presets tell besides.
fn known(engine: &Engine, source: &SourceEntry, measured: Inputs) -> Inputs {
    let Some(settings) = source.poll.as_deref() else { return measured };
    let budget = BudgetKey { tenant: source.tenant, name: source.poll_budget.to_string() };
    let declared = settings.limits.budget.map(|budget| (per_hour(budget), LimitFrom::Declared));
    let said = || engine.polls.budgets.learned(&budget).map(|said| (per_hour(said), LimitFrom::Headers));
    let (limit_per_hour, limit_from) = declared.or_else(said).unzip();
    let has_preset = || provider::registered_name(settings).is_some_and(|name| engine.presets.find(&name).is_some());
    let webhooks_offered = match measured.webhooks_offered {
        Offered::Unknown if has_preset() => Offered::Yes,
        offered => offered,
    };
    let full_runs = measured.runs.saturating_sub(measured.failed_runs).saturating_sub(measured.not_modified);
    let is_whole = provider::lists_everything(settings) && full_runs > 0;
    Inputs {
        webhooks_offered,
        freshness_s: settings.freshness_s,
        limit_per_hour,
        limit_from,
        not_modified_is_free: provider::not_modified_is_free(settings),
        whole_list_objects: is_whole.then(|| measured.records / full_runs),
        ..measured
    }
}

fn per_hour(budget: Budget) -> u64 {
    u64::from(budget.requests) * 3_600 / u64::from(budget.per_s.max(1))
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
        webhook_requests: count(measured.pushed_events + measured.duplicates),
        webhook_events: count(measured.pushed_events),
        late: count(measured.late),
        runs: count(runs.runs),
        empty_runs: count(runs.empty),
        failed_runs: count(runs.failed),
        records: count(counts.records),
        requests: count(counts.requests),
        not_modified: count(counts.not_modified),
        pages: count(counts.pages),
        bytes: count(counts.bytes),
        changes: count(counts.emitted + counts.confirmed + counts.duplicates),
        lost: count(counts.lost),
        confirmed: count(counts.confirmed),
        unmatched: count(counts.unmatched),
        interval_s,
        run_ms: (runs.runs > 0).then(|| count(runs.spent_ms / runs.runs)),
        retention_s: settings.and_then(|settings| settings.cursor.retention_s),
        webhook_lags: lags(&measured.webhook_lags.0),
        poll_lags: lags(&measured.poll_lags.0),
        ..Inputs::default()
    }
}
