//! Events, their bodies apart so that each has a retention of its own, and the keys that make two inputs one event.

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
    "CREATE TABLE events (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        type text NOT NULL,
        dedup_key text,
        content_type text,
        headers text NOT NULL,
        remote text NOT NULL,
        received_at bigint NOT NULL,
        body_bytes integer NOT NULL,
        body_sha256 {bytes} NOT NULL,
        filtered integer NOT NULL) {by_day:id}",
    "CREATE INDEX events_by_tenant ON events (tenant_id, id)",
    "CREATE INDEX events_by_source ON events (source_id, id)",
    "CREATE TABLE event_bodies (
        event_id {uuid} PRIMARY KEY,
        body {bytes} NOT NULL) {by_day:event_id}{clustered}",
    "pg:CREATE TABLE events_default PARTITION OF events DEFAULT",
    "pg:CREATE TABLE event_bodies_default PARTITION OF event_bodies DEFAULT",
    // Bodies are as random or as small as they come; trying to compress each costs more than it saves.
    "pg:ALTER TABLE event_bodies ALTER COLUMN body SET STORAGE EXTERNAL",
    // `key_hash` is 16 bytes of SHA-256 over the key. An expired key is overwritten in place, so the table holds one
    // row for each key however often it comes back.
    "pg:CREATE TABLE dedup_keys (
        source_id uuid NOT NULL,
        key_hash bytea NOT NULL,
        event_id uuid NOT NULL,
        body_hash bytea NOT NULL,
        expires_at bigint NOT NULL,
        PRIMARY KEY (source_id, key_hash)) PARTITION BY HASH (source_id, key_hash)",
    "sqlite:CREATE TABLE dedup_keys (
        source_id blob NOT NULL,
        key_hash blob NOT NULL,
        event_id blob NOT NULL,
        body_hash blob NOT NULL,
        expires_at bigint NOT NULL,
        PRIMARY KEY (source_id, key_hash)) WITHOUT ROWID",
    "pg:CREATE TABLE dedup_keys_0 PARTITION OF dedup_keys FOR VALUES WITH (MODULUS 4, REMAINDER 0)",
    "pg:CREATE TABLE dedup_keys_1 PARTITION OF dedup_keys FOR VALUES WITH (MODULUS 4, REMAINDER 1)",
    "pg:CREATE TABLE dedup_keys_2 PARTITION OF dedup_keys FOR VALUES WITH (MODULUS 4, REMAINDER 2)",
    "pg:CREATE TABLE dedup_keys_3 PARTITION OF dedup_keys FOR VALUES WITH (MODULUS 4, REMAINDER 3)",
];

const DOWN: &[&str] = &["DROP TABLE dedup_keys", "DROP TABLE event_bodies", "DROP TABLE events"];
