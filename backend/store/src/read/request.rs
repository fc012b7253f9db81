//! What came to the front door and did not become an event, newest first.

use postern_domain::{EventId, RequestId, SourceId, Timestamp};
use sea_orm::{ConnectionTrait, FromQueryResult};
use uuid::Uuid;

use super::{
    ListError, Slice, Window,
    gathering::{Filtered, Gathering, Progress},
    query::Query,
};
use crate::{StoreError, TenantStore};

/// Why a request did not become an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestOutcome {
    Refused,
    Duplicate,
    /// It did become one, and is worth a look.
    Flagged,
}

impl RequestOutcome {
    /// As it is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Duplicate => "duplicate",
            Self::Flagged => "flagged",
        }
    }

    /// The reverse of [`Self::as_str`].
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Refused, Self::Duplicate, Self::Flagged].into_iter().find(|outcome| outcome.as_str() == text)
    }
}

/// Which requests are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFilter {
    pub outcome: Option<RequestOutcome>,
    pub source: Option<SourceId>,
}

/// A refused request, or a duplicate.
#[derive(Clone, Debug)]
pub struct RequestRead {
    pub id: RequestId,
    pub source: SourceId,
    pub at: Timestamp,
    pub outcome: RequestOutcome,
    /// What was wrong.
    pub cause: String,
    /// What would have been right.
    pub expected: String,
    pub remote: String,
    pub method: String,
    /// A JSON object of the headers that were kept.
    pub headers: String,
    pub body_bytes: i64,
    pub dedup_key: Option<String>,
    /// The event that came first, of a duplicate.
    pub event: Option<EventId>,
}

#[derive(FromQueryResult)]
struct RequestRow {
    id: Uuid,
    source_id: Uuid,
    at: i64,
    outcome: String,
    cause: String,
    expected: String,
    remote: String,
    method: String,
    headers: String,
    body_bytes: i64,
    dedup_key: Option<String>,
    event_id: Option<Uuid>,
}

impl RequestRow {
    fn into_read(self) -> Result<RequestRead, StoreError> {
        let outcome = RequestOutcome::parse(&self.outcome)
            .ok_or_else(|| StoreError::inconsistent("requests", format!("the outcome `{}`", self.outcome)))?;
        Ok(RequestRead {
            id: RequestId::from_uuid(self.id),
            source: SourceId::from_uuid(self.source_id),
            at: Timestamp::from_micros(self.at),
            outcome,
            cause: self.cause,
            expected: self.expected,
            remote: self.remote,
            method: self.method,
            headers: self.headers,
            body_bytes: self.body_bytes,
            dedup_key: self.dedup_key,
            event: self.event_id.map(EventId::from_uuid),
        })
    }
}

impl TenantStore {
    /// The requests that the filter lets through, newest first.
    ///
    /// # Errors
    /// [`ListError`].
    pub async fn list_requests(&self, filter: RequestFilter, window: &Window) -> Result<Slice<RequestRead>, ListError> {
        let db = self.store.reader();
        if let Some(source) = filter.source {
            self.check_source(&db, source).await?;
        }
        let filtered = if filter.outcome.is_some() { Filtered::Yes } else { Filtered::No };
        let mut page = Gathering::new(window.limit(), window.below(), filtered);
        loop {
            let chunk = self.read_requests(&db, filter.source, window.lowest(), &page).await?;
            let mut read = Vec::with_capacity(chunk.len());
            for row in chunk {
                let request = row.into_read()?;
                let wanted = filter.outcome.is_none_or(|outcome| request.outcome == outcome);
                read.push((request.id.uuid(), wanted.then_some(request)));
            }
            if page.take(read) == Progress::Done {
                return Ok(page.finish());
            }
        }
    }

    async fn read_requests(
        &self,
        db: &impl ConnectionTrait,
        source: Option<SourceId>,
        lowest: Option<Uuid>,
        page: &Gathering<RequestRead>,
    ) -> Result<Vec<RequestRow>, StoreError> {
        let mut query = Query::on(db);
        query.sql(
            "SELECT id, source_id, at, outcome, cause, expected, remote, method, headers, body_bytes, dedup_key, ",
        );
        query.sql("event_id FROM requests");
        let tenant = self.tenant_uuid();
        match source {
            Some(source) => {
                query.by_index("requests_by_source").sql(" WHERE source_id = ").bind(source.uuid());
                query.guard("tenant_id", tenant);
            }
            None => {
                query.by_index("requests_by_tenant").sql(" WHERE tenant_id = ").bind(tenant);
            }
        }
        if let Some(lowest) = lowest {
            query.sql(" AND id >= ").bind(lowest);
        }
        if let Some(below) = page.below() {
            query.sql(" AND id < ").bind(below);
        }
        query.sql(" ORDER BY id DESC LIMIT ").bind(i64::try_from(page.chunk()).unwrap_or(i64::MAX));
        query.all(db, "listing requests").await
    }
}
