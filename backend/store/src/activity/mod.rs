//! What happened, counted by stretches of five minutes: kept up beside the engine, read by pages.
//!
//! A stretch is counted from its rows when it is over, and again while it may still change; each count replaces the one
//! before, so that it does not matter how often one is made, or by which replica. What is not counted yet is counted
//! when it is read, within bounds. Start at [`keep`]; the statements are in [`count`].

mod count;
mod keep;
mod read;
mod waiting;

pub use read::{Activity, Bars};
pub use waiting::Waiting;

use postern_domain::activity::Stretch;
use sea_orm::DatabaseTransaction;

use crate::{StoreError, read::query::Query};

/// Something of an old stretch changes after all: it is counted again soon.
pub(crate) async fn recount(
    tx: &DatabaseTransaction,
    stretch: Stretch,
    now: postern_domain::Timestamp,
) -> Result<(), StoreError> {
    let mut query = Query::on(tx);
    query.sql("UPDATE activity_stretches SET due_at = ").bind(now.as_micros());
    query.sql(" WHERE start_at = ").bind(stretch.start().as_micros());
    query.execute(tx, "asking for a recount").await.map(|_| ())
}
