//! Figures for operators, in the Prometheus text format. No tenant labels: their number has no bound.

use std::sync::atomic::AtomicU64;

use parking_lot::Mutex;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

use crate::{calls, polling::figures::Figures};

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Cause {
    pub cause: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Class {
    pub class: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct Received {
    pub result: &'static str,
}

/// All the engine counts.
#[derive(Debug)]
pub struct Metrics {
    registry: Mutex<Registry>,
    pub accepted: Counter,
    pub duplicates: Counter,
    pub refused: Family<Cause, Counter>,
    pub refused_unrecorded: Counter,
    pub delivered: Counter,
    pub failed: Family<Class, Counter>,
    pub dead: Counter,
    /// What queues gave out, and what became of it.
    pub receives: Family<Received, Counter>,
    pub superseded: Counter,
    pub recovered: Counter,
    pub end_to_end: Histogram,
    pub attempt_seconds: Histogram,
    pub commit_events: Histogram,
    pub settle_attempts: Histogram,
    pub in_flight: Gauge,
    pub backlog: Gauge,
    pub oldest_due_seconds: Gauge<f64, AtomicU64>,
    pub pool_in_use: Gauge,
    pub pool_open: Gauge,
    pub live_replicas: Gauge,
    pub config_version: Gauge,
    pub polling: Figures,
    pub calls: calls::figures::Figures,
}

impl Default for Metrics {
    fn default() -> Self {
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 20));
        let sizes = || Histogram::new(exponential_buckets(1.0, 2.0, 10));
        let metrics = Self {
            registry: Mutex::new(Registry::with_prefix("postern")),
            accepted: Counter::default(),
            duplicates: Counter::default(),
            refused: Family::default(),
            refused_unrecorded: Counter::default(),
            delivered: Counter::default(),
            failed: Family::default(),
            dead: Counter::default(),
            receives: Family::default(),
            superseded: Counter::default(),
            recovered: Counter::default(),
            end_to_end: seconds(),
            attempt_seconds: seconds(),
            commit_events: sizes(),
            settle_attempts: sizes(),
            in_flight: Gauge::default(),
            backlog: Gauge::default(),
            oldest_due_seconds: Gauge::default(),
            pool_in_use: Gauge::default(),
            pool_open: Gauge::default(),
            live_replicas: Gauge::default(),
            config_version: Gauge::default(),
            polling: Figures::default(),
            calls: calls::figures::Figures::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    fn register(&self) {
        let mut registry = self.registry.lock();
        registry.register("accepted_events", "Events committed", self.accepted.clone());
        registry.register(
            "duplicate_requests",
            "Requests answered with the event that came first",
            self.duplicates.clone(),
        );
        registry.register("refused_requests", "Requests refused at the front door, by cause", self.refused.clone());
        registry.register(
            "unrecorded_refusals",
            "Refusals counted but not kept, because too many came at once",
            self.refused_unrecorded.clone(),
        );
        registry.register("delivered", "Deliveries acknowledged by their destination", self.delivered.clone());
        registry.register("failed_attempts", "Attempts that were not acknowledged, by class", self.failed.clone());
        registry.register("dead_deliveries", "Deliveries given up", self.dead.clone());
        registry.register("queue_receives", "Deliveries leased from queues, and how it ended", self.receives.clone());
        registry.register(
            "superseded_attempts",
            "Attempts that ended after their lease was lost",
            self.superseded.clone(),
        );
        registry.register("recovered_leases", "Leases voided because their holder was gone", self.recovered.clone());
        registry.register_with_unit(
            "end_to_end",
            "From the receipt of an event to its acknowledgement, first tries only",
            Unit::Seconds,
            self.end_to_end.clone(),
        );
        registry.register_with_unit("attempt", "Duration of attempts", Unit::Seconds, self.attempt_seconds.clone());
        registry.register("commit_batch_events", "Events in one commit", self.commit_events.clone());
        registry.register("settle_batch_attempts", "Attempts settled in one commit", self.settle_attempts.clone());
        registry.register("in_flight_attempts", "Attempts under way", self.in_flight.clone());
        registry.register("backlog_deliveries", "Unsettled deliveries, counted up to 100000", self.backlog.clone());
        registry.register_with_unit(
            "oldest_due",
            "Age of the delivery that has been due longest",
            Unit::Seconds,
            self.oldest_due_seconds.clone(),
        );
        registry.register("database_connections_in_use", "Database connections in use", self.pool_in_use.clone());
        registry.register("database_connections_open", "Database connections open", self.pool_open.clone());
        registry.register("live_replicas", "Processes with a heartbeat", self.live_replicas.clone());
        registry.register("config_version", "Configuration version in effect", self.config_version.clone());
        self.polling.register(&mut registry);
        self.calls.register(&mut registry);
    }

    /// The exposition text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.registry.lock());
        text
    }

    pub(crate) fn refused(&self, cause: &str) {
        self.refused.get_or_create(&Cause { cause: cause.to_owned() }).inc();
    }
}
