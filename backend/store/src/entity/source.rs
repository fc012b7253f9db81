//! A source; its secrets and the token of its URL sealed.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sources")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant_id: Uuid,
    pub name: String,
    pub kind: String,
    pub provider: Option<String>,
    pub scheme: Option<String>,
    pub config: String,
    pub secrets_sealed: Option<Vec<u8>>,
    pub public_keys: String,
    pub token_hash: Option<Vec<u8>>,
    pub token_sealed: Option<Vec<u8>>,
    pub public_url: Option<String>,
    pub allowed_ips: String,
    pub intake: String,
    pub header_token_sealed: Option<Vec<u8>>,
    pub retired_token_hash: Option<Vec<u8>>,
    pub retired_token_until: Option<i64>,
    pub handshake_until: Option<i64>,
    pub dedup: String,
    pub answer: Option<String>,
    pub max_body_bytes: i32,
    pub rate_limit: Option<String>,
    pub poll_sealed: Option<Vec<u8>>,
    pub schedule: Option<String>,
    pub state: String,
    pub created_at: i64,
    pub updated_at: i64,
    pub deleted_at: Option<i64>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
