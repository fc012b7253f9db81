//! The states of things: one word, one colour and one shape for each, everywhere. Colour never stands alone.

use crate::shell::Tone;

macro_rules! states {
    ($($name:ident: $word:literal, $tone:ident, $shape:literal;)+) => {
        /// The state of an event, a delivery, an attempt, a request, or of something configured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum State { $($name),+ }

        impl State {
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            #[must_use]
            pub const fn word(self) -> &'static str {
                match self { $(Self::$name => $word),+ }
            }

            #[must_use]
            pub const fn tone(self) -> Tone {
                match self { $(Self::$name => Tone::$tone),+ }
            }

            #[must_use]
            pub const fn shape(self) -> &'static str {
                match self { $(Self::$name => $shape),+ }
            }
        }
    };
}

states! {
    Delivered: "delivered", Ok, "●";
    Partly: "partly delivered", Bad, "◐";
    Queued: "queued", Info, "◌";
    Pending: "pending", Info, "◌";
    InFlight: "in flight", Info, "◌";
    Retrying: "retrying", Retry, "↻";
    Held: "held", Warn, "‖";
    Dead: "dead", Bad, "✕";
    Failed: "failed", Bad, "✕";
    Refused: "refused", Bad, "⊘";
    Duplicate: "duplicate", Neutral, "≡";
    Flagged: "flagged", Warn, "!";
    Filtered: "filtered", Neutral, "▽";
    Unrouted: "unrouted", Warn, "!";
    Cancelled: "cancelled", Neutral, "–";
    Active: "active", Ok, "●";
    Paused: "paused", Warn, "‖";
    Disabled: "disabled", Neutral, "–";
    Healthy: "healthy", Ok, "●";
    Failing: "failing", Bad, "✕";
    Unverified: "unverified", Warn, "!";
    Expired: "expired", Neutral, "–";
    Revoked: "revoked", Neutral, "–";
    Scheduled: "scheduled", Info, "◌";
    Running: "running", Info, "◌";
    Cancelling: "cancelling", Warn, "–";
    Succeeded: "succeeded", Ok, "●";
    NotModified: "not modified", Neutral, "–";
    Quiet: "nothing new", Neutral, "–";
    Unfinished: "goes on next time", Info, "◐";
    Throttled: "throttled", Warn, "‖";
    TimedOut: "timed out", Bad, "✕";
    Interrupted: "interrupted", Warn, "!";
    Priming: "first run", Info, "◌";
    BackingOff: "backing off", Retry, "↻";
    LoginRefused: "log-in refused", Bad, "⊘";
    Unreadable: "unexpected answer", Bad, "!";
    Stalled: "stalled", Bad, "✕";
    StartingAgain: "starting again", Info, "↻";
    New: "new", Ok, "●";
    Changed: "changed", Info, "●";
    Unchanged: "unchanged", Neutral, "–";
    Remembered: "remembered only", Neutral, "–";
    Quarantined: "quarantined", Warn, "!";
}

impl State {
    /// What a button says that starts a delivery again.
    #[must_use]
    pub const fn retry_label(self) -> &'static str {
        if matches!(self, Self::Delivered) { "Send again" } else { "Retry now" }
    }

    /// From the API's word for it: `delivered`, `in_flight`, `leased`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "leased" | "in_flight" => Some(Self::InFlight),
            "partly" => Some(Self::Partly),
            _ => Self::ALL.iter().copied().find(|state| state.word() == text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_of_the_api_has_its_state() {
        for word in ["pending", "leased", "held", "delivered", "dead", "cancelled"] {
            assert!(State::parse(word).is_some(), "{word}");
        }
        for word in [
            "queued",
            "partly",
            "retrying",
            "filtered",
            "unrouted",
            "refused",
            "duplicate",
            "flagged",
            "active",
            "paused",
        ] {
            assert!(State::parse(word).is_some(), "{word}");
        }
        assert_eq!((State::parse("leased"), State::parse("gone")), (Some(State::InFlight), None));
    }
}
