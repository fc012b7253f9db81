//! A first choice from four questions, before there is anything to measure.

use serde::Deserialize;

use super::{Advice, Inputs, Method, Offered, Recommendation, Sample, cost};

const HOUR_S: u32 = 3_600;
const MANY_OBJECTS: u64 = 10_000;
const MIN_INTERVAL_S: u64 = 5;
/// Of the limit, polls should leave this share to others.
const BUDGET_SHARE: u64 = 2;
/// Below this a poll asks more often than most providers like.
const HASTE_S: u32 = 30;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Questions {
    pub offers_webhooks: Offered,
    /// How late an event may be.
    pub freshness_s: Option<u32>,
    /// How many objects there are.
    pub objects: Option<u64>,
    /// Requests that the provider permits.
    pub limit_per_hour: Option<u64>,
    /// The API has no "changed since": each run reads the whole list.
    pub lists_all_only: bool,
    /// How many objects one page holds; 100 where it is not said.
    pub page_size: Option<u32>,
}

/// Which method to begin with.
#[must_use]
pub fn first_choice(questions: &Questions) -> Advice {
    let requests = requests_per_run(questions);
    let shortest_s = questions.limit_per_hour.map_or(MIN_INTERVAL_S, |limit| {
        let runs = (limit / BUDGET_SHARE / requests).max(1);
        u64::from(HOUR_S).div_ceil(runs).max(MIN_INTERVAL_S)
    });
    let shortest_s = if questions.limit_per_hour == Some(0) { u64::from(u32::MAX) } else { shortest_s };
    let freshness_s = questions.freshness_s.unwrap_or(HOUR_S);
    let (recommendation, mut reasons) = choose(questions, freshness_s, shortest_s);
    if questions.limit_per_hour.is_some() && shortest_s > MIN_INTERVAL_S {
        reasons.push(format!("Half of the limit permits a run of {requests} requests every {shortest_s} s."));
    }
    let interval_s = u32::try_from(shortest_s.max(u64::from(freshness_s))).unwrap_or(u32::MAX);
    let inputs = Inputs {
        method: if recommendation == Recommendation::Poll { Method::Poll } else { Method::WebhookAndPoll },
        webhooks_offered: questions.offers_webhooks,
        interval_s: Some(interval_s),
        runs: 1,
        requests,
        freshness_s: questions.freshness_s,
        limit_per_hour: questions.limit_per_hour,
        whole_list_objects: questions.objects.filter(|_| questions.lists_all_only),
        ..Inputs::default()
    };
    Advice {
        recommendation,
        enough_data: false,
        reasons,
        alternatives: cost::alternatives(&inputs),
        inputs: Inputs { runs: 0, requests: 0, ..inputs },
        sample: Sample::default(),
        loss: None,
        lag: super::Lags::default(),
    }
}

fn choose(questions: &Questions, freshness_s: u32, shortest_s: u64) -> (Recommendation, Vec<String>) {
    let objects = questions.objects.unwrap_or(0);
    let too_many = questions.lists_all_only && objects > MANY_OBJECTS && freshness_s < HOUR_S;
    let too_slow = shortest_s > u64::from(freshness_s);
    match questions.offers_webhooks {
        Offered::Yes => {
            let mut reasons = vec!["Webhooks come at once; a poll beside them brings what they lose.".to_owned()];
            if too_many || too_slow {
                reasons.push(format!("Polling alone could not be within {freshness_s} s."));
            }
            (Recommendation::WebhookAndPoll, reasons)
        }
        Offered::No | Offered::PlanLocked | Offered::Unknown if too_many => {
            let reason = format!("A list of {objects} objects cannot be read whole every {freshness_s} s.");
            (Recommendation::Infeasible, vec![reason])
        }
        Offered::No | Offered::PlanLocked | Offered::Unknown if too_slow => {
            let reason =
                format!("The limit permits nothing fresher than {shortest_s} s; {freshness_s} s are asked for.");
            (Recommendation::Infeasible, vec![reason])
        }
        Offered::Unknown if freshness_s < HASTE_S => {
            let reason = format!("{freshness_s} s are little for polling: ask whether the provider offers webhooks.");
            (Recommendation::Poll, vec![reason])
        }
        Offered::Unknown => {
            (Recommendation::Poll, vec!["Polling needs nothing of the provider but its API.".to_owned()])
        }
        Offered::No => (Recommendation::Poll, vec!["The provider offers no webhooks.".to_owned()]),
        Offered::PlanLocked => (Recommendation::Poll, vec!["The provider's webhooks need another plan.".to_owned()]),
    }
}

fn requests_per_run(questions: &Questions) -> u64 {
    let page_size = u64::from(questions.page_size.unwrap_or(100).max(1));
    if questions.lists_all_only { questions.objects.unwrap_or(1).div_ceil(page_size).max(1) } else { 1 }
}
