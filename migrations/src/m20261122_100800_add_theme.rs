//! How a person wants pages to look.

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

const UP: &[&str] = &["ALTER TABLE users ADD COLUMN theme text NOT NULL DEFAULT 'system'
        CHECK (theme IN ('system', 'light', 'dark'))"];

const DOWN: &[&str] = &["ALTER TABLE users DROP COLUMN theme"];
