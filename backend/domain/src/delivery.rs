//! The life of a delivery: `pending → leased → delivered | pending | dead`, or `cancelled`.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    Pending,
    Leased,
    /// Pending, but its connection or destination is paused or held. Derived when read, never stored: pausing a
    /// destination with a million waiting deliveries must not write a million rows.
    Held,
    Delivered,
    Dead,
    Cancelled,
}

impl DeliveryState {
    pub const ALL: [Self; 6] = [Self::Pending, Self::Leased, Self::Held, Self::Delivered, Self::Dead, Self::Cancelled];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Leased => "leased",
            Self::Held => "held",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing more will happen unless somebody asks for it.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Dead | Self::Cancelled)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadReason {
    /// The last try of the schedule failed.
    Exhausted,
    /// Its event reached the end of the retention while it still waited.
    Expired,
}

impl DeadReason {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Expired => "expired",
        }
    }
}

/// What became of an event, from the states of its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventOutcome {
    Queued,
    Delivered,
    /// Some delivered, some given up.
    Partly,
    /// At least one try failed and another will follow.
    Retrying,
    Held,
    Dead,
    Cancelled,
    /// There are connections from its source, but none asked for its type.
    Filtered,
    /// Its source had no connection.
    Unrouted,
}

impl EventOutcome {
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Delivered,
        Self::Partly,
        Self::Retrying,
        Self::Held,
        Self::Dead,
        Self::Cancelled,
        Self::Filtered,
        Self::Unrouted,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Partly => "partly",
            Self::Retrying => "retrying",
            Self::Held => "held",
            Self::Dead => "dead",
            Self::Cancelled => "cancelled",
            Self::Filtered => "filtered",
            Self::Unrouted => "unrouted",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text)
    }

    /// `deliveries`: the state of each and how many tries it has had. `filtered`: how many connections declined.
    #[must_use]
    pub fn of(deliveries: &[(DeliveryState, u32)], filtered: u32) -> Self {
        let any = |state: DeliveryState| deliveries.iter().any(|(found, _)| *found == state);
        if deliveries.is_empty() {
            return if filtered > 0 { Self::Filtered } else { Self::Unrouted };
        }
        if any(DeliveryState::Held) {
            return Self::Held;
        }
        if deliveries.iter().any(|(state, tries)| !state.is_final() && *tries > 0) {
            return Self::Retrying;
        }
        if deliveries.iter().any(|(state, _)| !state.is_final()) {
            return Self::Queued;
        }
        match (any(DeliveryState::Delivered), any(DeliveryState::Dead), any(DeliveryState::Cancelled)) {
            (true, false, false) => Self::Delivered,
            (true, _, _) => Self::Partly,
            (false, true, _) => Self::Dead,
            (false, false, _) => Self::Cancelled,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryState::*, EventOutcome as Outcome};

    #[test]
    fn the_outcome_of_an_event_follows_from_its_deliveries() {
        assert_eq!(Outcome::of(&[], 0), Outcome::Unrouted);
        assert_eq!(Outcome::of(&[], 2), Outcome::Filtered);
        assert_eq!(Outcome::of(&[(Pending, 0), (Delivered, 1)], 0), Outcome::Queued);
        assert_eq!(Outcome::of(&[(Pending, 1), (Delivered, 1)], 0), Outcome::Retrying);
        assert_eq!(Outcome::of(&[(Held, 0), (Delivered, 1)], 0), Outcome::Held);
        assert_eq!(Outcome::of(&[(Delivered, 3)], 1), Outcome::Delivered);
        assert_eq!(Outcome::of(&[(Delivered, 1), (Dead, 12)], 0), Outcome::Partly);
        assert_eq!(Outcome::of(&[(Dead, 12), (Cancelled, 0)], 0), Outcome::Dead);
        assert_eq!(Outcome::of(&[(Cancelled, 0)], 0), Outcome::Cancelled);
    }
}
