//! Rows of the configuration that changed since a version, as many at a time as are worth holding.

use sea_orm::{FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::{StoreError, open::Store};

pub(super) const DOING: &str = "reading the configuration";
/// Rows that are held at once.
const AT_ONCE: usize = 256;

/// A row of the configuration, and where it stands among them.
pub(super) trait Versioned: FromQueryResult {
    fn place(&self) -> (i64, Uuid);
}

macro_rules! versioned {
    ($($row:ty),*) => {
        $(impl super::changed::Versioned for $row {
            fn place(&self) -> (i64, Uuid) {
                (self.version, self.id)
            }
        })*
    };
}

pub(super) use versioned;

impl Store {
    pub(super) async fn each_changed<R: Versioned>(
        &self,
        known: i64,
        table: &'static str,
        mut take: impl FnMut(R),
    ) -> Result<(), StoreError> {
        let reader = self.reader();
        let sql = format!(
            "SELECT * FROM {table} WHERE version >= $1 AND (version > $1 OR id > $2) ORDER BY version, id LIMIT {AT_ONCE}"
        );
        // Behind all rows of the version that is known.
        let mut behind = (known, Uuid::max());
        loop {
            let values = [Value::from(behind.0), Value::from(behind.1)];
            let statement = Statement::from_sql_and_values(reader.get_database_backend(), &sql, values);
            let rows = R::find_by_statement(statement).all(&reader).await.map_err(StoreError::orm(DOING))?;
            let Some(last) = rows.last().map(Versioned::place) else { return Ok(()) };
            behind = last;
            let is_full = rows.len() >= AT_ONCE;
            rows.into_iter().for_each(&mut take);
            if !is_full {
                return Ok(());
            }
        }
    }
}
