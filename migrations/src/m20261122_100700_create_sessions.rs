//! Browser sessions, and how often somebody was wrong about a password.

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
    // `network` is the part of `remote` by which its user is known again; a row outlives its session for that.
    "CREATE TABLE sessions (
        id {uuid} PRIMARY KEY,
        user_id {uuid} NOT NULL REFERENCES users (id),
        created_at bigint NOT NULL,
        seen_at bigint NOT NULL,
        confirmed_at bigint NOT NULL,
        expires_at bigint NOT NULL,
        remote text NOT NULL,
        network text NOT NULL,
        user_agent text NOT NULL,
        ended_at bigint)",
    "CREATE INDEX sessions_by_user ON sessions (user_id, network)",
    "CREATE INDEX sessions_by_end ON sessions (expires_at)",
    // Hashed, so that the table does not list who tried to log in from where.
    "CREATE TABLE login_throttle (
        kind text NOT NULL CHECK (kind IN ('address', 'account', 'address+account')),
        key_hash {bytes} NOT NULL,
        failures integer NOT NULL,
        since bigint NOT NULL,
        blocked_until bigint NOT NULL,
        PRIMARY KEY (kind, key_hash)) {clustered}",
    "CREATE INDEX login_throttle_by_age ON login_throttle (since)",
];

const DOWN: &[&str] = &["DROP TABLE login_throttle", "DROP TABLE sessions"];
