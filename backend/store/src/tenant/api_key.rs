//! API keys as rows: what a key may do, and the hash by which it is recognised. The key itself is nowhere.

use postern_domain::{ApiKeyId, Timestamp, address::AddressList, permission::Permission};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TenantTx, records::Record};
use crate::{
    StoreError,
    column::{Sealer, addresses, from_json, to_json},
    entity::api_key::{ActiveModel, Column, Entity, Model},
};

const TABLE: &str = "api_keys";

/// What a program acts with.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub name: String,
    /// The part of the key that is not secret: `pst_live_<this>_…`
    pub public_id: String,
    pub hash: [u8; 32],
    pub scopes: Vec<Permission>,
    /// Empty: from anywhere.
    pub allowed_ips: AddressList,
    /// Who made it, as in the audit trail.
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// To the minute. `None`: never.
    pub last_used_at: Option<Timestamp>,
}

impl TenantTx {
    /// From now on the key opens nothing, on every replica.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn revoke_api_key(&mut self, key: &ApiKey) -> Result<(), StoreError> {
        self.end(key, Value::Null).await
    }
}

impl Record for ApiKey {
    type Table = Entity;
    type Row = ActiveModel;
    type Id = ApiKeyId;

    const NOUN: &'static str = "api_key";
    const ENDED: &'static str = "revoked";
    const ID: Column = Column::Id;
    const ENDED_AT: Column = Column::RevokedAt;
    const UPDATED_AT: Option<<Entity as EntityTrait>::Column> = None;
    const VERSION: Column = Column::Version;

    fn uuid(id: ApiKeyId) -> Uuid {
        id.uuid()
    }

    fn id(&self) -> ApiKeyId {
        self.id
    }

    fn read(row: Model, _: &Sealer<'_>) -> Result<Self, StoreError> {
        let scopes: Vec<String> = from_json(TABLE, &row.scopes)?;
        let hash = row.hash.try_into().map_err(|_| StoreError::inconsistent(TABLE, "a hash of another length"))?;
        Ok(Self {
            id: ApiKeyId::from_uuid(row.id),
            name: row.name,
            public_id: row.public_id,
            hash,
            // A permission that this version does not know permits nothing.
            scopes: scopes.iter().filter_map(|text| Permission::parse(text)).collect(),
            allowed_ips: addresses(TABLE, &row.allowed_ips)?,
            created_by: row.created_by,
            created_at: Timestamp::from_micros(row.created_at),
            expires_at: row.expires_at.map(Timestamp::from_micros),
            last_used_at: row.last_used_at.map(Timestamp::from_micros),
        })
    }

    fn row(&self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel {
            id: Set(self.id.uuid()),
            tenant_id: Set(sealer.tenant.uuid()),
            name: Set(self.name.clone()),
            public_id: Set(self.public_id.clone()),
            hash: Set(self.hash.to_vec()),
            scopes: Set(to_json(&texts(&self.scopes))),
            allowed_ips: Set(to_json(&self.allowed_ips.to_strings())),
            created_by: Set(self.created_by.clone()),
            created_at: Set(self.created_at.as_micros()),
            expires_at: Set(self.expires_at.map(Timestamp::as_micros)),
            last_used_at: Set(self.last_used_at.map(Timestamp::as_micros)),
            ..ActiveModel::default()
        })
    }

    fn changes(&self, after: &Self, _: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel { name: Set(after.name.clone()), ..ActiveModel::default() })
    }

    fn snapshot(&self) -> Value {
        json!({
            "name": self.name, "public_id": self.public_id, "scopes": texts(&self.scopes),
            "allowed_ips": self.allowed_ips.to_strings(), "expires_at": self.expires_at,
        })
    }

    fn action(&self, _: &Self) -> &'static str {
        "updated"
    }
}

fn texts(scopes: &[Permission]) -> Vec<&'static str> {
    scopes.iter().map(|scope| scope.as_str()).collect()
}
