//! What was taken of the budgets that sources declare, for all replicas together.

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
    // A row is locked for each request of those who share it, so it holds nothing but what a decision needs.
    "CREATE TABLE poll_budgets (
        tenant_id {uuid} NOT NULL,
        name text NOT NULL,
        taken text,
        at bigint NOT NULL,
        PRIMARY KEY (tenant_id, name)) {clustered}",
    "pg:ALTER TABLE poll_budgets SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 500,
        autovacuum_vacuum_cost_delay = 0, fillfactor = 50)",
];

const DOWN: &[&str] = &["DROP TABLE poll_budgets"];
