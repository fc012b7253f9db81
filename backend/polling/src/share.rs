//! When those who share a budget want more than it has, each of them runs less often, in proportion to what it wants.
//!
//! So all of them get something, and go on getting it: who asks for whatever is left when it comes would leave nothing to
//! those who come later. A source that wants little keeps its pace.

use serde::{Deserialize, Serialize};

use crate::{
    adaptive::Pace,
    settings::Budget,
    taken::{longest_ms, reserve},
};

/// Of an equal share so much is everybody's, whatever the others want.
const FLOOR_PART: f64 = 4.0;
/// What the latest run counts in the mean.
const LATEST: f64 = 0.25;
/// The longest interval that this leads to.
const MAX_INTERVAL_MS: f64 = 7.0 * 86_400_000.0;

/// What a source wants of a budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Want {
    /// That a run makes, as the latest have shown.
    pub requests: f64,
    /// How far apart the runs are meant to be.
    pub interval_ms: i64,
}

/// What a source may have of a budget that has too little.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share {
    /// Its interval is so many times as long.
    pub slowdown: f64,
    /// What all who share the budget want in `budget.per_s` seconds.
    pub wanted: f64,
    pub budget: Budget,
}

/// Why an interval is longer than it is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slowed {
    /// As it is now.
    pub interval_ms: i64,
    /// Requests that all who share the budget want in `per_s` seconds, rounded up.
    pub wanted: u64,
    /// What it has in that time.
    pub requests: u32,
    pub per_s: u32,
}

/// What the row of a source remembers of its pace, in `rate`. What is as usual is left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered {
    #[serde(flatten)]
    pub pace: Option<Pace>,
    /// The mean of what it takes to read the list; usually one request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<f64>,
    /// What was spent on a list that is not read to its end yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub so_far: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slowed: Option<Slowed>,
}

/// What each may have, in their order; `None` where the budget is enough for all.
#[must_use]
pub fn shares(wants: &[Want], budget: Budget) -> Option<Vec<Share>> {
    let demands: Vec<f64> = wants.iter().map(Want::per_ms).collect();
    let total: f64 = demands.iter().sum();
    let has = per_ms(budget);
    if total <= has {
        return None;
    }
    let floor = has / (FLOOR_PART * wants.len() as f64);
    let wanted = total * f64::from(budget.per_s) * 1_000.0;
    let scale = scale(&demands, has, floor);
    let share = |demand: &f64| {
        let given = (demand * scale).max(demand.min(floor));
        Share { slowdown: (demand / given).max(1.0), wanted, budget }
    };
    Some(demands.iter().map(share).collect())
}

impl Want {
    fn per_ms(&self) -> f64 {
        self.requests.max(0.01) / self.interval_ms.max(1_000) as f64
    }
}

impl Share {
    /// The interval that becomes of one; `None` where it stays.
    #[must_use]
    pub fn slowed(&self, interval_ms: i64) -> Option<Slowed> {
        let longer_ms = (interval_ms as f64 * self.slowdown).min(MAX_INTERVAL_MS).ceil() as i64;
        (longer_ms > interval_ms).then_some(Slowed {
            interval_ms: longer_ms,
            // Whole but for what sums of fractions leave behind.
            wanted: (self.wanted - 1e-6).ceil() as u64,
            requests: self.budget.requests,
            per_s: self.budget.per_s,
        })
    }
}

impl Remembered {
    /// Takes in a run that came to the end of the list.
    pub fn note_whole(&mut self, requests: i64) {
        let made = self.so_far.take().unwrap_or(0).saturating_add(requests.max(0)) as f64;
        let before = self.requests.unwrap_or(1.0);
        self.set_mean(before + (made - before) * LATEST);
    }

    /// Takes in a run that was cut short: the list takes at least so much.
    pub fn note_part(&mut self, requests: i64) {
        let so_far = self.so_far.unwrap_or(0).saturating_add(requests.max(0));
        self.so_far = Some(so_far);
        self.set_mean(self.requests.unwrap_or(1.0).max(so_far as f64));
    }

    fn set_mean(&mut self, mean: f64) {
        let mean = (mean * 100.0).round() / 100.0;
        self.requests = Some(mean).filter(|mean| (mean - 1.0).abs() > 0.01);
    }

    #[must_use]
    pub fn want(&self, interval_ms: i64) -> Want {
        Want { requests: self.requests.unwrap_or(1.0), interval_ms }
    }
}

/// What of a demand is given to those who get more than the floor: the rest of the budget, in proportion.
fn scale(demands: &[f64], has: f64, floor: f64) -> f64 {
    let mut scale = has / demands.iter().sum::<f64>();
    // Whoever gets the floor takes from the others, who may come to the floor by that: each turn adds one at least.
    for _ in demands {
        let is_at_floor = |demand: f64| demand * scale <= demand.min(floor);
        let (mut given, mut rest) = (0.0, 0.0);
        for demand in demands {
            if is_at_floor(*demand) { given += demand.min(floor) } else { rest += demand }
        }
        let next = if rest > 0.0 { (has - given) / rest } else { scale };
        if (next - scale).abs() <= f64::EPSILON * scale {
            break;
        }
        scale = next;
    }
    scale
}

/// What the timetable may take of it, in the long run.
fn per_ms(budget: Budget) -> f64 {
    let requests = u64::from(budget.requests);
    (requests - reserve(requests)) as f64 / longest_ms(budget) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Budget = Budget { requests: 60, per_s: 60 };

    fn want(requests: f64, interval_s: i64) -> Want {
        Want { requests, interval_ms: interval_s * 1_000 }
    }

    fn slowdowns(wants: &[Want]) -> Vec<f64> {
        shares(wants, BUDGET).expect("too little").into_iter().map(|share| share.slowdown).collect()
    }

    /// What they ask for in the span of the budget, slowed.
    fn spent(wants: &[Want]) -> f64 {
        let slowed = wants.iter().zip(slowdowns(wants));
        slowed.map(|(want, slowdown)| want.per_ms() / slowdown).sum::<f64>() / per_ms(BUDGET)
    }

    #[test]
    fn a_budget_that_is_enough_slows_nobody_down() {
        assert_eq!(shares(&[want(1.0, 60), want(50.0, 60)], BUDGET), None);
        assert_eq!(shares(&[], BUDGET), None);
    }

    #[test]
    fn those_who_want_the_same_get_the_same() {
        let four = [want(50.0, 60); 4];
        let factors = slowdowns(&four);
        assert!(factors.iter().all(|slowdown| (slowdown - factors[0]).abs() < 1e-9), "{factors:?}");
        assert!((3.7..4.0).contains(&factors[0]), "200 of 54 in a little more than a minute: {factors:?}");
        assert!((spent(&four) - 1.0).abs() < 1e-6);
        let slowed = shares(&four, BUDGET).expect("too little")[0].slowed(60_000).expect("longer");
        assert_eq!((slowed.wanted, slowed.requests, slowed.per_s), (200, 60, 60));
        assert!((222_000..240_000).contains(&slowed.interval_ms), "{slowed:?}");
    }

    #[test]
    fn who_wants_little_keeps_its_pace_and_the_others_pay() {
        let wants = [want(1.0, 60), want(500.0, 60), want(500.0, 120)];
        let factors = slowdowns(&wants);
        assert!((factors[0] - 1.0).abs() < 1e-9, "{factors:?}");
        assert!((factors[1] - factors[2]).abs() < 1e-6 && factors[1] > 10.0, "{factors:?}");
        assert!((spent(&wants) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn nobody_gets_less_than_the_floor() {
        let wants = [want(20.0, 60), want(100_000.0, 60), want(30.0, 60)];
        let factors = slowdowns(&wants);
        let floor = per_ms(BUDGET) / (FLOOR_PART * 3.0);
        for (want, slowdown) in wants.iter().zip(&factors) {
            assert!(want.per_ms() / slowdown >= floor * (1.0 - 1e-9), "{want:?}: {slowdown}");
        }
        assert!((spent(&wants) - 1.0).abs() < 1e-6, "{factors:?}");
    }

    #[test]
    fn many_sources_share_without_starving_any() {
        let wants: Vec<Want> =
            (1..=1_000).map(|number| want(f64::from(number % 37) / 3.0, 5 + i64::from(number))).collect();
        assert!((spent(&wants) - 1.0).abs() < 1e-6, "{}", spent(&wants));
        assert!(slowdowns(&wants).iter().all(|slowdown| *slowdown >= 1.0 && slowdown.is_finite()));
    }

    #[test]
    fn the_mean_follows_what_runs_make() {
        let mut remembered = Remembered::default();
        remembered.note_whole(1);
        assert_eq!(remembered, Remembered::default(), "what is usual is not written");
        for _ in 0..40 {
            remembered.note_whole(9);
        }
        assert!(remembered.requests.is_some_and(|mean| (8.9..=9.0).contains(&mean)), "{remembered:?}");
        remembered.note_part(3);
        assert!(remembered.requests.is_some_and(|mean| mean > 8.9), "it was cut short: {remembered:?}");
        remembered.note_part(30);
        assert_eq!(remembered.requests, Some(33.0), "both are of one list");
        remembered.note_whole(0);
        assert_eq!((remembered.requests, remembered.so_far), (Some(33.0), None));
    }

    #[test]
    fn what_is_remembered_reads_back_beside_a_pace_and_without() {
        let slowed = Slowed { interval_ms: 90_000, wanted: 90, requests: 60, per_s: 60 };
        for pace in [None, Some(Pace { interval_ms: 5_000, changes_per_s: 0.5 })] {
            let remembered = Remembered { pace, requests: Some(3.25), so_far: Some(7), slowed: Some(slowed) };
            let written = serde_json::to_value(remembered).expect("JSON");
            assert_eq!(
                serde_json::from_value::<Remembered>(written.clone()).expect("the same"),
                remembered,
                "{written}"
            );
        }
        let of_before = serde_json::json!({"interval_ms": 5_000, "changes_per_s": 0.5});
        let read: Remembered = serde_json::from_value(of_before).expect("as it was");
        assert!(read.pace.is_some() && read.requests.is_none());
    }
}
