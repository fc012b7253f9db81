//! The first tenant, its owner and its first key: made by whoever has a shell on the machine.

use postern_domain::{
    Actor, ApiKeyId, Invalid, Secret, TenantId, TenantScope, Timestamp, UserId, address::AddressList, email, invalid,
    permission::Permission, role::Role,
};
use postern_seal::api_key;
use sea_orm::{ActiveValue::Set, ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter};
use serde_json::json;

use crate::{
    Store, StoreError,
    audit::{self, Change},
    column::Sealer,
    entity::{api_key as api_key_row, membership, tenant, user},
    tenant::{ApiKey, Record, begin_to_write, next_version},
};

const DOING: &str = "making a tenant";

/// A tenant to be made.
#[derive(Clone, Debug)]
pub struct NewTenant {
    name: String,
    email: String,
    /// Of the owner; without one, nobody can log in with it.
    pub password_hash: Option<Secret<String>>,
}

impl NewTenant {
    /// # Errors
    /// When the name or the address cannot be one.
    pub fn parse(name: &str, email: &str) -> Result<Self, Invalid> {
        Ok(Self { name: invalid::name("tenant", name)?, email: email::parse(email)?, password_hash: None })
    }
}

/// What [`Store::bootstrap`] came to.
#[derive(Debug)]
pub enum Bootstrapped {
    Created {
        tenant: TenantId,
        user: UserId,
        email: String,
        /// The key itself, this once.
        api_key: Secret<String>,
    },
    /// There is a tenant of this name. Nothing was changed.
    Exists,
}

impl Store {
    /// Makes a tenant, its owner and a key that may do everything.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn bootstrap(&self, new: &NewTenant) -> Result<Bootstrapped, StoreError> {
        let tx = begin_to_write(self).await?;
        // Two of these at once wait for each other here.
        let version = next_version(&tx).await?;
        let known = tenant::Entity::find().filter(tenant::Column::Name.eq(new.name.as_str())).one(&tx).await;
        if known.map_err(StoreError::orm(DOING))?.is_some() {
            return Ok(Bootstrapped::Exists);
        }
        let at = self.clock().now();
        let tenant = TenantId::fresh();
        insert_tenant(&tx, tenant, &new.name, at).await?;
        audit::begin_chain(&tx, tenant).await?;
        let user = find_or_insert_user(&tx, new, at).await?;
        insert_owner(&tx, tenant, user, at).await?;
        let made = api_key::generate();
        let key = first_key(&made, at);
        let mut row = key.row(&Sealer { keyring: self.keyring(), tenant })?;
        row.version = Set(version);
        api_key_row::Entity::insert(row).exec_without_returning(&tx).await.map_err(StoreError::orm(DOING))?;
        for (action, target, after) in [
            ("tenant.created", tenant.to_string(), json!({ "name": new.name })),
            ("member.created", user.to_string(), json!({ "email": new.email, "role": Role::Owner.as_str() })),
            ("api_key.created", key.id.to_string(), key.snapshot()),
        ] {
            let data = json!({ "before": null, "after": after });
            let change = Change { at, actor: &Actor::operator(), action, target: &target, data: &data };
            audit::append(&tx, self.keyring(), TenantScope::from_owned_row(tenant), &change).await?;
        }
        tx.commit().await.map_err(StoreError::orm(DOING))?;
        Ok(Bootstrapped::Created { tenant, user, email: new.email.clone(), api_key: made.text })
    }
}

fn first_key(made: &api_key::NewKey, at: Timestamp) -> ApiKey {
    ApiKey {
        id: ApiKeyId::fresh(),
        name: "bootstrap".to_owned(),
        public_id: made.public_id.clone(),
        hash: made.hash,
        scopes: Permission::ALL.to_vec(),
        allowed_ips: AddressList::default(),
        created_by: Actor::operator().kind.as_str().to_owned(),
        created_at: at,
        expires_at: None,
        last_used_at: None,
    }
}

async fn insert_tenant(tx: &DatabaseTransaction, id: TenantId, name: &str, at: Timestamp) -> Result<(), StoreError> {
    let row = tenant::ActiveModel { id: Set(id.uuid()), name: Set(name.to_owned()), created_at: Set(at.as_micros()) };
    tenant::Entity::insert(row).exec_without_returning(tx).await.map(|_| ()).map_err(StoreError::orm(DOING))
}

/// One person may own several tenants.
async fn find_or_insert_user(tx: &DatabaseTransaction, new: &NewTenant, at: Timestamp) -> Result<UserId, StoreError> {
    let known = user::Entity::find().filter(user::Column::Email.eq(new.email.as_str())).one(tx).await;
    if let Some(known) = known.map_err(StoreError::orm(DOING))? {
        return Ok(UserId::from_uuid(known.id));
    }
    let id = UserId::fresh();
    let row = user::ActiveModel {
        id: Set(id.uuid()),
        email: Set(new.email.clone()),
        password_hash: Set(new.password_hash.as_ref().map(|hash| hash.expose().clone())),
        created_at: Set(at.as_micros()),
    };
    user::Entity::insert(row).exec_without_returning(tx).await.map_err(StoreError::orm(DOING))?;
    Ok(id)
}

async fn insert_owner(
    tx: &DatabaseTransaction,
    tenant: TenantId,
    user: UserId,
    at: Timestamp,
) -> Result<(), StoreError> {
    let row = membership::ActiveModel {
        tenant_id: Set(tenant.uuid()),
        user_id: Set(user.uuid()),
        role: Set(Role::Owner.as_str().to_owned()),
        created_at: Set(at.as_micros()),
    };
    membership::Entity::insert(row).exec_without_returning(tx).await.map(|_| ()).map_err(StoreError::orm(DOING))
}
