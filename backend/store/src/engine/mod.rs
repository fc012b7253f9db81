//! The machinery, across tenants: commit what was accepted, claim what is due, settle what was tried, recover what a
//! dead process left behind.
//!
//! PostgreSQL gets one statement per commit: the rows as arrays, each step a data-modifying part of one query, so that a
//! batch costs one round trip however large it is. SQLite gets the same steps as short statements in one immediate
//! transaction. Nothing here decides: rows come in as they are to be written.

pub mod bins;
mod changed;
mod claim;
pub mod config;
mod gauge;
mod health;
mod instances;
mod old_keys;
mod payloads;
mod pieces;
pub(crate) mod postgres;
mod recover;
mod replays;
pub mod requests;
pub mod rows;
pub(crate) mod sqlite;

pub use claim::{ClaimTerms, Claimed, LaneDue, LaneWish};
pub use gauge::Backlog;
pub use instances::Beat;
pub use recover::Lost;
pub use rows::{
    AcceptBatch, Accepted, AttemptRow, BodyKey, DedupInput, DeliveryRow, EventRow, FirstEvent, SentBody, Settlement,
    Verdict, Written,
};

use std::borrow::Borrow;

use crate::{StoreError, open::Pools, open::Store};

impl Store {
    /// Writes events, their dedup keys and deliveries: all or nothing, on disk when this returns.
    ///
    /// Writing the same batch again, because the answer to a commit was lost, changes nothing and succeeds.
    ///
    /// # Errors
    /// When the database does not answer, or refuses a row (then none is written).
    pub async fn commit(&self, batch: &AcceptBatch) -> Result<Accepted, StoreError> {
        match &self.inner.pools {
            Pools::Postgres { engine, small_statements, .. } => {
                postgres::accept::commit(engine, batch, small_statements.load(std::sync::atomic::Ordering::Relaxed))
                    .await
            }
            Pools::Sqlite { writer, log, .. } => {
                sqlite::commit(writer, log, Some(batch), &[]).await.map(|(accepted, _)| accepted)
            }
        }
    }

    /// Records attempts and what follows from them. Answers the deliveries whose lease was lost: their attempts are
    /// kept as `superseded` and decided nothing.
    ///
    /// # Errors
    /// When the database does not answer: nothing is written, and the same call may be made again.
    pub async fn settle<S: Borrow<Settlement>>(
        &self,
        settlements: &[S],
    ) -> Result<Vec<postern_domain::DeliveryId>, StoreError> {
        match &self.inner.pools {
            Pools::Postgres { engine, .. } => postgres::settle::settle(engine, &borrowed(settlements)).await,
            Pools::Sqlite { writer, log, .. } => {
                sqlite::commit(writer, log, None, &borrowed(settlements)).await.map(|(_, lost)| lost)
            }
        }
    }

    /// Both at once, in one transaction: on SQLite half the fsyncs.
    ///
    /// # Errors
    /// As [`Store::commit`] and [`Store::settle`].
    pub async fn commit_and_settle<S: Borrow<Settlement>>(
        &self,
        batch: &AcceptBatch,
        settlements: &[S],
    ) -> Result<(Accepted, Vec<postern_domain::DeliveryId>), StoreError> {
        match &self.inner.pools {
            Pools::Sqlite { writer, log, .. } => sqlite::commit(writer, log, Some(batch), &borrowed(settlements)).await,
            Pools::Postgres { .. } => {
                let (accepted, lost) = (self.commit(batch).await?, self.settle(settlements).await?);
                Ok((accepted, lost))
            }
        }
    }
}

fn borrowed<S: Borrow<Settlement>>(settlements: &[S]) -> Vec<&Settlement> {
    settlements.iter().map(Borrow::borrow).collect()
}
