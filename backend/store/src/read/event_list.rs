//! The events of a tenant, newest first.
//!
//! Without a filter, or with one on the source, a page costs its rows. Any other filter is applied to what an index
//! gives in order: the events themselves, or, for an outcome that leaves a trail in the queue or among the failed, the
//! deliveries of that trail (see [`super::by_delivery`]).

use postern_domain::{DeliveryId, EventId, SourceId, delivery::EventOutcome, event_type::Pattern};
use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::{
    ListError, Slice, Window,
    by_delivery::Trail,
    event::{COLUMNS, Event, EventRow},
    gathering::{Filtered, Gathering, Progress},
    query::Query,
};
use crate::{StoreError, TenantStore};

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
    /// Whether a source's events, in their order, are all that is wanted.
    const fn is_served_by_index(&self) -> bool {
        self.event_type.is_none() && self.outcome.is_none() && self.search.is_none()
    }

    /// Everything but the outcome, as far as it needs the deliveries.
    fn admits(&self, event: &Event) -> bool {
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

impl TenantStore {
    /// The events that the filter lets through, newest first. By an outcome that its deliveries still show they come in
    /// the order of those deliveries, which is nearly the same.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn list_events(&self, filter: &EventFilter, window: &Window) -> Result<Slice<Event>, ListError> {
        let db = self.store.reader();
        if let Some(source) = filter.source {
            self.check_source(&db, source).await?;
        }
        if let Some(search) = &filter.search {
            let ids = self.look_up(&db, search).await?;
            if !ids.is_empty() || !matches!(search, Search::Text(_)) {
                return Ok(self.list_named(&db, filter, window, &ids).await?);
            }
        }
        Ok(match filter.outcome.and_then(Trail::of) {
            Some(trail) => self.list_by_delivery(&db, trail, filter, window).await?,
            None => self.scan_events(&db, filter, window).await?,
        })
    }

    async fn scan_events(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        window: &Window,
    ) -> Result<Slice<Event>, StoreError> {
        let filtered = if filter.is_served_by_index() { Filtered::No } else { Filtered::Yes };
        let mut page = Gathering::new(window.limit(), window.below(), filtered);
        loop {
            let chunk = self.read_chunk(db, filter.source, window.lowest(), &page).await?;
            let keys: Vec<Uuid> = chunk.iter().map(|row| row.id).collect();
            let mut passed = self.judge(db, filter, chunk).await?.into_iter().peekable();
            let read = keys.into_iter().map(|key| (key, passed.next_if(|event| event.id.uuid() == key))).collect();
            if page.take(read) == Progress::Done {
                return Ok(page.finish());
            }
        }
    }

    async fn read_chunk(
        &self,
        db: &impl ConnectionTrait,
        source: Option<SourceId>,
        lowest: Option<Uuid>,
        page: &Gathering<Event>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM events");
        let tenant = self.tenant_uuid();
        match source {
            Some(source) => {
                query.by_index("events_by_source").sql(" WHERE source_id = ").bind(source.uuid());
                query.guard("tenant_id", tenant);
            }
            None => {
                query.by_index("events_by_tenant").sql(" WHERE tenant_id = ").bind(tenant);
            }
        }
        if let Some(lowest) = lowest {
            query.sql(" AND id >= ").bind(lowest);
        }
        if let Some(below) = page.below() {
            query.sql(" AND id < ").bind(below);
        }
        query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(page.chunk()).unwrap_or(i64::MAX));
        query.all(db, "listing events").await
    }

    /// Those that the filter lets through, in the same order, with their outcomes.
    pub(super) async fn judge(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        rows: Vec<EventRow>,
    ) -> Result<Vec<Event>, StoreError> {
        let mut events: Vec<Event> = rows.into_iter().map(EventRow::into_event).collect();
        events.retain(|event| filter.admits(event));
        self.set_outcomes(db, &mut events).await?;
        events.retain(|event| filter.outcome.is_none_or(|outcome| event.outcome == outcome));
        Ok(events)
    }

    /// Events by their ids, in no order.
    pub(super) async fn read_events(
        &self,
        db: &impl ConnectionTrait,
        ids: &[Uuid],
    ) -> Result<Vec<EventRow>, StoreError> {
        let (Some(lowest), Some(highest)) = (ids.iter().min(), ids.iter().max()) else { return Ok(Vec::new()) };
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM events WHERE id IN ").ids(ids);
        query.sql(" AND id >= ").bind(*lowest).sql(" AND id <= ").bind(*highest);
        query.guard("tenant_id", self.tenant_uuid());
        query.all(db, "reading events").await
    }

    async fn list_named(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        window: &Window,
        ids: &[Uuid],
    ) -> Result<Slice<Event>, StoreError> {
        let in_window = |id: &Uuid| window.spans(*id) && window.after.is_none_or(|after| *id < after);
        let ids: Vec<Uuid> = ids.iter().copied().filter(in_window).collect();
        let rows = self.read_events(db, &ids).await?;
        let looked_up = EventFilter { search: None, ..filter.clone() };
        let mut rows = self.judge(db, &looked_up, rows).await?;
        rows.sort_unstable_by_key(|event| std::cmp::Reverse(event.id));
        let goes_on = rows.len() > window.limit();
        rows.truncate(window.limit());
        let next = rows.last().filter(|_| goes_on).map(|event| event.id.uuid());
        Ok(Slice { rows, next })
    }
}
