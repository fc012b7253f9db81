//! People: what they prove themselves with, their browser sessions, the tenants they belong to, and how often they were wrong about a
//! password.
//!
//! A person stands above tenants, so nothing here takes a scope. What a person does with their password and sessions is
//! on the audit trail of every tenant they belong to, in the same transaction. Start at [`Session`]. Rows are locked in the order
//! user, throttle, session, audit chains from the smallest tenant id on.

mod credential;
mod membership;
mod password;
mod session;
mod throttle;

pub use credential::Credential;
pub use membership::Membership;
pub use password::NewPassword;
pub use session::{NewSession, Session};
pub use throttle::{Charge, Charged, ThrottleKey};

use postern_domain::{Actor, TenantId, TenantScope, Timestamp, UserId};
use sea_orm::{DatabaseTransaction, FromQueryResult};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    StoreError,
    audit::{self, Change},
    open::Store,
    read::query::Query,
};

/// Of tenants that one person belongs to; more are not read.
const MAX_TENANTS: i64 = 1_000;

/// What a person did, or what somebody tried in their name.
struct Deed<'a> {
    at: Timestamp,
    actor: &'a Actor,
    action: &'static str,
    target: &'a str,
    data: &'a Value,
}

#[derive(FromQueryResult)]
struct TenantRow {
    tenant_id: Uuid,
}

impl Store {
    /// Adds an entry to the trail of every tenant of the user.
    async fn tell(&self, tx: &DatabaseTransaction, user: UserId, deed: &Deed<'_>) -> Result<(), StoreError> {
        let mut query = Query::on(tx);
        query.sql("SELECT tenant_id FROM memberships WHERE user_id = ").bind(user.uuid());
        query.sql(" ORDER BY tenant_id LIMIT ").bind(MAX_TENANTS);
        let tenants: Vec<TenantRow> = query.all(tx, "reading the tenants of a user").await?;
        for tenant in tenants {
            let scope = TenantScope::from_owned_row(TenantId::from_uuid(tenant.tenant_id));
            let change =
                Change { at: deed.at, actor: deed.actor, action: deed.action, target: deed.target, data: deed.data };
            audit::append(tx, self.keyring(), scope, &change).await?;
        }
        Ok(())
    }
}
