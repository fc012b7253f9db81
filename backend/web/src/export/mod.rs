//! What a tenant takes away whole, as CSV or JSON lines: one way for the pages and the API.
//!
//! An answer is made as it is read. Each piece is one short read of the store, made when the reader has taken the one
//! before: a million rows need no more memory than a thousand, a reader that stalls holds no connection to the
//! database, and one that goes away ends the walk. What cannot be read to its end is cut off without the mark of an
//! end, so that no part is taken for the whole. That something was taken away is on record before the first byte.
//!
//! [`begin`] is called by handlers, [`Export`] says what there is to be taken: [`attempt`] and [`audit`].

mod attempt;
mod audit;
mod format;
mod slots;
mod stream;

pub(crate) use attempt::AttemptExport;
pub(crate) use audit::AuditExport;
pub(crate) use format::Format;
pub(crate) use slots::Slots;
pub(crate) use stream::{Asked, begin};

use postern_store::{StoreError, TenantStore};
use serde_json::Value;

/// Something that can be taken away. The value itself says which part of it.
pub(crate) trait Export: 'static {
    /// In the file's name, and the target of the audit entry.
    const NAME: &'static str;
    /// Of the audit entry.
    const ACTION: &'static str;
    /// Names of the columns, which are the fields of the objects too.
    const COLUMNS: &'static [&'static str];
    /// Where a piece ends and the next begins.
    type Place: Copy + 'static;

    /// The piece behind `after`, and where it ended, or `None` when it is the last. It may be empty and yet not the last.
    fn read(
        &self,
        store: &TenantStore,
        after: Option<Self::Place>,
    ) -> impl Future<Output = Result<(Vec<Record>, Option<Self::Place>), StoreError>>;
}

/// A row: a value for each column. Text of whatever origin, numbers of ours, null for what is not there.
pub(crate) type Record = Vec<Value>;

/// Null when there is nothing to say.
fn unless_empty(text: String) -> Value {
    if text.is_empty() { Value::Null } else { Value::String(text) }
}
