//! What operators see of calls.

use prometheus_client::{
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::polling::figures::Ending;

/// Counted over all tenants: their number has no bound, labels must.
#[derive(Debug)]
pub struct Figures {
    pub ended: Family<Ending, Counter>,
    pub attempts: Counter,
    pub running: Gauge,
    pub waiting: Gauge,
    pub duration: Histogram,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            ended: Family::default(),
            attempts: Counter::default(),
            running: Gauge::default(),
            waiting: Gauge::default(),
            duration: Histogram::new(exponential_buckets(0.015_625, 2.0, 24)),
        }
    }
}

impl Figures {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("calls", "Calls that have ended, by how", self.ended.clone());
        registry.register("call_attempts", "Tries of calls", self.attempts.clone());
        registry.register("calls_running", "Calls under way", self.running.clone());
        registry.register("calls_waiting_callers", "Requests that wait for the end of a call", self.waiting.clone());
        registry.register_with_unit(
            "call",
            "From the moment a call could start to its end",
            Unit::Seconds,
            self.duration.clone(),
        );
    }
}
