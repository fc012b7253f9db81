//! What happened to each tenant, counted by stretches of five minutes, for pages that would otherwise read a month.

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
    // One row for each stretch, whether or not anything happened. `counted_at`: not yet, while it is null. `due_at`:
    // when it is counted next, or never again.
    "CREATE TABLE activity_stretches (
        start_at bigint PRIMARY KEY,
        counted_at bigint,
        due_at bigint)",
    "CREATE INDEX activity_stretches_due ON activity_stretches (due_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX activity_stretches_uncounted ON activity_stretches (start_at) WHERE counted_at IS NULL",
    // Written whole, from the rows it counts, as often as they change: never added to. `latency_N` counts what was
    // delivered within the Nth bound.
    "CREATE TABLE activity (
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        start_at bigint NOT NULL,
        events integer NOT NULL,
        duplicates integer NOT NULL,
        refused integer NOT NULL,
        delivered integer NOT NULL,
        retried integer NOT NULL,
        dead integer NOT NULL,
        cancelled integer NOT NULL,
        latency_0 integer NOT NULL,
        latency_1 integer NOT NULL,
        latency_2 integer NOT NULL,
        latency_3 integer NOT NULL,
        latency_4 integer NOT NULL,
        latency_5 integer NOT NULL,
        latency_6 integer NOT NULL,
        latency_7 integer NOT NULL,
        latency_8 integer NOT NULL,
        latency_9 integer NOT NULL,
        latency_10 integer NOT NULL,
        latency_11 integer NOT NULL,
        latency_12 integer NOT NULL,
        latency_13 integer NOT NULL,
        latency_14 integer NOT NULL,
        latency_15 integer NOT NULL,
        latency_16 integer NOT NULL,
        latency_17 integer NOT NULL,
        latency_18 integer NOT NULL,
        latency_19 integer NOT NULL,
        latency_20 integer NOT NULL,
        latency_21 integer NOT NULL,
        latency_22 integer NOT NULL,
        latency_23 integer NOT NULL,
        latency_24 integer NOT NULL,
        latency_25 integer NOT NULL,
        latency_26 integer NOT NULL,
        PRIMARY KEY (tenant_id, start_at)) {clustered}",
    "CREATE INDEX activity_by_start ON activity (start_at)",
];

const DOWN: &[&str] = &["DROP TABLE activity", "DROP TABLE activity_stretches"];
