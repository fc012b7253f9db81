//! When each source is polled next and what it remembers, what its runs came to, and which records it has seen.

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
    // One row for each source that runs by itself. A claim takes the lease and leaves `next_run_at`, the end of the run
    // moves it, so an instant is run once. `seq` counts the pages: with the lease it fences who comes late. `quiet_*`
    // sums up the runs since the last that found something, so that a run that found nothing writes this row alone.
    "CREATE TABLE poll_states (
        source_id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        kind text NOT NULL CHECK (kind IN ('poll', 'schedule')),
        next_run_at bigint,
        due_trigger text,
        due_run_id {uuid},
        lease_token {uuid},
        leased_by {uuid},
        leased_until bigint,
        run_id {uuid},
        run_trigger text,
        run_scheduled_at bigint,
        run_started_at bigint,
        seq bigint NOT NULL,
        epoch integer NOT NULL,
        cursor text,
        candidate text,
        resume text,
        page_key text,
        etag text,
        last_modified text,
        health text NOT NULL CHECK (health IN ('priming', 'ok', 'throttled', 'backoff', 'auth_required', 'schema_drift',
            'held', 'stalled', 'resync')),
        errors integer NOT NULL,
        blocked_until bigint,
        last_ok_at bigint,
        last_change_at bigint,
        last_run_at bigint,
        last_error text,
        interval_ms bigint,
        rate text,
        primed boolean NOT NULL,
        held integer NOT NULL,
        skipped_overlap bigint NOT NULL,
        quiet_run_id {uuid},
        quiet_day integer,
        quiet_scheduled_at bigint,
        quiet_started_at bigint,
        quiet_ended_at bigint,
        quiet_runs integer NOT NULL,
        quiet_requests bigint NOT NULL,
        quiet_not_modified bigint NOT NULL,
        quiet_pages bigint NOT NULL,
        quiet_records bigint NOT NULL,
        quiet_bytes bigint NOT NULL,
        CHECK ((lease_token IS NULL) = (run_id IS NULL))) {clustered}",
    "CREATE INDEX poll_states_due ON poll_states (next_run_at) WHERE next_run_at IS NOT NULL",
    "CREATE INDEX poll_states_leased ON poll_states (leased_until) WHERE lease_token IS NOT NULL",
    // Each row is written twice a run: clean up early.
    "pg:ALTER TABLE poll_states SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 2000,
        autovacuum_vacuum_cost_delay = 0, fillfactor = 70)",
    "CREATE TABLE poll_runs (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        trigger text NOT NULL,
        state text NOT NULL,
        scheduled_at bigint NOT NULL,
        started_at bigint NOT NULL,
        ended_at bigint,
        runs integer NOT NULL,
        requests bigint NOT NULL,
        not_modified bigint NOT NULL,
        pages bigint NOT NULL,
        records bigint NOT NULL,
        emitted bigint NOT NULL,
        changed bigint NOT NULL,
        duplicates bigint NOT NULL,
        confirmed bigint NOT NULL,
        lost bigint NOT NULL,
        quarantined bigint NOT NULL,
        held bigint NOT NULL,
        bytes bigint NOT NULL,
        cursor_before text,
        cursor_after text,
        error text)",
    "CREATE INDEX poll_runs_by_source ON poll_runs (source_id, id)",
    // What was seen of each record, to tell news from repetition. `record_hash` is 16 bytes of SHA-256 over its id.
    "CREATE TABLE poll_records (
        source_id {uuid} NOT NULL,
        record_hash {bytes} NOT NULL,
        record_id text NOT NULL,
        version text,
        content_hash {bytes} NOT NULL,
        rev integer NOT NULL,
        stable integer NOT NULL,
        missed integer NOT NULL,
        waiting_since bigint,
        run_id {uuid} NOT NULL,
        updated_at bigint NOT NULL,
        PRIMARY KEY (source_id, record_hash)) {clustered}",
    "CREATE TABLE poll_moves (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        at bigint NOT NULL,
        from_cursor text,
        to_cursor text,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        reason text NOT NULL)",
    "CREATE INDEX poll_moves_by_source ON poll_moves (source_id, id)",
    "CREATE TABLE poll_quarantine (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        source_id {uuid} NOT NULL,
        run_id {uuid} NOT NULL,
        at bigint NOT NULL,
        reason text NOT NULL,
        sample {bytes} NOT NULL)",
    "CREATE INDEX poll_quarantine_by_source ON poll_quarantine (source_id, id)",
    // How late events were, counted by days and by quarters of powers of two of a millisecond.
    "CREATE TABLE poll_lags (
        source_id {uuid} NOT NULL,
        day integer NOT NULL,
        channel text NOT NULL CHECK (channel IN ('webhook', 'poll')),
        bucket smallint NOT NULL,
        count bigint NOT NULL,
        PRIMARY KEY (source_id, day, channel, bucket)) {clustered}",
    "CREATE INDEX poll_lags_by_day ON poll_lags (day)",
    // Events whose deliveries wait until somebody lets them go.
    "CREATE TABLE poll_held (
        source_id {uuid} NOT NULL,
        event_id {uuid} NOT NULL,
        run_id {uuid} NOT NULL,
        PRIMARY KEY (source_id, event_id)) {clustered}",
];

const DOWN: &[&str] = &[
    "DROP TABLE poll_held",
    "DROP TABLE poll_lags",
    "DROP TABLE poll_quarantine",
    "DROP TABLE poll_moves",
    "DROP TABLE poll_records",
    "DROP TABLE poll_runs",
    "DROP TABLE poll_states",
];
