//! Which events are wanted: asked of the database as far as it can tell, and judged here in any case.

use postern_domain::{
    DeliveryId, EventId, SourceId,
    delivery::EventOutcome,
    event_type::Pattern,
    id::{first_uuid_at, made_at},
};
use uuid::Uuid;

use super::{delivery::FAN_OUT_S, event::Event, gathering::Filtered, query::Query};

/// Which events are wanted.
#[derive(Clone, Debug, Default)]
pub struct EventFilter {
    pub source: Option<SourceId>,
    pub event_type: Option<Pattern>,
    pub outcome: Option<EventOutcome>,
    pub search: Option<Search>,
}

/// What a person types to find an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Search {
    Event(EventId),
    Delivery(DeliveryId),
    /// A dedup key in full, or a part of a type in any case.
    Text(String),
}

impl Search {
    /// Tells by the form what is meant.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        let event = text.parse().map(Self::Event);
        event.or_else(|_| text.parse().map(Self::Delivery)).unwrap_or_else(|_| {
            // PostgreSQL cannot take a NUL, and nothing stored has a control character.
            Self::Text(text.chars().filter(|letter| !letter.is_control()).collect())
        })
    }
}

impl EventFilter {
    /// How the events in their order are gone through.
    pub(super) fn filtered(&self) -> Filtered {
        if self.event_type.is_none() && self.outcome.is_none() && self.search.is_none() {
            return Filtered::No;
        }
        let outcome = matches!(self.outcome, Some(EventOutcome::Filtered | EventOutcome::Unrouted));
        if self.event_type.is_some() || outcome || self.asked_text().is_some() {
            Filtered::InWindows
        } else {
            Filtered::Yes
        }
    }

    /// SQLite knows upper and lower case of ASCII only.
    fn asked_text(&self) -> Option<&str> {
        match &self.search {
            Some(Search::Text(text)) if text.is_ascii() => Some(text),
            _ => None,
        }
    }

    /// Adds what the database can tell: whatever [`Self::admits`] would let through passes. `span`: the ids that the
    /// statement looks at.
    pub(super) fn ask(&self, query: &mut Query, span: (Option<Uuid>, Option<Uuid>), tenant: Uuid) {
        match self.event_type.as_ref().map(|pattern| (pattern.as_str(), pattern.as_str().strip_suffix('*'))) {
            None | Some((_, Some(""))) => {}
            Some((_, Some(stem))) => {
                query.sql(" AND type LIKE ").bind(format!("{}%", escaped(stem))).sql(" ESCAPE '!'");
            }
            Some((whole, None)) => {
                query.sql(" AND type = ").bind(whole);
            }
        }
        if let Some(text) = self.asked_text() {
            query.sql(" AND (dedup_key = ").bind(text).sql(" OR lower(type) LIKE ");
            query.bind(format!("%{}%", escaped(&text.to_lowercase()))).sql(" ESCAPE '!')");
        }
        match self.outcome {
            Some(EventOutcome::Filtered) => query.sql(" AND filtered > 0"),
            Some(EventOutcome::Unrouted) => query.sql(" AND filtered = 0"),
            _ => return,
        };
        // Without a bound this would look into every day there is, for each event.
        let (Some(lowest), below) = span else { return };
        query.sql(" AND NOT EXISTS (SELECT 1 FROM deliveries d").by_index("deliveries_by_event");
        query.sql(" WHERE d.event_id = events.id AND d.id >= ").bind(first_uuid_at(made_at(lowest)));
        if let Some(below) = below {
            query.sql(" AND d.id < ").bind(first_uuid_at(made_at(below).plus_secs(FAN_OUT_S)));
        }
        query.guard("d.tenant_id", tenant).sql(")");
    }

    /// Everything but the outcome, as far as it needs the deliveries.
    pub(super) fn admits(&self, event: &Event) -> bool {
        let text = match &self.search {
            None | Some(Search::Event(_) | Search::Delivery(_)) => true,
            Some(Search::Text(text)) => {
                event.dedup_key.as_ref() == Some(text) || event.event_type.to_lowercase().contains(&text.to_lowercase())
            }
        };
        let possible = match self.outcome {
            Some(EventOutcome::Filtered) => event.filtered > 0,
            Some(EventOutcome::Unrouted) => event.filtered == 0,
            _ => true,
        };
        text && possible
            && self.source.is_none_or(|source| event.source == source)
            && self.event_type.as_ref().is_none_or(|pattern| pattern.matches(&event.event_type))
    }
}

/// For LIKE with `!` as its escape.
fn escaped(text: &str) -> String {
    text.replace('!', "!!").replace('%', "!%").replace('_', "!_")
}
