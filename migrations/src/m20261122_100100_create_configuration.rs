//! Sources, destinations, connections, and the version that tells every replica when to read them again.

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
    // One row. Every change of configuration raises it in its own transaction and stamps the rows it touched, so that a
    // replica reads what has a higher version than it knows. The row lock puts versions in the order of commits.
    "CREATE TABLE config_version (
        id smallint PRIMARY KEY CHECK (id = 1),
        version bigint NOT NULL)",
    "INSERT INTO config_version (id, version) VALUES (1, 1)",
    // Deleted rows stay, marked, as long as events refer to them.
    "CREATE TABLE sources (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('webhook', 'publish')),
        provider text,
        scheme text,
        config text NOT NULL,
        secrets_sealed {bytes},
        public_keys text NOT NULL,
        token_hash {bytes} UNIQUE,
        token_sealed {bytes},
        public_url text,
        allowed_ips text NOT NULL,
        dedup text NOT NULL,
        answer text,
        max_body_bytes integer NOT NULL,
        rate_limit text,
        state text NOT NULL CHECK (state IN ('active', 'paused')),
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        deleted_at bigint,
        version bigint NOT NULL,
        UNIQUE (tenant_id, id))",
    "CREATE INDEX sources_by_version ON sources (version)",
    "CREATE TABLE destinations (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ('http', 'bin')),
        url text,
        headers_sealed {bytes} NOT NULL,
        signing_secret_sealed {bytes} NOT NULL,
        rate_limit text,
        concurrency integer NOT NULL CHECK (concurrency > 0),
        timeout_ms integer NOT NULL CHECK (timeout_ms > 0),
        retry text NOT NULL,
        fail_next integer NOT NULL CHECK (fail_next >= 0),
        state text NOT NULL CHECK (state IN ('active', 'paused', 'held')),
        state_reason text,
        failing_since bigint,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        deleted_at bigint,
        version bigint NOT NULL,
        CHECK ((kind = 'http') = (url IS NOT NULL)),
        UNIQUE (tenant_id, id))",
    "CREATE INDEX destinations_by_version ON destinations (version)",
    // The composite keys make a connection between two tenants impossible in the database itself.
    "CREATE TABLE connections (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        destination_id {uuid} NOT NULL,
        event_types text NOT NULL,
        state text NOT NULL CHECK (state IN ('active', 'paused')),
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        deleted_at bigint,
        version bigint NOT NULL,
        FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id),
        FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations (tenant_id, id))",
    // A receiver may trust `webhook-id` only if an event reaches it once.
    "CREATE UNIQUE INDEX connections_once_per_pair ON connections (source_id, destination_id) WHERE deleted_at IS NULL",
    "CREATE INDEX connections_by_tenant ON connections (tenant_id, id)",
    "CREATE INDEX connections_by_destination ON connections (destination_id)",
    "CREATE INDEX connections_by_version ON connections (version)",
    // The answer to a change that carried an Idempotency-Key, without the secrets that were shown once.
    "CREATE TABLE idempotency_keys (
        tenant_id {uuid} NOT NULL,
        key_hash {bytes} NOT NULL,
        fingerprint {bytes} NOT NULL,
        status integer NOT NULL,
        body text NOT NULL,
        created_at bigint NOT NULL,
        PRIMARY KEY (tenant_id, key_hash))",
    "CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at)",
];

const DOWN: &[&str] = &[
    "DROP TABLE idempotency_keys",
    "DROP TABLE connections",
    "DROP TABLE destinations",
    "DROP TABLE sources",
    "DROP TABLE config_version",
];
