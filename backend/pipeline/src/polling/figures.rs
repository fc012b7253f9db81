//! What operators see of polling.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Ending {
    pub state: &'static str,
}

/// Of an alarm.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Kind {
    pub kind: &'static str,
}

/// Counted over all sources: tenants and sources have no bound, labels must.
#[derive(Debug)]
pub struct Figures {
    pub runs: Family<Ending, Counter>,
    pub requests: Counter,
    pub records: Counter,
    pub emitted: Counter,
    pub running: Gauge,
    pub start_delay: Histogram,
    pub commit_page: Histogram,
    pub stalled: Gauge,
    pub alarms: Family<Kind, Gauge>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            runs: Family::default(),
            requests: Counter::default(),
            records: Counter::default(),
            emitted: Counter::default(),
            running: Gauge::default(),
            start_delay: Histogram::new(exponential_buckets(0.015_625, 2.0, 12)),
            commit_page: Histogram::new(exponential_buckets(0.001, 2.0, 14)),
            stalled: Gauge::default(),
            alarms: Family::default(),
        }
    }
}

impl Figures {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("poll_runs", "Runs of poll sources, by how they ended", self.runs.clone());
        registry.register("poll_requests", "Requests to polled APIs", self.requests.clone());
        registry.register("poll_records", "Records that polled pages held", self.records.clone());
        registry.register("poll_emitted", "Records that became events", self.emitted.clone());
        registry.register("poll_running", "Runs under way", self.running.clone());
        registry.register_with_unit(
            "poll_start_delay",
            "From the moment a run was due to its start",
            Unit::Seconds,
            self.start_delay.clone(),
        );
        registry.register_with_unit(
            "poll_commit_page",
            "Duration of a page's transaction",
            Unit::Seconds,
            self.commit_page.clone(),
        );
        registry.register("webhook_alarms", "Sources whose webhooks lose too much or are silent", self.alarms.clone());
        registry.register("poll_stalled", "Poll sources that have had no good run for too long", self.stalled.clone());
    }
}
