//! When what is asked of a source was last changed, for those that never had a good run.

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
    // Without it, how long there was no good run could only be told of sources that had one. Null: before this was
    // written down; then the source's own beginning counts.
    "ALTER TABLE poll_states ADD COLUMN planned_at bigint",
];

const DOWN: &[&str] = &["ALTER TABLE poll_states DROP COLUMN planned_at"];
