//! In which form a connection hands events on, and what an attempt sent where that is not the event's own body.

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
    "ALTER TABLE connections ADD COLUMN payload text NOT NULL DEFAULT 'raw'
        CHECK (payload IN ('raw', 'envelope', 'cloudevents'))",
    // Both are empty where the body was sent as it came: then they are the event's.
    "ALTER TABLE attempts ADD COLUMN sent_sha256 {bytes}",
    "ALTER TABLE attempts ADD COLUMN sent_bytes integer",
];

const DOWN: &[&str] = &[
    "ALTER TABLE attempts DROP COLUMN sent_bytes",
    "ALTER TABLE attempts DROP COLUMN sent_sha256",
    "ALTER TABLE connections DROP COLUMN payload",
];
