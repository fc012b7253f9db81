//! A statement put together piece by piece, with its values beside it, for either database.

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use uuid::Uuid;

use crate::StoreError;

/// Text and values grow together, so that a placeholder can never point at the wrong value.
#[derive(Debug)]
pub(crate) struct Query {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
}

impl Query {
    pub(crate) fn on(db: &impl ConnectionTrait) -> Self {
        Self { backend: db.get_database_backend(), text: String::new(), values: Vec::new() }
    }

    /// Adds text of ours. Nothing that came from outside may go this way.
    pub(crate) fn sql(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a value, and its placeholder to the text.
    pub(crate) fn bind(&mut self, value: impl Into<Value>) -> &mut Self {
        self.values.push(value.into());
        self.text.push_str(&format!("${}", self.values.len()));
        self
    }

    /// Adds `(…)` for the right side of IN. Filled up to a power of two, so that there are few statements to prepare.
    pub(crate) fn ids(&mut self, ids: &[Uuid]) -> &mut Self {
        let filler = ids.first().copied().unwrap_or_default();
        let places = ids.len().next_power_of_two();
        self.text.push('(');
        for (place, id) in ids.iter().copied().chain(std::iter::repeat(filler)).take(places).enumerate() {
            self.text.push_str(if place == 0 { "" } else { ", " });
            self.bind(id);
        }
        self.text.push(')');
        self
    }

    /// Adds the condition that the row is the tenant's, for statements that find their rows by something else. A plain
    /// condition would lend itself to the index of all that the tenant has, and a planner that guesses would take it.
    pub(crate) fn guard(&mut self, column: &str, tenant: Uuid) -> &mut Self {
        self.text.push_str(" AND (");
        self.text.push_str(column);
        self.text.push_str(" = ");
        self.bind(tenant);
        self.text.push_str(") IS TRUE");
        self
    }

    /// SQLite keeps no statistics here and would guess; PostgreSQL chooses by what it knows of each partition.
    pub(crate) fn by_index(&mut self, index: &str) -> &mut Self {
        if self.backend == DbBackend::Sqlite {
            self.text.push_str(" INDEXED BY ");
            self.text.push_str(index);
        }
        self
    }

    /// Locks the rows found until the transaction ends. A writing transaction of SQLite has the whole file already.
    pub(crate) fn for_update(&mut self) -> &mut Self {
        if self.backend == DbBackend::Postgres {
            self.text.push_str(" FOR UPDATE");
        }
        self
    }

    /// Keeps others from changing the rows found until the transaction ends.
    pub(crate) fn for_share(&mut self) -> &mut Self {
        if self.backend == DbBackend::Postgres {
            self.text.push_str(" FOR SHARE");
        }
        self
    }

    pub(crate) async fn all<T: FromQueryResult>(
        self,
        db: &impl ConnectionTrait,
        doing: &'static str,
    ) -> Result<Vec<T>, StoreError> {
        T::find_by_statement(self.statement()).all(db).await.map_err(StoreError::orm(doing))
    }

    pub(crate) async fn one<T: FromQueryResult>(
        self,
        db: &impl ConnectionTrait,
        doing: &'static str,
    ) -> Result<Option<T>, StoreError> {
        T::find_by_statement(self.statement()).one(db).await.map_err(StoreError::orm(doing))
    }

    /// How many rows it changed.
    pub(crate) async fn execute(self, db: &impl ConnectionTrait, doing: &'static str) -> Result<u64, StoreError> {
        let done = db.execute_raw(self.statement()).await.map_err(StoreError::orm(doing))?;
        Ok(done.rows_affected())
    }

    fn statement(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }
}

/// For statements that only ask whether there is a row.
#[derive(Debug, FromQueryResult)]
pub(crate) struct Found {
    #[expect(dead_code, reason = "that the row is there is the answer")]
    found: i32,
}
