//! The engine's statements for SQLite: one immediate transaction for what was accepted and what was tried.

mod accept;
mod settle;

use postern_domain::DeliveryId;
use sea_orm::sqlx::SqlitePool;

use crate::{
    StoreError,
    engine::rows::{AcceptBatch, Accepted, Settlement},
};

/// Begins with the write lock in hand. A transaction that reads first and writes later can fail at once, whatever the
/// busy timeout, when another has written in between.
pub(super) const IMMEDIATE: &str = "BEGIN IMMEDIATE";

/// Settles first, so that a stale configuration costs the settlements nothing.
pub(super) async fn commit(
    writer: &SqlitePool,
    batch: Option<&AcceptBatch>,
    settlements: &[&Settlement],
) -> Result<(Accepted, Vec<DeliveryId>), StoreError> {
    let doing = "committing events and attempts";
    let mut tx = writer.begin_with(IMMEDIATE).await.map_err(StoreError::during(doing))?;
    let lost = settle::settle(&mut tx, settlements).await?;
    let accepted = match batch {
        Some(batch) => accept::write(&mut tx, batch).await?,
        None => Accepted::Written { duplicates: Vec::new() },
    };
    tx.commit().await.map_err(StoreError::during(doing))?;
    Ok((accepted, lost))
}
