//! What a source lets in, the token beside its URL, a URL that is being replaced, and a handshake that is awaited.

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
    "ALTER TABLE sources ADD COLUMN intake text NOT NULL DEFAULT '{}'",
    "ALTER TABLE sources ADD COLUMN header_token_sealed {bytes}",
    // The token before this one, and until when it still works.
    "ALTER TABLE sources ADD COLUMN retired_token_hash {bytes}",
    "ALTER TABLE sources ADD COLUMN retired_token_until bigint",
    // Until then a provider may hand over the secret of a source that has none.
    "ALTER TABLE sources ADD COLUMN handshake_until bigint",
];

const DOWN: &[&str] = &[
    "ALTER TABLE sources DROP COLUMN handshake_until",
    "ALTER TABLE sources DROP COLUMN retired_token_until",
    "ALTER TABLE sources DROP COLUMN retired_token_hash",
    "ALTER TABLE sources DROP COLUMN header_token_sealed",
    "ALTER TABLE sources DROP COLUMN intake",
];
