//! Destinations that are pulled from: their settings, leases that no replica holds, and tries that last for hours.

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
        run(manager, UP).await?;
        remake(manager, &AFTER).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        run(manager, DOWN).await?;
        remake(manager, &BEFORE).await
    }
}

/// SQLite gets the settings with its tables.
const UP: &[&str] = &[
    "pg:ALTER TABLE destinations DROP CONSTRAINT destinations_kind_check",
    "pg:ALTER TABLE destinations ADD CONSTRAINT destinations_kind_check CHECK (kind IN ('http', 'bin', 'queue'))",
    "pg:ALTER TABLE destinations ADD COLUMN queue text",
    "pg:ALTER TABLE destinations ADD CONSTRAINT destinations_queue_check CHECK ((kind = 'queue') = (queue IS NOT NULL))",
    // Of a try that took longer than duration_us can say, which is 35 minutes: a lease of a queue lasts up to 12 hours.
    "ALTER TABLE attempts ADD COLUMN ended_at bigint",
    // What was handed over under a lease, where it is not the event's own body: its attempt is written when it ends.
    "ALTER TABLE queue ADD COLUMN sent_sha256 {bytes}",
    "ALTER TABLE queue ADD COLUMN sent_bytes integer",
    // Who pulls holds a lease in nobody's name. These find such leases of one queue, and are never touched for what is
    // sent.
    "pg:CREATE INDEX queue_pulled ON queue (destination_id, leased_until)
        WHERE leased_by = '00000000-0000-0000-0000-000000000000'",
    "pg:CREATE INDEX queue_pulled_by_token ON queue (destination_id, lease_token)
        WHERE leased_by = '00000000-0000-0000-0000-000000000000'",
    "sqlite:CREATE INDEX queue_pulled ON queue (destination_id, leased_until)
        WHERE leased_by = x'00000000000000000000000000000000'",
    "sqlite:CREATE INDEX queue_pulled_by_token ON queue (destination_id, lease_token)
        WHERE leased_by = x'00000000000000000000000000000000'",
];

const DOWN: &[&str] = &[
    "DROP INDEX queue_pulled_by_token",
    "DROP INDEX queue_pulled",
    "ALTER TABLE queue DROP COLUMN sent_bytes",
    "ALTER TABLE queue DROP COLUMN sent_sha256",
    "ALTER TABLE attempts DROP COLUMN ended_at",
    "DELETE FROM queue WHERE destination_id IN (SELECT id FROM destinations WHERE kind = 'queue')",
    "DELETE FROM connections WHERE destination_id IN (SELECT id FROM destinations WHERE kind = 'queue')",
    "DELETE FROM destinations WHERE kind = 'queue'",
    "pg:ALTER TABLE destinations DROP CONSTRAINT destinations_queue_check",
    "pg:ALTER TABLE destinations DROP COLUMN queue",
    "pg:ALTER TABLE destinations DROP CONSTRAINT destinations_kind_check",
    "pg:ALTER TABLE destinations ADD CONSTRAINT destinations_kind_check CHECK (kind IN ('http', 'bin'))",
];

/// What differs between the tables of SQLite after this step and before it.
struct Shape {
    kinds: &'static str,
    settings: &'static str,
}

const AFTER: Shape = Shape {
    kinds: "'http', 'bin', 'queue'",
    settings: "
        queue text,
        CHECK ((kind = 'queue') = (queue IS NOT NULL)),",
};
const BEFORE: Shape = Shape { kinds: "'http', 'bin'", settings: "" };

/// SQLite cannot change a CHECK: the table is made again. What refers to it goes first and comes back last, so that no row
/// ever refers to one that is not there.
async fn remake(manager: &SchemaManager<'_>, shape: &Shape) -> Result<(), DbErr> {
    let filled = REMADE.map(|sql| sql.replace("{kinds}", shape.kinds).replace("{settings}", shape.settings));
    run(manager, &filled.each_ref().map(String::as_str)).await
}

const REMADE: [&str; 14] = [
    "sqlite:CREATE TABLE connections_before AS SELECT * FROM connections",
    "sqlite:DROP TABLE connections",
    "sqlite:ALTER TABLE destinations RENAME TO destinations_before",
    "sqlite:CREATE TABLE destinations (
        id blob PRIMARY KEY,
        tenant_id blob NOT NULL REFERENCES tenants (id),
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ({kinds})),
        url text,
        headers_sealed blob NOT NULL,
        signing_secret_sealed blob NOT NULL,
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
        version bigint NOT NULL,{settings}
        CHECK ((kind = 'http') = (url IS NOT NULL)),
        UNIQUE (tenant_id, id))",
    "sqlite:INSERT INTO destinations (id, tenant_id, name, kind, url, headers_sealed, signing_secret_sealed, rate_limit,
        concurrency, timeout_ms, retry, fail_next, state, state_reason, failing_since, created_at, updated_at, deleted_at,
        version)
        SELECT id, tenant_id, name, kind, url, headers_sealed, signing_secret_sealed, rate_limit, concurrency, timeout_ms,
        retry, fail_next, state, state_reason, failing_since, created_at, updated_at, deleted_at, version
        FROM destinations_before",
    "sqlite:DROP TABLE destinations_before",
    "sqlite:CREATE INDEX destinations_by_version ON destinations (version)",
    "sqlite:CREATE TABLE connections (
        id blob PRIMARY KEY,
        tenant_id blob NOT NULL,
        source_id blob NOT NULL,
        destination_id blob NOT NULL,
        event_types text NOT NULL,
        state text NOT NULL CHECK (state IN ('active', 'paused')),
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL,
        deleted_at bigint,
        version bigint NOT NULL,
        payload text NOT NULL DEFAULT 'raw' CHECK (payload IN ('raw', 'envelope', 'cloudevents')),
        delay_s integer NOT NULL DEFAULT 0 CHECK (delay_s >= 0),
        FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id),
        FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations (tenant_id, id))",
    "sqlite:INSERT INTO connections (id, tenant_id, source_id, destination_id, event_types, state, created_at, updated_at,
        deleted_at, version, payload, delay_s)
        SELECT id, tenant_id, source_id, destination_id, event_types, state, created_at, updated_at, deleted_at, version,
        payload, delay_s FROM connections_before",
    "sqlite:DROP TABLE connections_before",
    "sqlite:CREATE UNIQUE INDEX connections_once_per_pair ON connections (source_id, destination_id)
        WHERE deleted_at IS NULL",
    "sqlite:CREATE INDEX connections_by_tenant ON connections (tenant_id, id)",
    "sqlite:CREATE INDEX connections_by_destination ON connections (destination_id)",
    "sqlite:CREATE INDEX connections_by_version ON connections (version)",
];
