//! Lists in pages: `?limit=` and `?cursor=` in, `{"data": […], "next_cursor": …}` out.
//!
//! A cursor is signed and bound to the tenant, the list and its filters; one that was made up, or taken from another
//! list, is refused instead of showing something unexpected.

use actix_web::web::Data;
use postern_domain::{TenantId, TenantScope, Timestamp};
use postern_store::read::{Slice, Window};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    App,
    problem::{Code, Problem},
};

/// Rows in a page unless asked for otherwise.
pub const DEFAULT_LIMIT: u64 = 50;
/// Rows in a page at most.
pub const MAX_LIMIT: u64 = 250;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// At most `limit` of them.
    pub data: Vec<T>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
}

/// What the caller asked for. Made by [`crate::query::Query::page`].
#[derive(Debug)]
pub struct PageRequest {
    app: Data<App>,
    tenant: TenantId,
    /// Names the list and its filters.
    list: String,
    limit: u64,
    after: Option<Vec<u8>>,
}

impl PageRequest {
    pub(crate) fn new(
        app: &Data<App>,
        scope: TenantScope,
        list: String,
        asked: (Option<&str>, Option<&str>),
    ) -> Result<Self, Problem> {
        let limit = asked.0.map_or(Ok(DEFAULT_LIMIT), read_limit)?;
        let tenant = scope.tenant_id();
        let after = asked.1.map(|cursor| open(app, tenant, &list, cursor)).transpose()?;
        Ok(Self { app: app.clone(), tenant, list, limit, after })
    }

    /// How many rows to read: one more than is shown, which tells whether there is another page.
    #[must_use]
    pub fn fetch(&self) -> u64 {
        self.limit + 1
    }

    /// The position after which this page begins, for lists ordered by an id.
    #[must_use]
    pub fn after(&self) -> Option<Uuid> {
        self.after.as_deref().and_then(|bytes| Uuid::from_slice(bytes).ok())
    }

    /// The same for a list with a position of another form, as it was given to [`Self::answer`].
    #[must_use]
    pub fn after_bytes(&self) -> Option<&[u8]> {
        self.after.as_deref()
    }

    /// The part of a list that is wanted, for reads that look at so many rows at once and no more.
    #[must_use]
    pub fn window(&self, from: Option<Timestamp>, to: Option<Timestamp>) -> Window {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        Window { limit, after: self.after(), from, to }
    }

    /// Shapes what such a read found.
    pub fn answer_slice<R, T>(&self, slice: Slice<R>, show: impl FnMut(R) -> T) -> Page<T> {
        let next_cursor = slice.next.map(|next| self.sign(next.as_bytes()));
        Page { data: slice.rows.into_iter().map(show).collect(), next_cursor }
    }

    /// Shapes the rows, of which there may be one more than the page shows. `position` is what a row is ordered by:
    /// the bytes of its id.
    pub fn answer<R, T>(
        &self,
        mut rows: Vec<R>,
        position: impl Fn(&R) -> Vec<u8>,
        show: impl FnMut(R) -> T,
    ) -> Page<T> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let goes_on = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| goes_on).map(|last| self.sign(&position(last)));
        Page { data: rows.into_iter().map(show).collect(), next_cursor }
    }

    fn sign(&self, position: &[u8]) -> String {
        self.app.engine.store.keyring().sign_cursor(self.tenant, &self.list, position)
    }
}

fn read_limit(text: &str) -> Result<u64, Problem> {
    let limit = text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        let detail = format!("must be 1 to {MAX_LIMIT}");
        Problem::new(Code::InvalidQuery, format!("`limit` {detail}.")).with_field("limit", &detail)
    })
}

fn open(app: &App, tenant: TenantId, list: &str, cursor: &str) -> Result<Vec<u8>, Problem> {
    app.engine.store.keyring().open_cursor(tenant, list, cursor).ok_or_else(|| {
        Problem::new(Code::InvalidCursor, "Take `next_cursor` of the page before, with the same filters.")
            .with_field("cursor", "does not belong to this list and these filters")
    })
}
