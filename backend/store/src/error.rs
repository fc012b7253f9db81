//! What can go wrong with a database, as far as a caller can act on it.

use sea_orm::{DbErr, RuntimeErr, sqlx};

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, is full, locked or shutting down: the same call may succeed later.
    #[error("the database is not available ({doing}): {cause}")]
    Unavailable { doing: &'static str, cause: String },
    /// The database refused this data. Trying again changes nothing.
    #[error("the database refused the data ({doing}): {cause}")]
    Data { doing: &'static str, cause: String },
    /// A row breaks an assumption of ours: somebody wrote to the database, or we have a bug.
    #[error("`{table}` holds a row that cannot be read ({cause})")]
    Inconsistent { table: &'static str, cause: String },
}

impl StoreError {
    pub(crate) fn inconsistent(table: &'static str, cause: impl std::fmt::Display) -> Self {
        Self::Inconsistent { table, cause: cause.to_string() }
    }

    /// For `map_err`: says what was being done.
    pub(crate) fn during(doing: &'static str) -> impl Fn(sqlx::Error) -> Self {
        move |cause| Self::from_sqlx(doing, &cause)
    }

    /// The same for what comes through sea-orm.
    pub(crate) fn orm(doing: &'static str) -> impl Fn(DbErr) -> Self {
        move |cause| match &cause {
            DbErr::Exec(RuntimeErr::SqlxError(inner))
            | DbErr::Query(RuntimeErr::SqlxError(inner))
            | DbErr::Conn(RuntimeErr::SqlxError(inner)) => Self::from_sqlx(doing, inner),
            DbErr::ConnectionAcquire(_) => Self::Unavailable { doing, cause: cause.to_string() },
            _ => Self::Data { doing, cause: cause.to_string() },
        }
    }

    fn from_sqlx(doing: &'static str, cause: &sqlx::Error) -> Self {
        let text = cause.to_string();
        match cause {
            sqlx::Error::Database(inner) if is_about_data(inner.code().as_deref()) => Self::Data { doing, cause: text },
            sqlx::Error::Encode(_)
            | sqlx::Error::Decode(_)
            | sqlx::Error::ColumnDecode { .. }
            | sqlx::Error::ColumnNotFound(_)
            | sqlx::Error::TypeNotFound { .. } => Self::Data { doing, cause: text },
            _ => Self::Unavailable { doing, cause: text },
        }
    }

    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}

/// PostgreSQL: classes 22 (data exception), 23 (integrity) and 42 (a statement of ours is wrong). SQLite: constraint (19),
/// mismatch (20), too big (18), and plain errors of a statement (1), by primary code.
fn is_about_data(code: Option<&str>) -> bool {
    let Some(code) = code else { return false };
    if code.len() == 5 {
        return ["22", "23", "42"].iter().any(|class| code.starts_with(class));
    }
    code.parse::<u32>().is_ok_and(|code| matches!(code & 0xff, 1 | 18 | 19 | 20))
}
