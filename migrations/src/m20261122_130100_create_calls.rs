//! Requests that Postern makes for tenants, each try of them, what was sent and came back, and every step of their lives.

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
    // `due_at` is set while the call waits, and at no other time, so the indexes that the engine looks into are as small
    // as what waits. `version` counts the steps: with the lease it fences who comes late.
    "CREATE TABLE calls (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        state text NOT NULL CHECK (state IN ('scheduled', 'queued', 'running', 'retry_wait', 'cancelling', 'succeeded',
            'failed', 'expired', 'cancelled')),
        version integer NOT NULL,
        created_at bigint NOT NULL,
        not_before bigint NOT NULL,
        deadline_at bigint NOT NULL,
        due_at bigint,
        started_at bigint,
        completed_at bigint,
        expires_at bigint,
        attempts integer NOT NULL,
        retries integer NOT NULL,
        lease_token {uuid},
        leased_by {uuid},
        leased_at bigint,
        leased_until bigint,
        method text NOT NULL,
        url text NOT NULL,
        header_names text NOT NULL,
        body_bytes integer NOT NULL,
        policy text NOT NULL,
        metadata text,
        response text,
        error text,
        event_id {uuid},
        redrive_of {uuid},
        CHECK ((lease_token IS NOT NULL) = (state IN ('running', 'cancelling'))),
        CHECK ((due_at IS NOT NULL) = (state IN ('scheduled', 'queued', 'retry_wait'))),
        CHECK ((event_id IS NOT NULL) = (state IN ('succeeded', 'failed', 'expired', 'cancelled'))))",
    "CREATE INDEX calls_waiting ON calls (tenant_id, due_at, deadline_at, id) WHERE due_at IS NOT NULL",
    "CREATE INDEX calls_deadline ON calls (deadline_at) WHERE due_at IS NOT NULL",
    "CREATE INDEX calls_leased ON calls (tenant_id, leased_until) WHERE lease_token IS NOT NULL",
    "CREATE INDEX calls_by_tenant ON calls (tenant_id, id)",
    "CREATE INDEX calls_by_state ON calls (tenant_id, state, id)",
    "CREATE INDEX calls_by_source ON calls (source_id, id)",
    "CREATE INDEX calls_ended ON calls (completed_at) WHERE completed_at IS NOT NULL",
    // Each row is written several times while it waits and runs: clean up early.
    "pg:ALTER TABLE calls SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000,
        autovacuum_vacuum_cost_delay = 0, fillfactor = 80)",
    "CREATE TABLE call_attempts (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        call_id {uuid} NOT NULL,
        number integer NOT NULL,
        started_at bigint NOT NULL,
        ended_at bigint NOT NULL,
        kind text NOT NULL,
        status integer,
        unknown boolean NOT NULL,
        timings text NOT NULL,
        response_bytes bigint NOT NULL,
        detail text)",
    "CREATE INDEX call_attempts_by_call ON call_attempts (call_id, id)",
    // `request` is sealed: URL, headers and body of what is asked; `result` is what came back.
    "CREATE TABLE call_bodies (
        call_id {uuid} NOT NULL,
        part text NOT NULL CHECK (part IN ('request', 'result')),
        body {bytes} NOT NULL,
        expires_at bigint NOT NULL,
        PRIMARY KEY (call_id, part))",
    "CREATE INDEX call_bodies_expiring ON call_bodies (expires_at)",
    "CREATE TABLE call_steps (
        call_id {uuid} NOT NULL,
        version integer NOT NULL,
        from_state text,
        to_state text NOT NULL,
        at bigint NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        why text NOT NULL,
        PRIMARY KEY (call_id, version)) {clustered}",
];

const DOWN: &[&str] =
    &["DROP TABLE call_steps", "DROP TABLE call_bodies", "DROP TABLE call_attempts", "DROP TABLE calls"];
