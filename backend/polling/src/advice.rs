//! Which method fits a source: its own traffic measured, what the other method would cost and give, and a
//! recommendation that says what it rests on.
//!
//! Start reading at [`advise`]. Before there is data, [`first_choice`] decides by four questions. How much webhooks lost
//! and how late things came is in [`loss`] and [`lag`], and when that is an alarm in [`mod@alarm`].

mod alarm;
mod cost;
mod first;
mod lag;
mod loss;
pub mod provider;
mod reasons;

use serde::Serialize;

pub use alarm::{Alarm, Compared, LOSS_WINDOW_S, Silence, Standing, alarm, usual_gap_ms};
pub use cost::Alternative;
pub use first::{Questions, first_choice};
pub use lag::{Lag, bucket, bucket_ms, percentile_ms};
pub use loss::{Loss, wilson};

/// Below these a recommendation would rest on chance.
pub const MIN_DAYS: u32 = 7;
pub const MIN_EVENTS: u64 = 100;

/// How events come to a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    Webhook,
    #[default]
    Poll,
    /// Webhooks, and a poll that brings what they lost.
    WebhookAndPoll,
}

/// Whether the provider has webhooks to give.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Offered {
    Yes,
    No,
    /// Only in a plan that the customer does not have.
    PlanLocked,
    #[default]
    Unknown,
}

/// Who says what the provider permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitFrom {
    /// The settings of the source.
    Declared,
    /// The provider's answers, the last time it said.
    Headers,
}

/// What was measured of a source over `days`, and what its owner has said about it. Counts are of that whole time; what
/// is not known is `None`, and no rule goes by it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inputs {
    pub method: Method,
    pub days: u32,
    pub webhooks_offered: Offered,
    /// Events taken in, by whichever way.
    pub events: u64,
    /// Requests that webhooks made: events, and the duplicates that are on record.
    pub webhook_requests: u64,
    /// What those brought as events.
    pub webhook_events: u64,
    /// Webhooks that came after the poll had made the event: the first of their events, and duplicates nonetheless.
    pub late: u64,
    /// Runs of the poll, and those of them that found nothing or did not read the list.
    pub runs: u64,
    pub empty_runs: u64,
    pub failed_runs: u64,
    /// Requests that the runs made, and those of them that were answered with 304.
    pub requests: u64,
    pub not_modified: u64,
    pub pages: u64,
    /// Items on them.
    pub records: u64,
    pub bytes: u64,
    /// New and changed records that the runs found, by whichever way they had come.
    pub changes: u64,
    /// Of the reconciliation.
    pub lost: u64,
    pub confirmed: u64,
    pub unmatched: u64,
    /// Between two runs, as set or as it is now.
    pub interval_s: Option<u32>,
    /// How long a run takes.
    pub run_ms: Option<u64>,
    /// How late an event may be.
    pub freshness_s: Option<u32>,
    /// What the provider permits, and who says so.
    pub limit_per_hour: Option<u64>,
    pub limit_from: Option<LimitFrom>,
    /// Whether a 304 does not count against that.
    pub not_modified_is_free: Option<bool>,
    /// How long the provider keeps its records.
    pub retention_s: Option<u32>,
    /// How many objects a whole list has, where the API has nothing else to offer.
    pub whole_list_objects: Option<u64>,
    /// Counts by bucket: [`bucket`].
    #[serde(skip)]
    pub webhook_lags: Vec<(i16, u64)>,
    #[serde(skip)]
    pub poll_lags: Vec<(i16, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    NotEnoughData,
    Poll,
    Webhook,
    WebhookAndPoll,
    /// No interval within the limits meets what is asked for.
    Infeasible,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Sample {
    pub days: u32,
    pub events: u64,
    pub runs: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Lags {
    pub webhook: Option<Lag>,
    pub poll: Option<Lag>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Advice {
    pub recommendation: Recommendation,
    pub enough_data: bool,
    /// Short sentences, the weightiest first; each names the number it rests on.
    pub reasons: Vec<String>,
    pub inputs: Inputs,
    pub sample: Sample,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    pub lag: Lags,
    /// What each method would cost and give.
    pub alternatives: Vec<Alternative>,
}

/// What to do with a source, from its own traffic.
#[must_use]
pub fn advise(inputs: &Inputs) -> Advice {
    let loss = Loss::of(inputs.lost, inputs.confirmed).map(|loss| loss.with_late(inputs.lost, inputs.late));
    let enough_data = inputs.days >= MIN_DAYS && inputs.events >= MIN_EVENTS;
    let (recommendation, reasons) = if enough_data {
        reasons::weigh(inputs, loss.as_ref())
    } else {
        (Recommendation::NotEnoughData, reasons::not_enough(inputs))
    };
    Advice {
        recommendation,
        enough_data,
        reasons,
        inputs: inputs.clone(),
        sample: Sample { days: inputs.days, events: inputs.events, runs: inputs.runs },
        loss,
        lag: Lags { webhook: Lag::of(&inputs.webhook_lags), poll: Lag::of(&inputs.poll_lags) },
        alternatives: cost::alternatives(inputs),
    }
}

#[cfg(test)]
mod tests;
