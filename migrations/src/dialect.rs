//! What differs between the two databases in a schema, behind five words.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DbBackend};

/// Runs each statement, with `{uuid}`, `{bytes}`, `{by_day:KEY}` and `{clustered}` replaced. Statements that begin with `pg:` or
/// `sqlite:` are for that database only.
pub(crate) async fn run(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    let backend = manager.get_database_backend();
    for statement in statements {
        if let Some(sql) = translate(backend, statement) {
            manager.get_connection().execute_unprepared(&sql).await?;
        }
    }
    Ok(())
}

fn translate(backend: DbBackend, statement: &str) -> Option<String> {
    let postgres = backend == DbBackend::Postgres;
    let (wanted, sql) = match statement.split_once(':') {
        Some(("pg", sql)) => (postgres, sql),
        Some(("sqlite", sql)) => (!postgres, sql),
        _ => (true, statement),
    };
    let (uuid, bytes) = if postgres { ("uuid", "bytea") } else { ("blob", "blob") };
    let mut sql = sql.replace("{uuid}", uuid).replace("{bytes}", bytes);
    for key in ["id", "event_id", "attempt_id"] {
        let clause = if postgres { format!("PARTITION BY RANGE ({key})") } else { String::new() };
        sql = sql.replace(&format!("{{by_day:{key}}}"), &clause);
    }
    // One tree rather than a table and its key beside it; for short rows, since a long one leaves the tree.
    sql = sql.replace("{clustered}", if postgres { "" } else { "WITHOUT ROWID" });
    wanted.then_some(sql)
}
