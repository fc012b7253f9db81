//! The door through which every query about one tenant goes: it adds the tenant. Nothing else in `tenant` begins a
//! query of its own.

use postern_domain::TenantScope;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select, UpdateMany};

use crate::entity::{api_key, audit_entry, connection, destination, idempotency_key, membership, source};

/// A table whose rows each belong to one tenant.
pub trait Owned: EntityTrait {
    const TENANT: Self::Column;
}

/// The rows of this tenant, to be read.
pub(crate) fn scoped<E: Owned>(scope: TenantScope) -> Select<E> {
    E::find().filter(E::TENANT.eq(scope.tenant_id().uuid()))
}

/// The rows of this tenant, to be changed.
pub(crate) fn scoped_update<E: Owned>(scope: TenantScope) -> UpdateMany<E> {
    E::update_many().filter(E::TENANT.eq(scope.tenant_id().uuid()))
}

macro_rules! owned {
    ($($table:ident)+) => {$(
        impl Owned for $table::Entity {
            const TENANT: Self::Column = $table::Column::TenantId;
        }
    )+};
}

owned! { api_key audit_entry connection destination idempotency_key membership source }
