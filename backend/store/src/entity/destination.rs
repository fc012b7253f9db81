//! A destination; its headers and signing secret sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "destinations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub name: String,
    pub kind: String,
    pub url: Option<String>,
    pub headers_sealed: Vec<u8>,
    pub signing_secret_sealed: Vec<u8>,
    pub rate_limit: Option<String>,
    pub concurrency: i32,
    pub timeout_ms: i32,
    pub retry: String,
    pub fail_next: i32,
    pub queue: Option<String>,
    pub state: String,
    pub state_reason: Option<String>,
    pub failing_since: Option<i64>,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
