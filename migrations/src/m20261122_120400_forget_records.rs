//! When a record was last listed, so that what no run lists any more can be forgotten.

use sea_orm_migration::prelude::*;

use crate::dialect::run;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, UP).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await
    }
}

const UP: &[&str] = &[
    // A day since 1970, and a coarse one: it is written anew only when it is old, so that an unchanged record costs no
    // write. Null: not known yet, and not forgotten.
    "ALTER TABLE poll_records ADD COLUMN seen_day integer",
    // New days come at the end of a source's part, where an index is cheap to write.
    "CREATE INDEX poll_records_by_day ON poll_records (source_id, seen_day)",
    // Records seen before this day are no longer listed. Set by a run that read all that there is to list.
    "ALTER TABLE poll_states ADD COLUMN forget_before integer",
];

const DOWN: &[&str] = &[
    "ALTER TABLE poll_states DROP COLUMN forget_before",
    "DROP INDEX poll_records_by_day",
    "ALTER TABLE poll_records DROP COLUMN seen_day",
];
