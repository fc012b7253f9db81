//! A third outcome of a request: taken in, and yet worth a look.

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
    "pg:ALTER TABLE requests DROP CONSTRAINT requests_outcome_check",
    "pg:ALTER TABLE requests ADD CONSTRAINT requests_outcome_check
        CHECK (outcome IN ('refused', 'duplicate', 'flagged'))",
    // SQLite cannot change a CHECK: the table is made again.
    "sqlite:ALTER TABLE requests RENAME TO requests_before",
    "sqlite:CREATE TABLE requests (
        id blob PRIMARY KEY,
        tenant_id blob NOT NULL,
        source_id blob NOT NULL,
        at bigint NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('refused', 'duplicate', 'flagged')),
        cause text NOT NULL,
        expected text NOT NULL,
        remote text NOT NULL,
        method text NOT NULL,
        headers text NOT NULL,
        body_bytes bigint NOT NULL,
        dedup_key text,
        event_id blob)",
    "sqlite:INSERT INTO requests SELECT id, tenant_id, source_id, at, outcome, cause, expected, remote, method, headers,
        body_bytes, dedup_key, event_id FROM requests_before",
    "sqlite:DROP TABLE requests_before",
    "sqlite:CREATE INDEX requests_by_tenant ON requests (tenant_id, id)",
    "sqlite:CREATE INDEX requests_by_source ON requests (source_id, id)",
];

const DOWN: &[&str] = &[
    "DELETE FROM requests WHERE outcome = 'flagged'",
    "pg:ALTER TABLE requests DROP CONSTRAINT requests_outcome_check",
    "pg:ALTER TABLE requests ADD CONSTRAINT requests_outcome_check CHECK (outcome IN ('refused', 'duplicate'))",
    "sqlite:ALTER TABLE requests RENAME TO requests_before",
    "sqlite:CREATE TABLE requests (
        id blob PRIMARY KEY,
        tenant_id blob NOT NULL,
        source_id blob NOT NULL,
        at bigint NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('refused', 'duplicate')),
        cause text NOT NULL,
        expected text NOT NULL,
        remote text NOT NULL,
        method text NOT NULL,
        headers text NOT NULL,
        body_bytes bigint NOT NULL,
        dedup_key text,
        event_id blob)",
    "sqlite:INSERT INTO requests SELECT id, tenant_id, source_id, at, outcome, cause, expected, remote, method, headers,
        body_bytes, dedup_key, event_id FROM requests_before",
    "sqlite:DROP TABLE requests_before",
    "sqlite:CREATE INDEX requests_by_tenant ON requests (tenant_id, id)",
    "sqlite:CREATE INDEX requests_by_source ON requests (source_id, id)",
];
