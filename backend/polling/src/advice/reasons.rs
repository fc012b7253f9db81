//! The rules, each with its sentence.

use super::{
    Inputs, Loss, MIN_DAYS, MIN_EVENTS, Offered, Recommendation,
    cost::{USUAL_INTERVAL_S, changes_per_run, quota_use},
};

/// Above this a poll finds something so often that a webhook would not be cheaper.
const BUSY: f64 = 0.5;
/// Below this most polls are for nothing.
const IDLE: f64 = 0.05;
const TOLERATED_LOSS: f64 = 0.001;
const SHORT_RETENTION_S: u32 = 3 * 24 * 3_600;
const HIGH_QUOTA_USE: f64 = 0.5;
const MANY_OBJECTS: u64 = 10_000;
const HOUR_S: u32 = 3_600;

pub(super) fn not_enough(inputs: &Inputs) -> Vec<String> {
    let Inputs { days, events, .. } = inputs;
    vec![format!("{events} events in {days} days: advice takes {MIN_EVENTS} in {MIN_DAYS} days at least.")]
}

/// The first rule that decides gives the recommendation; all that apply give their sentences.
pub(super) fn weigh(inputs: &Inputs, loss: Option<&Loss>) -> (Recommendation, Vec<String>) {
    let rules = [no_webhooks(inputs), infeasible(inputs), loses(inputs, loss), quota(inputs), traffic(inputs)];
    let mut applied: Vec<(Recommendation, String)> = rules.into_iter().flatten().collect();
    // Where there are no webhooks, whatever else speaks for them says only what polling lacks.
    if inputs.webhooks_offered == Offered::No || inputs.webhooks_offered == Offered::PlanLocked {
        applied
            .retain(|(recommendation, _)| matches!(recommendation, Recommendation::Poll | Recommendation::Infeasible));
        applied.sort_by_key(|(recommendation, _)| *recommendation != Recommendation::Infeasible);
    }
    if applied.is_empty() {
        applied.push(otherwise(inputs));
    }
    let recommendation = applied.first().map_or(Recommendation::NotEnoughData, |(first, _)| *first);
    (recommendation, applied.into_iter().map(|(_, reason)| reason).collect())
}

fn no_webhooks(inputs: &Inputs) -> Option<(Recommendation, String)> {
    let reason = match inputs.webhooks_offered {
        Offered::No => "The provider offers no webhooks.",
        Offered::PlanLocked => "The provider's webhooks need another plan.",
        Offered::Yes | Offered::Unknown => return None,
    };
    Some((Recommendation::Poll, reason.to_owned()))
}

fn infeasible(inputs: &Inputs) -> Option<(Recommendation, String)> {
    let objects = inputs.whole_list_objects.filter(|objects| *objects > MANY_OBJECTS)?;
    let freshness_s = inputs.freshness_s.filter(|freshness_s| *freshness_s < HOUR_S)?;
    // Webhooks would not need the list.
    let recommendation = match inputs.webhooks_offered {
        Offered::Yes => Recommendation::WebhookAndPoll,
        Offered::No | Offered::PlanLocked | Offered::Unknown => Recommendation::Infeasible,
    };
    let reason = format!("The API lists all {objects} objects or none, which cannot be read every {freshness_s} s.");
    Some((recommendation, reason))
}

fn loses(inputs: &Inputs, loss: Option<&Loss>) -> Option<(Recommendation, String)> {
    if let Some(loss) = loss.filter(|loss| loss.rate > TOLERATED_LOSS) {
        let Loss { rate, low, high, n, late, .. } = loss;
        let (rate, low, high) = (rate * 100.0, low * 100.0, high * 100.0);
        let late = if *late > 0 { format!("; {late} of them came late") } else { String::new() };
        let reason = format!("Webhooks lost {rate:.2} % of {n} events (95 %: {low:.2} to {high:.2} %){late}.");
        return Some((Recommendation::WebhookAndPoll, reason));
    }
    let retention_s = inputs.retention_s.filter(|retention_s| *retention_s <= SHORT_RETENTION_S)?;
    let hours = retention_s / HOUR_S;
    let reason = format!("The provider keeps records for {hours} hours only: what is lost must be found soon.");
    Some((Recommendation::WebhookAndPoll, reason))
}

fn quota(inputs: &Inputs) -> Option<(Recommendation, String)> {
    let share = quota_use(inputs).filter(|share| *share > HIGH_QUOTA_USE)? * 100.0;
    let unchanged_are_free =
        if inputs.not_modified_is_free == Some(true) { "" } else { ", or a feed whose 304 is free" };
    let reason = format!("Polling takes {share:.0} % of the provider's limit; webhooks{unchanged_are_free} would not.");
    Some((Recommendation::WebhookAndPoll, reason))
}

fn traffic(inputs: &Inputs) -> Option<(Recommendation, String)> {
    let changes = changes_per_run(inputs)?;
    let interval_s = inputs.interval_s.unwrap_or(USUAL_INTERVAL_S);
    let is_fresh = inputs.freshness_s.is_none_or(|freshness_s| freshness_s >= interval_s);
    if changes > BUSY && is_fresh {
        let reason = format!("A run finds {changes:.2} changes: polling is as cheap as webhooks, and fresh enough.");
        return Some((Recommendation::Poll, reason));
    }
    if changes < IDLE && inputs.webhooks_offered == Offered::Yes {
        let share = inputs.empty_runs as f64 / inputs.runs.max(1) as f64 * 100.0;
        let reason = format!("A run finds {changes:.3} changes; {share:.0} % of the runs are for nothing.");
        return Some((Recommendation::WebhookAndPoll, reason));
    }
    let late_s = inputs.freshness_s.filter(|freshness_s| *freshness_s < interval_s)?;
    let recommendation =
        if inputs.webhooks_offered == Offered::Yes { Recommendation::WebhookAndPoll } else { Recommendation::Poll };
    Some((recommendation, format!("Events may be {late_s} s late; the interval is {interval_s} s.")))
}

/// Nothing speaks against what there is.
fn otherwise(inputs: &Inputs) -> (Recommendation, String) {
    use super::Method::{Poll, Webhook, WebhookAndPoll};
    match inputs.method {
        Poll => (Recommendation::Poll, "Nothing measured speaks against polling.".to_owned()),
        Webhook if inputs.lost + inputs.confirmed == 0 => (
            Recommendation::Webhook,
            "Nothing measured speaks against webhooks; what they lose is not measured.".to_owned(),
        ),
        Webhook => (Recommendation::Webhook, "Webhooks lose next to nothing.".to_owned()),
        WebhookAndPoll => {
            (Recommendation::WebhookAndPoll, "Webhooks lose next to nothing, and the poll proves it.".to_owned())
        }
    }
}
