//! Sources that poll and sources that keep a timetable, connections that wait, and by which way an event came.

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

/// SQLite gets both with its tables.
const UP: &[&str] = &[
    "pg:ALTER TABLE sources DROP CONSTRAINT sources_kind_check",
    "pg:ALTER TABLE sources ADD CONSTRAINT sources_kind_check CHECK (kind IN ('webhook', 'publish', 'poll', 'schedule'))",
    // Sealed whole: headers, query and body of a request may each hold a credential.
    "pg:ALTER TABLE sources ADD COLUMN poll_sealed bytea",
    "pg:ALTER TABLE sources ADD COLUMN schedule text",
    "pg:ALTER TABLE connections ADD COLUMN delay_s integer NOT NULL DEFAULT 0 CHECK (delay_s >= 0)",
    // Empty: by the way its source is for. So that the usual event binds nothing more.
    "ALTER TABLE events ADD COLUMN origin text",
];

const DOWN: &[&str] = &[
    "ALTER TABLE events DROP COLUMN origin",
    "DELETE FROM connections WHERE source_id IN (SELECT id FROM sources WHERE kind IN ('poll', 'schedule'))",
    "DELETE FROM sources WHERE kind IN ('poll', 'schedule')",
    "pg:ALTER TABLE connections DROP COLUMN delay_s",
    "pg:ALTER TABLE sources DROP COLUMN schedule",
    "pg:ALTER TABLE sources DROP COLUMN poll_sealed",
    "pg:ALTER TABLE sources DROP CONSTRAINT sources_kind_check",
    "pg:ALTER TABLE sources ADD CONSTRAINT sources_kind_check CHECK (kind IN ('webhook', 'publish'))",
];

/// What differs between the tables of SQLite after this step and before it.
struct Shape {
    kinds: &'static str,
    of_source: &'static str,
    of_connection: &'static str,
}

const AFTER: Shape = Shape {
    kinds: "'webhook', 'publish', 'poll', 'schedule'",
    of_source: "
        poll_sealed blob,
        schedule text,",
    of_connection: "
        delay_s integer NOT NULL DEFAULT 0 CHECK (delay_s >= 0),",
};
const BEFORE: Shape = Shape { kinds: "'webhook', 'publish'", of_source: "", of_connection: "" };

/// SQLite cannot change a CHECK: the table is made again. What refers to it goes first and comes back last, so that no row
/// ever refers to one that is not there.
async fn remake(manager: &SchemaManager<'_>, shape: &Shape) -> Result<(), DbErr> {
    let filled = REMADE.map(|sql| {
        let sql = sql.replace("{kinds}", shape.kinds).replace("{of_source}", shape.of_source);
        sql.replace("{of_connection}", shape.of_connection)
    });
    run(manager, &filled.each_ref().map(String::as_str)).await
}

const REMADE: [&str; 14] = [
    "sqlite:CREATE TABLE connections_before AS SELECT * FROM connections",
    "sqlite:DROP TABLE connections",
    "sqlite:ALTER TABLE sources RENAME TO sources_before",
    "sqlite:CREATE TABLE sources (
        id blob PRIMARY KEY,
        tenant_id blob NOT NULL REFERENCES tenants (id),
        name text NOT NULL,
        kind text NOT NULL CHECK (kind IN ({kinds})),
        provider text,
        scheme text,
        config text NOT NULL,
        secrets_sealed blob,
        public_keys text NOT NULL,
        token_hash blob UNIQUE,
        token_sealed blob,
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
        intake text NOT NULL DEFAULT '{}',
        header_token_sealed blob,
        retired_token_hash blob,
        retired_token_until bigint,
        handshake_until bigint,{of_source}
        UNIQUE (tenant_id, id))",
    "sqlite:INSERT INTO sources (id, tenant_id, name, kind, provider, scheme, config, secrets_sealed, public_keys, token_hash,
        token_sealed, public_url, allowed_ips, dedup, answer, max_body_bytes, rate_limit, state, created_at, updated_at,
        deleted_at, version, intake, header_token_sealed, retired_token_hash, retired_token_until, handshake_until)
        SELECT id, tenant_id, name, kind, provider, scheme, config, secrets_sealed, public_keys, token_hash,
        token_sealed, public_url, allowed_ips, dedup, answer, max_body_bytes, rate_limit, state, created_at, updated_at,
        deleted_at, version, intake, header_token_sealed, retired_token_hash, retired_token_until, handshake_until
        FROM sources_before",
    "sqlite:DROP TABLE sources_before",
    "sqlite:CREATE INDEX sources_by_version ON sources (version)",
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
        payload text NOT NULL DEFAULT 'raw' CHECK (payload IN ('raw', 'envelope', 'cloudevents')),{of_connection}
        FOREIGN KEY (tenant_id, source_id) REFERENCES sources (tenant_id, id),
        FOREIGN KEY (tenant_id, destination_id) REFERENCES destinations (tenant_id, id))",
    "sqlite:INSERT INTO connections (id, tenant_id, source_id, destination_id, event_types, state, created_at, updated_at, deleted_at,
        version, payload)
        SELECT id, tenant_id, source_id, destination_id, event_types, state, created_at, updated_at, deleted_at,
        version, payload FROM connections_before",
    "sqlite:DROP TABLE connections_before",
    "sqlite:CREATE UNIQUE INDEX connections_once_per_pair ON connections (source_id, destination_id)
        WHERE deleted_at IS NULL",
    "sqlite:CREATE INDEX connections_by_tenant ON connections (tenant_id, id)",
    "sqlite:CREATE INDEX connections_by_destination ON connections (destination_id)",
    "sqlite:CREATE INDEX connections_by_version ON connections (version)",
];
