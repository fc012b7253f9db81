//! Deliveries that are to wait: because the publisher said until when, or because the connection always waits.

use postern_domain::Timestamp;
use postern_store::Retention;

const DAY_S: i64 = 86_400;
/// Of the days that payloads are kept, so many are left for retries.
const LEFT_FOR_RETRIES_DAYS: u32 = 2;

/// When a delivery of an event of `now` is due: the connection's delay begins where the publisher's wait ends.
pub(crate) fn due_at(not_before: Option<Timestamp>, delay_s: u32, now: Timestamp) -> Timestamp {
    not_before.map_or(now, |at| at.max(now)).plus_secs(i64::from(delay_s))
}

/// The latest instant until which an event of `now` may wait.
pub(crate) fn latest(retention: Retention, now: Timestamp) -> Timestamp {
    now.plus_secs(longest_s(retention))
}

/// So long a delivery may wait: its payload must still be there, with time for retries. Where payloads are kept for a few
/// days only, half of that.
pub(crate) fn longest_s(retention: Retention) -> i64 {
    let days = retention.payload_days;
    if days > 2 * LEFT_FOR_RETRIES_DAYS {
        i64::from(days - LEFT_FOR_RETRIES_DAYS) * DAY_S
    } else {
        i64::from(days) * DAY_S / 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

    #[test]
    fn both_waits_add_up_and_the_past_is_at_once() {
        let at = |seconds: i64| NOW.plus_secs(seconds);
        for (not_before, delay_s, due) in [
            (None, 0, 0),
            (None, 60, 60),
            (Some(at(-30)), 0, 0),
            (Some(at(-30)), 60, 60),
            (Some(at(30)), 0, 30),
            (Some(at(30)), 60, 90),
        ] {
            assert_eq!(due_at(not_before, delay_s, NOW), at(due), "{not_before:?} and {delay_s} s");
        }
    }

    #[test]
    fn nothing_waits_until_its_payload_is_gone() {
        let days = |payload_days| latest(Retention { payload_days, metadata_days: 90 }, NOW).ms_since(NOW) / 86_400_000;
        assert_eq!((days(30), days(5), days(4), days(2)), (28, 3, 2, 1));
    }
}
