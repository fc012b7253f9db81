//! The events of a tenant, newest first.
//!
//! Without a filter, or with one on the source, a page costs its rows. Any other filter is applied to what an index
//! gives in order: the events themselves, thousands at once where the database can tell (see
//! [`super::event_filter`]), or, for an outcome that leaves a trail in the queue or among the failed, the deliveries of
//! that trail (see [`super::by_delivery`]).

use postern_domain::SourceId;
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    ListError, Slice, Window,
    by_delivery::Trail,
    event::{COLUMNS, Event, EventRow},
    event_filter::{EventFilter, Search},
    gathering::{Filtered, Gathering, Progress, WINDOW},
    query::Query,
};
use crate::{StoreError, TenantStore};

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

    /// Looks through a window of the newest, then through the next, until the page is full or enough was looked at.
    async fn scan_events(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        window: &Window,
    ) -> Result<Slice<Event>, StoreError> {
        let mut page = Gathering::new(window.limit(), window.below(), filter.filtered());
        loop {
            let end = match filter.filtered() {
                Filtered::InWindows => self.window_end(db, filter, window, &page).await?,
                Filtered::Yes | Filtered::Beside | Filtered::No => None,
            };
            let lowest = end.or(window.lowest());
            let chunk = self.read_chunk(db, filter, lowest, &page).await?;
            let keys: Vec<Uuid> = chunk.iter().map(|row| row.id).collect();
            let mut passed = self.judge(db, filter, chunk).await?.into_iter().peekable();
            let read = keys.into_iter().map(|key| (key, passed.next_if(|event| event.id.uuid() == key))).collect();
            if page.take_window(read, end) == Progress::Done {
                return Ok(page.finish());
            }
        }
    }

    async fn read_chunk(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        lowest: Option<Uuid>,
        page: &Gathering<Event>,
    ) -> Result<Vec<EventRow>, StoreError> {
        let mut query = Query::on(db);
        query.sql("SELECT ").sql(COLUMNS).sql(" FROM events");
        self.along_index(&mut query, filter.source, (lowest, page.below()));
        if filter.filtered() == Filtered::InWindows {
            filter.ask(&mut query, (lowest, page.below()), self.tenant_uuid());
        }
        query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(page.chunk()).unwrap_or(i64::MAX));
        query.all(db, "listing events").await
    }

    /// The last of the next [`WINDOW`] events, by the index alone; `None` where there are not so many left.
    async fn window_end(
        &self,
        db: &impl ConnectionTrait,
        filter: &EventFilter,
        window: &Window,
        page: &Gathering<Event>,
    ) -> Result<Option<Uuid>, StoreError> {
        #[derive(FromQueryResult)]
        struct EndRow {
            id: Uuid,
        }
        let mut query = Query::on(db);
        query.sql("SELECT id FROM events");
        self.along_index(&mut query, filter.source, (window.lowest(), page.below()));
        query.sql(" ORDER BY id DESC LIMIT 1 OFFSET ").bind(i64::try_from(WINDOW).unwrap_or(i64::MAX) - 1);
        let row: Option<EndRow> = query.one(db, "listing events").await?;
        Ok(row.map(|row| row.id))
    }

    fn along_index(&self, query: &mut Query, source: Option<SourceId>, (lowest, below): (Option<Uuid>, Option<Uuid>)) {
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
        if let Some(below) = below {
            query.sql(" AND id < ").bind(below);
        }
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
