//! What a run may take, and how its pace follows what it finds.

use postern_domain::{Invalid, source::LARGEST_MAX_BODY_BYTES};
use serde_json::{Value, json};

use super::{
    budget::Budget,
    fields::Fields,
    schedule::{MAX_INTERVAL_S, Schedule},
};

const MAX_FLOOD_HOLD: u32 = 1_000_000;
const MAX_REMEMBER_DAYS: u32 = 3_650;
const DEFAULT_REMEMBER_DAYS: u32 = 400;
const DEFAULT_GRACE_S: u32 = 120;
const MAX_GRACE_S: u32 = 24 * 3_600;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLimits {
    /// For each request.
    pub request_timeout_s: u32,
    /// For all pages together.
    pub run_timeout_s: u32,
    /// For each page.
    pub max_bytes: u32,
    /// A run with more new events than these is held until somebody looks at it.
    pub flood_hold: u32,
    /// What the provider lets all ask who share the source's budget, where somebody knows it.
    pub budget: Option<Budget>,
    /// A record that no run has listed for so long is forgotten.
    pub remember_days: u32,
}

/// The interval moves between these, by what the runs find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adaptive {
    pub min_s: u32,
    pub max_s: u32,
}

/// For a poll beside a webhook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reconcile {
    /// A record younger than this may still come by webhook, and is not yet missed.
    pub grace_s: u32,
}

impl RunLimits {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, Invalid> {
        let limits = Self {
            request_timeout_s: fields.integer("request_timeout_s", 1..=60)?.unwrap_or(30),
            run_timeout_s: fields.integer("run_timeout_s", 5..=900)?.unwrap_or(300),
            max_bytes: fields.integer("max_bytes", 1_024..=LARGEST_MAX_BODY_BYTES)?.unwrap_or(LARGEST_MAX_BODY_BYTES),
            flood_hold: fields.integer("flood_hold", 1..=MAX_FLOOD_HOLD)?.unwrap_or(1_000),
            budget: Budget::read(fields.object("budget")?)?,
            remember_days: fields.integer("remember_days", 7..=MAX_REMEMBER_DAYS)?.unwrap_or(DEFAULT_REMEMBER_DAYS),
        };
        if limits.run_timeout_s < limits.request_timeout_s {
            return Err(fields.invalid("run_timeout_s", "must be at least `request_timeout_s`"));
        }
        fields.finish()?;
        Ok(limits)
    }

    pub(super) fn to_value(self) -> Value {
        let mut value = json!({
            "request_timeout_s": self.request_timeout_s,
            "run_timeout_s": self.run_timeout_s,
            "max_bytes": self.max_bytes,
            "flood_hold": self.flood_hold,
            "remember_days": self.remember_days,
        });
        if let Some(budget) = self.budget {
            value["budget"] = budget.to_value();
        }
        value
    }
}

impl Adaptive {
    pub(super) fn read(mut fields: Fields<'_>, schedule: &Schedule, floor_s: u32) -> Result<Option<Self>, Invalid> {
        if !fields.is_given() {
            return Ok(None);
        }
        let Schedule::Interval { interval_s, .. } = schedule else {
            return Err(fields.invalid("min_s", "adapting needs `schedule.interval_s`: a cron names its moments"));
        };
        let floor_s = floor_s.max(1);
        let min_s = fields.integer("min_s", 0..=MAX_INTERVAL_S)?.unwrap_or(*interval_s);
        let Some(max_s) = fields.integer("max_s", 0..=MAX_INTERVAL_S)? else {
            return Err(fields.invalid("max_s", "is required: the longest interval, in seconds"));
        };
        if min_s < floor_s {
            return Err(fields.invalid("min_s", format!("must be at least {floor_s}")));
        }
        if min_s > *interval_s || max_s < *interval_s {
            let name = if min_s > *interval_s { "min_s" } else { "max_s" };
            return Err(fields.invalid(name, format!("`schedule.interval_s` ({interval_s}) must lie within")));
        }
        fields.finish()?;
        Ok(Some(Self { min_s, max_s }))
    }

    pub(super) fn to_value(self) -> Value {
        json!({"min_s": self.min_s, "max_s": self.max_s})
    }
}

impl Reconcile {
    pub(super) fn read(mut fields: Fields<'_>) -> Result<Self, Invalid> {
        let grace_s = fields.integer("grace_s", 0..=MAX_GRACE_S)?.unwrap_or(DEFAULT_GRACE_S);
        fields.finish()?;
        Ok(Self { grace_s })
    }

    pub(super) fn to_value(self) -> Value {
        json!({"grace_s": self.grace_s})
    }
}
