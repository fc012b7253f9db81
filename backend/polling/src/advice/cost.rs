//! What each method costs in requests a day, and how late it is.

use serde::Serialize;

use super::{Inputs, Lag, Method, Offered};

const DAY_S: f64 = 86_400.0;
/// What a poll beside webhooks needs.
const RECONCILE_INTERVAL_S: f64 = 900.0;
/// What a poll is taken to be set to where nothing is known.
pub(super) const USUAL_INTERVAL_S: u32 = 60;

/// One method, as it would be.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Alternative {
    pub method: Method,
    /// To the provider for polls, from it for webhooks.
    pub requests_per_day: u64,
    /// Expected; as measured where that was done.
    pub lag_ms: Option<u64>,
    /// In short: what it gives or lacks.
    pub gives: String,
}

pub(super) fn alternatives(inputs: &Inputs) -> Vec<Alternative> {
    let poll = Alternative {
        method: Method::Poll,
        requests_per_day: whole(polls_per_day(inputs) * requests_per_run(inputs)),
        lag_ms: Some(poll_lag_ms(inputs)),
        gives: "Everything that the API lists; as late as the interval.".to_owned(),
    };
    if matches!(inputs.webhooks_offered, Offered::No | Offered::PlanLocked) {
        return vec![poll];
    }
    let webhook_lag_ms = Lag::of(&inputs.webhook_lags).map(|lag| lag.p50_ms);
    let webhooks = webhooks_per_day(inputs);
    let webhook = Alternative {
        method: Method::Webhook,
        requests_per_day: whole(webhooks),
        lag_ms: webhook_lag_ms,
        gives: "At once; what gets lost on the way stays lost.".to_owned(),
    };
    let both = Alternative {
        method: Method::WebhookAndPoll,
        requests_per_day: whole(webhooks + DAY_S / RECONCILE_INTERVAL_S * requests_per_run(inputs)),
        lag_ms: webhook_lag_ms,
        gives: "At once; what webhooks lose comes with the next poll, within a quarter of an hour.".to_owned(),
    };
    vec![poll, webhook, both]
}

/// Requests that count against the provider's limit, for each run.
pub(super) fn requests_per_run(inputs: &Inputs) -> f64 {
    // Where it is not known whether a 304 counts, it is taken to.
    let free = if inputs.not_modified_is_free == Some(true) { inputs.not_modified } else { 0 };
    let charged = inputs.requests.saturating_sub(free);
    if inputs.runs == 0 { 1.0 } else { charged as f64 / inputs.runs as f64 }
}

/// Of the provider's limit, the share that polling takes.
pub(super) fn quota_use(inputs: &Inputs) -> Option<f64> {
    let limit = inputs.limit_per_hour.filter(|limit| *limit > 0)?;
    Some(polls_per_day(inputs) / 24.0 * requests_per_run(inputs) / limit as f64)
}

pub(super) fn changes_per_run(inputs: &Inputs) -> Option<f64> {
    (inputs.runs > 0).then(|| inputs.changes as f64 / inputs.runs as f64)
}

fn polls_per_day(inputs: &Inputs) -> f64 {
    DAY_S / f64::from(inputs.interval_s.unwrap_or(USUAL_INTERVAL_S).max(1))
}

fn poll_lag_ms(inputs: &Inputs) -> u64 {
    let expected = u64::from(inputs.interval_s.unwrap_or(USUAL_INTERVAL_S)) * 500 + inputs.run_ms.unwrap_or(0);
    Lag::of(&inputs.poll_lags).map_or(expected, |lag| lag.p50_ms)
}

/// Events, times what the provider repeats.
fn webhooks_per_day(inputs: &Inputs) -> f64 {
    let days = f64::from(inputs.days.max(1));
    let first_ones = inputs.webhook_events.saturating_add(inputs.late);
    let repeats = if first_ones == 0 { 1.0 } else { (inputs.webhook_requests as f64 / first_ones as f64).max(1.0) };
    inputs.events as f64 / days * repeats
}

fn whole(number: f64) -> u64 {
    number.ceil() as u64
}
