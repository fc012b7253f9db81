//! Every try of a delivery: who, when, what was sent, what came back, how long it took.

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
    // The id is also the fencing token of the lease under which the try was made.
    "CREATE TABLE attempts (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL,
        delivery_id {uuid} NOT NULL,
        destination_id {uuid} NOT NULL,
        number integer NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        started_at bigint NOT NULL,
        duration_us integer NOT NULL,
        dns_us integer,
        connect_us integer,
        first_byte_us integer,
        method text NOT NULL,
        url text NOT NULL,
        request_headers text NOT NULL,
        kind text NOT NULL,
        status integer,
        response_headers text,
        response_bytes integer NOT NULL,
        truncated boolean NOT NULL,
        detail text,
        next_attempt_at bigint) {by_day:id}",
    "CREATE INDEX attempts_by_delivery ON attempts (delivery_id, id)",
    "CREATE TABLE attempt_bodies (
        attempt_id {uuid} PRIMARY KEY,
        body {bytes} NOT NULL) {by_day:attempt_id}{clustered}",
    "pg:CREATE TABLE attempts_default PARTITION OF attempts DEFAULT",
    "pg:CREATE TABLE attempt_bodies_default PARTITION OF attempt_bodies DEFAULT",
];

const DOWN: &[&str] = &["DROP TABLE attempt_bodies", "DROP TABLE attempts"];
