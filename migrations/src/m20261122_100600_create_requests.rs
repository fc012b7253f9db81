//! What came to the front door and did not become an event, and what the bins received.

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
    "CREATE TABLE requests (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        at bigint NOT NULL,
        outcome text NOT NULL CHECK (outcome IN ('refused', 'duplicate')),
        cause text NOT NULL,
        expected text NOT NULL,
        remote text NOT NULL,
        method text NOT NULL,
        headers text NOT NULL,
        body_bytes bigint NOT NULL,
        dedup_key text,
        event_id {uuid}) {by_day:id}",
    "CREATE INDEX requests_by_tenant ON requests (tenant_id, id)",
    "CREATE INDEX requests_by_source ON requests (source_id, id)",
    "pg:CREATE TABLE requests_default PARTITION OF requests DEFAULT",
    // Bounded by the newest few of each bin, so it needs no days.
    "CREATE TABLE bin_requests (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        destination_id {uuid} NOT NULL,
        event_id {uuid} NOT NULL,
        delivery_id {uuid} NOT NULL,
        at bigint NOT NULL,
        answered integer NOT NULL,
        headers text NOT NULL,
        body {bytes} NOT NULL)",
    "CREATE INDEX bin_requests_by_destination ON bin_requests (destination_id, id)",
];

const DOWN: &[&str] = &["DROP TABLE bin_requests", "DROP TABLE requests"];
