//! What is still to be delivered (small, in one piece), what is finished (by day), and who is at work.

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
    // One row for each unsettled delivery. Claims, leases and recovery look here and nowhere else, so their cost does
    // not depend on how much was ever delivered.
    "CREATE TABLE queue (
        delivery_id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        event_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        connection_id {uuid} NOT NULL,
        destination_id {uuid} NOT NULL,
        state text NOT NULL CHECK (state IN ('pending', 'leased')),
        due_at bigint NOT NULL,
        retries integer NOT NULL,
        attempts integer NOT NULL,
        body_bytes integer NOT NULL,
        asked_by text,
        lease_token {uuid},
        leased_by {uuid},
        leased_at bigint,
        leased_until bigint,
        CHECK ((state = 'leased') = (lease_token IS NOT NULL))) {clustered}",
    "CREATE INDEX queue_due ON queue (connection_id, due_at, delivery_id) WHERE state = 'pending'",
    "CREATE INDEX queue_by_event ON queue (event_id)",
    // A tenant looks at what waits without walking over what waits for others.
    "CREATE INDEX queue_by_tenant ON queue (tenant_id, delivery_id)",
    // Rows come and go by the thousand each second: clean up early, or scans walk over the dead.
    "pg:ALTER TABLE queue SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0, autovacuum_analyze_scale_factor = 0.1, fillfactor = 80)",
    "CREATE TABLE deliveries (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        event_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        connection_id {uuid} NOT NULL,
        destination_id {uuid} NOT NULL,
        state text NOT NULL CHECK (state IN ('delivered', 'dead', 'cancelled')),
        reason text,
        retries integer NOT NULL,
        attempts integer NOT NULL,
        body_bytes integer NOT NULL,
        finished_at bigint NOT NULL) {by_day:id}{clustered}",
    "CREATE INDEX deliveries_by_event ON deliveries (event_id)",
    "CREATE INDEX deliveries_by_tenant ON deliveries (tenant_id, id)",
    "CREATE INDEX deliveries_by_destination ON deliveries (destination_id, id)",
    "CREATE INDEX deliveries_failed ON deliveries (tenant_id, id) WHERE state <> 'delivered'",
    "pg:CREATE TABLE deliveries_default PARTITION OF deliveries DEFAULT",
    // Who is at work, by the database's clock.
    "CREATE TABLE instances (
        id {uuid} PRIMARY KEY,
        started_at bigint NOT NULL,
        beat_at bigint NOT NULL)",
];

const DOWN: &[&str] = &["DROP TABLE instances", "DROP TABLE deliveries", "DROP TABLE queue"];
