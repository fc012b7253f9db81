//! Tokens of OAuth2 that all replicas share.

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
    // `credential` is a hash over all that makes a token request what it is. Whoever asks for the next token holds the row
    // meanwhile; who comes second finds that token in it.
    "CREATE TABLE poll_tokens (
        tenant_id {uuid} NOT NULL,
        credential {bytes} NOT NULL,
        held_by {uuid},
        held_until bigint,
        token_sealed {bytes},
        refresh_at bigint NOT NULL,
        PRIMARY KEY (tenant_id, credential),
        CHECK ((held_by IS NULL) = (held_until IS NULL))) {clustered}",
];

const DOWN: &[&str] = &["DROP TABLE poll_tokens"];
