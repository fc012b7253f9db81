//! Who changed, exported or revealed what: append-only, chained per tenant by a keyed MAC.

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
    "CREATE TABLE audit_entries (
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        seq bigint NOT NULL,
        id {uuid} NOT NULL UNIQUE,
        at bigint NOT NULL,
        actor_kind text NOT NULL,
        actor_id text NOT NULL,
        remote text NOT NULL,
        action text NOT NULL,
        target text NOT NULL,
        data text NOT NULL,
        key_id text NOT NULL,
        prev {bytes} NOT NULL,
        mac {bytes} NOT NULL,
        PRIMARY KEY (tenant_id, seq))",
    // The head of each chain: its lock orders writers, and it shows when entries were cut off at the end.
    "CREATE TABLE audit_heads (
        tenant_id {uuid} PRIMARY KEY REFERENCES tenants (id),
        seq bigint NOT NULL,
        mac {bytes} NOT NULL)",
    "sqlite:CREATE TRIGGER audit_entries_keep BEFORE DELETE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'audit entries cannot be deleted'); END",
    "sqlite:CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
        BEGIN SELECT RAISE(ABORT, 'audit entries cannot be changed'); END",
    "pg:CREATE FUNCTION refuse_audit_change() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'audit entries cannot be changed or deleted'; END $$",
    "pg:CREATE TRIGGER audit_entries_keep BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
        FOR EACH STATEMENT EXECUTE FUNCTION refuse_audit_change()",
];

const DOWN: &[&str] = &["DROP TABLE audit_heads", "DROP TABLE audit_entries", "pg:DROP FUNCTION refuse_audit_change()"];
