//! Proof that the caller may act for a tenant. No store method takes a tenant id: it takes a scope.

use crate::id::TenantId;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TenantScope(TenantId);

impl TenantScope {
    /// From a key or session that was checked. Called by `web::auth` only (tests/tidy holds the list).
    #[must_use]
    pub const fn after_authentication(tenant: TenantId) -> Self {
        Self(tenant)
    }

    /// From a row that belongs to the tenant, where no person asks: the engine, the command line.
    #[must_use]
    pub const fn from_owned_row(tenant: TenantId) -> Self {
        Self(tenant)
    }

    #[must_use]
    pub const fn tenant_id(self) -> TenantId {
        self.0
    }
}
