//! What may be configured of a destination that is pulled from, and what follows when a receive is not acknowledged.

use serde::{Deserialize, Serialize};

use crate::{delivery::DeadReason, invalid::Invalid, retry::Next, time::Timestamp};

/// No lease lasts longer, however often it is extended.
pub const MAX_LEASE_S: u32 = 12 * 3_600;
pub const MAX_RECEIVES: u32 = 100;
pub const MAX_IN_FLIGHT: u32 = 10_000;
/// What one call takes or gives back at most.
pub const MAX_BATCH: u32 = 100;
pub const MAX_WAIT_S: u32 = 20;
pub const MAX_REASON_CHARS: usize = 500;

/// How a queue is leased from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QueueSettings {
    /// How long a lease lasts unless the call says otherwise. With 0 it is over at once.
    pub visibility_s: u32,
    /// A delivery that was received so often and never acknowledged is dead.
    pub max_receives: u32,
    /// So many deliveries may be leased at one moment.
    pub max_in_flight: u32,
    /// How long a delivery that was given back waits unless the call says otherwise.
    pub retry_delay_s: u32,
}

impl Default for QueueSettings {
    fn default() -> Self {
        Self { visibility_s: 30, max_receives: 5, max_in_flight: 1_000, retry_delay_s: 0 }
    }
}

impl QueueSettings {
    /// # Errors
    /// When a value is out of its bounds.
    pub fn check(&self) -> Result<(), Invalid> {
        check_lease_s("queue.visibility_s", self.visibility_s)?;
        check_lease_s("queue.retry_delay_s", self.retry_delay_s)?;
        within("queue.max_receives", self.max_receives, (1, MAX_RECEIVES))?;
        within("queue.max_in_flight", self.max_in_flight, (1, MAX_IN_FLIGHT))
    }

    /// What becomes of a delivery whose receive was not acknowledged, `retries` others having gone before it.
    #[must_use]
    pub fn after_receive(&self, retries: u32, due_at: Timestamp) -> Next {
        if retries.saturating_add(1) >= self.max_receives {
            Next::Dead(DeadReason::Exhausted)
        } else {
            Next::Again(due_at)
        }
    }
}

/// # Errors
/// When it is longer than a lease may be.
pub fn check_lease_s(field: &str, seconds: u32) -> Result<u32, Invalid> {
    within(field, seconds, (0, MAX_LEASE_S)).map(|()| seconds)
}

/// # Errors
/// When `value` is not within the bounds, both included.
pub fn within(field: &str, value: u32, (least, most): (u32, u32)) -> Result<(), Invalid> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(Invalid::new(field, format!("must be {least} to {most}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_772_359_200);

    #[test]
    fn the_last_receive_is_the_one_that_was_agreed() {
        let queue = QueueSettings { max_receives: 3, ..QueueSettings::default() };
        assert_eq!(queue.after_receive(0, NOW), Next::Again(NOW));
        assert_eq!(queue.after_receive(1, NOW), Next::Again(NOW));
        for retries in [2, 3, u32::MAX] {
            assert_eq!(queue.after_receive(retries, NOW), Next::Dead(DeadReason::Exhausted));
        }
        let once = QueueSettings { max_receives: 1, ..queue };
        assert_eq!(once.after_receive(0, NOW), Next::Dead(DeadReason::Exhausted));
    }

    #[test]
    fn settings_that_cannot_work_are_refused_by_name() {
        let good = QueueSettings::default();
        assert!(good.check().is_ok());
        assert!(QueueSettings { visibility_s: 0, ..good }.check().is_ok());
        for (bad, field) in [
            (QueueSettings { visibility_s: MAX_LEASE_S + 1, ..good }, "queue.visibility_s"),
            (QueueSettings { retry_delay_s: MAX_LEASE_S + 1, ..good }, "queue.retry_delay_s"),
            (QueueSettings { max_receives: 0, ..good }, "queue.max_receives"),
            (QueueSettings { max_receives: MAX_RECEIVES + 1, ..good }, "queue.max_receives"),
            (QueueSettings { max_in_flight: 0, ..good }, "queue.max_in_flight"),
            (QueueSettings { max_in_flight: MAX_IN_FLIGHT + 1, ..good }, "queue.max_in_flight"),
        ] {
            assert_eq!(bad.check().map_err(|cause| cause.field), Err(field.to_owned()));
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let read: QueueSettings = serde_json::from_str(r#"{"max_receives":9}"#).expect("valid");
        assert_eq!(read, QueueSettings { max_receives: 9, ..QueueSettings::default() });
        assert!(serde_json::from_str::<QueueSettings>(r#"{"visibility_timeout":9}"#).is_err());
    }
}
