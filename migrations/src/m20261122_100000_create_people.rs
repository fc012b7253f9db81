//! Tenants, the people in them, and the keys that programs use.

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
    "CREATE TABLE tenants (
        id {uuid} PRIMARY KEY,
        name text NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
        created_at bigint NOT NULL)",
    // An address is stored in lower case, so that one person cannot have two accounts by spelling.
    "CREATE TABLE users (
        id {uuid} PRIMARY KEY,
        email text NOT NULL UNIQUE CHECK (email = lower(email)),
        password_hash text,
        created_at bigint NOT NULL)",
    "CREATE TABLE memberships (
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        user_id {uuid} NOT NULL REFERENCES users (id),
        role text NOT NULL CHECK (role IN ('owner', 'admin', 'editor', 'viewer')),
        created_at bigint NOT NULL,
        PRIMARY KEY (tenant_id, user_id))",
    "CREATE INDEX memberships_by_user ON memberships (user_id)",
    // `version`: the configuration version of the last change, see create_configuration.
    "CREATE TABLE api_keys (
        id {uuid} PRIMARY KEY,
        tenant_id {uuid} NOT NULL REFERENCES tenants (id),
        name text NOT NULL,
        public_id text NOT NULL UNIQUE,
        hash {bytes} NOT NULL,
        scopes text NOT NULL,
        allowed_ips text NOT NULL,
        created_by text NOT NULL,
        created_at bigint NOT NULL,
        expires_at bigint,
        last_used_at bigint,
        revoked_at bigint,
        version bigint NOT NULL)",
    "CREATE INDEX api_keys_by_tenant ON api_keys (tenant_id, id)",
    "CREATE INDEX api_keys_by_version ON api_keys (version)",
];

const DOWN: &[&str] = &["DROP TABLE api_keys", "DROP TABLE memberships", "DROP TABLE users", "DROP TABLE tenants"];
