//! What one tenant owns. The scope is in [`TenantStore`], so no method here takes a tenant, and another tenant's id is
//! answered like one that nobody has.
//!
//! Reads are on [`TenantStore`]; changes go through [`TenantTx`], which writes the audit entry of each in the same
//! transaction. There is no way to change a row without one.

mod api_key;
mod audit;
mod connection;
mod deliveries;
mod destination;
mod idempotency;
mod member;
mod records;
mod search;
mod source;
mod state;
mod tx;

pub use api_key::ApiKey;
pub use audit::{AuditEntry, AuditFilter};
pub use connection::Connection;
pub use deliveries::{Cancelled, EventCancelled, Retried};
pub use destination::Destination;
pub use idempotency::Claim;
pub use member::{Joining, Member};
pub use records::{Record, Records};
pub use search::{Part, Sought};
pub use source::{RetiredToken, Source};
pub use state::{DestinationState, RunState};
pub use tx::{Altered, TenantTx};
pub(crate) use tx::{begin_to_write, next_version};

use postern_domain::{Actor, TenantScope};

use crate::{Store, StoreError, column::Sealer};

/// One tenant's view of the store.
#[derive(Clone, Debug)]
pub struct TenantStore {
    pub(crate) store: Store,
    pub(crate) scope: TenantScope,
}

impl Store {
    /// What the holder of this scope may see and change.
    #[must_use]
    pub fn tenant(&self, scope: TenantScope) -> TenantStore {
        TenantStore { store: self.clone(), scope }
    }
}

impl TenantStore {
    /// Sources that are not deleted.
    #[must_use]
    pub fn sources(&self) -> Records<'_, Source> {
        Records::of(self)
    }

    /// Destinations that are not deleted.
    #[must_use]
    pub fn destinations(&self) -> Records<'_, Destination> {
        Records::of(self)
    }

    /// Connections that are not deleted.
    #[must_use]
    pub fn connections(&self) -> Records<'_, Connection> {
        Records::of(self)
    }

    /// Keys that are not revoked.
    #[must_use]
    pub fn api_keys(&self) -> Records<'_, ApiKey> {
        Records::of(self)
    }

    /// Begins a change by `actor`. Dropping it without a commit changes nothing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn begin(&self, actor: &Actor) -> Result<TenantTx, StoreError> {
        TenantTx::begin(&self.store, self.scope, actor).await
    }

    pub(crate) fn sealer(&self) -> Sealer<'_> {
        Sealer { keyring: self.store.keyring(), tenant: self.scope.tenant_id() }
    }
}
