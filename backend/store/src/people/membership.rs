//! The tenants that a person belongs to. Read anew each time, so that a role that was taken away is gone at once.

use postern_domain::{TenantId, UserId, role::Role};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use super::MAX_TENANTS;
use crate::{StoreError, open::Store, read::query::Query};

const DOING: &str = "reading the memberships of a user";

/// A tenant of somebody, and what they may do there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    pub tenant: TenantId,
    pub tenant_name: String,
    pub role: Role,
}

#[derive(FromQueryResult)]
struct MembershipRow {
    tenant_id: Uuid,
    name: String,
    role: String,
}

const SELECT: &str = "SELECT membership.tenant_id, tenant.name, membership.role FROM memberships membership \
                      JOIN tenants tenant ON tenant.id = membership.tenant_id WHERE membership.user_id = ";

impl Store {
    /// By name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<Membership>, StoreError> {
        let reader = self.reader();
        let mut query = Query::on(&reader);
        query.sql(SELECT).bind(user.uuid()).sql(" ORDER BY tenant.name, tenant.id LIMIT ").bind(MAX_TENANTS);
        let rows: Vec<MembershipRow> = query.all(&reader, DOING).await?;
        rows.into_iter().map(Membership::read).collect()
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn membership(&self, user: UserId, tenant: TenantId) -> Result<Option<Membership>, StoreError> {
        let reader = self.reader();
        let mut query = Query::on(&reader);
        query.sql(SELECT).bind(user.uuid()).sql(" AND membership.tenant_id = ").bind(tenant.uuid());
        query.one::<MembershipRow>(&reader, DOING).await?.map(Membership::read).transpose()
    }
}

impl Membership {
    fn read(row: MembershipRow) -> Result<Self, StoreError> {
        let role = Role::parse(&row.role).ok_or_else(|| StoreError::inconsistent("memberships", "unknown role"))?;
        Ok(Self { tenant: TenantId::from_uuid(row.tenant_id), tenant_name: row.name, role })
    }
}
