//! The engine's statements for SQLite: one immediate transaction for what was accepted and what was tried.

pub(crate) mod accept;
pub(crate) mod log;
pub(crate) mod settle;

use postern_domain::DeliveryId;
use sea_orm::sqlx::SqlitePool;

use self::log::Log;
use crate::{
    StoreError,
    engine::rows::{AcceptBatch, Accepted, Settlement, Written},
};

/// Begins with the write lock in hand. A transaction that reads first and writes later can fail at once, whatever the
/// busy timeout, when another has written in between.
pub(crate) const IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// A statement that fails takes the whole transaction with it, so none needs a way back of its own: `INSERT OR FAIL`
/// spares SQLite the journal by which it would undo the rows of that statement alone.
///
/// Each statement is a trip to the thread that owns the connection, and on a busy machine the trips are what a commit
/// waits for. So the usual is done in as few as can be, and counted; where the count is not what it should be, all is
/// rolled back and done again with a look at each row.
///
/// Settles first, so that a stale configuration costs the settlements nothing.
pub(super) async fn commit(
    writer: &SqlitePool,
    log: &Log,
    batch: Option<&AcceptBatch>,
    settlements: &[&Settlement],
) -> Result<(Accepted, Vec<DeliveryId>), StoreError> {
    let doing = "committing events and attempts";
    let mut tx = writer.begin_with(IMMEDIATE).await.map_err(StoreError::during(doing))?;
    let lost = match settle::settle_as_held(&mut tx, settlements).await? {
        Some(lost) => lost,
        None => {
            tx.rollback().await.map_err(StoreError::during(doing))?;
            tx = writer.begin_with(IMMEDIATE).await.map_err(StoreError::during(doing))?;
            settle::settle(&mut tx, settlements).await?
        }
    };
    let accepted = match batch {
        Some(batch) => accept::write(&mut tx, batch).await?,
        None => Accepted::Written(Written::default()),
    };
    tx.commit().await.map_err(StoreError::during(doing))?;
    log.finish(writer).await;
    Ok((accepted, lost))
}
