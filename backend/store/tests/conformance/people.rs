//! People as several tests need them.

use std::net::IpAddr;

use postern_domain::{Secret, SessionId, TenantScope, UserId};
use postern_store::{
    Store, TenantStore,
    bootstrap::{Bootstrapped, NewTenant},
    people::{Charge, Charged, NewSession},
    tenant::{AuditEntry, AuditFilter},
};

use crate::harness::Db;

/// What stands for a hash here: the store compares it and does not look into it.
pub(crate) const HASH: &str = "$argon2id$hash";

/// A person and the tenant that they own.
pub(crate) struct Owner {
    pub(crate) user: UserId,
    pub(crate) tenant: TenantStore,
}

pub(crate) async fn owner(db: &Db, tenant: &str, email: &str) -> Owner {
    let mut new = NewTenant::parse(tenant, email).expect("valid");
    new.password_hash = Some(Secret::new(HASH.to_owned()));
    match db.store.bootstrap(&new).await.expect("answers") {
        Bootstrapped::Created { tenant, user, .. } => {
            Owner { user, tenant: db.store.tenant(TenantScope::from_owned_row(tenant)) }
        }
        Bootstrapped::Exists => panic!("`{tenant}` exists"),
    }
}

pub(crate) fn address(text: &str) -> Option<IpAddr> {
    Some(text.parse().expect("an address"))
}

/// A charge of nothing.
pub(crate) async fn free(store: &Store) -> Charge {
    match store.charge(&[]).await.expect("answers") {
        Charged::Now(charge) => charge,
        Charged::Wait(wait_s) => panic!("has to wait {wait_s} s"),
    }
}

/// A session of somebody who logged in there.
pub(crate) async fn session(store: &Store, user: UserId, remote: &str) -> SessionId {
    let (charge, verified) = (free(store).await, Secret::new(HASH.to_owned()));
    let new = NewSession { user, verified: &verified, remote: address(remote), user_agent: "Firefox", charge: &charge };
    store.start_session(&new).await.expect("answers").expect("the hash is current")
}

/// The newest entries of the trail.
pub(crate) async fn trail(tenant: &TenantStore, limit: u64) -> Vec<AuditEntry> {
    tenant.audit(&AuditFilter::default(), None, limit).await.expect("answers")
}

/// Whether every chain holds.
pub(crate) async fn chains_hold(store: &Store) -> bool {
    store.verify_audit(None).await.expect("answers").iter().all(|chain| chain.fault.is_none())
}
