//! What a poll beside a webhook finds out about it: the alarm that stands, what could not be matched, what came late.

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
    // The alarm lies beside what a claim reads and an end writes anyway, so that a run needs no statement more for it.
    "ALTER TABLE poll_states ADD COLUMN alarm text",
    "ALTER TABLE poll_states ADD COLUMN alarm_ended_at bigint",
    "ALTER TABLE poll_states ADD COLUMN last_lost_at bigint",
    "ALTER TABLE poll_runs ADD COLUMN unmatched bigint NOT NULL DEFAULT 0",
    // From an event to the requests that came for it later. What becomes an event has no row there.
    "CREATE INDEX requests_by_event ON requests (event_id) WHERE event_id IS NOT NULL",
];

const DOWN: &[&str] = &[
    "DROP INDEX requests_by_event",
    "ALTER TABLE poll_runs DROP COLUMN unmatched",
    "ALTER TABLE poll_states DROP COLUMN last_lost_at",
    "ALTER TABLE poll_states DROP COLUMN alarm_ended_at",
    "ALTER TABLE poll_states DROP COLUMN alarm",
];
