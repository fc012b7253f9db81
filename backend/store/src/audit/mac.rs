//! What the MAC of an entry covers: everything in it, in this order, each part behind its length.

use postern_domain::TenantId;
use postern_seal::Keyring;

use crate::entity::audit_entry::Model;

/// `None`: there is no key of this id.
pub(super) fn of_entry(keyring: &Keyring, entry: &Model) -> Option<[u8; 32]> {
    keyring.audit_mac(
        &entry.key_id,
        &[
            b"pstaudit1",
            entry.tenant_id.as_bytes(),
            &entry.seq.to_be_bytes(),
            entry.id.as_bytes(),
            &entry.at.to_be_bytes(),
            entry.actor_kind.as_bytes(),
            entry.actor_id.as_bytes(),
            entry.remote.as_bytes(),
            entry.action.as_bytes(),
            entry.target.as_bytes(),
            entry.data.as_bytes(),
            entry.key_id.as_bytes(),
            &entry.prev,
        ],
    )
}

/// The head says which entry is the last. Its MAC cannot be derived from the entries, so an older head cannot be made.
pub(super) fn of_head(keyring: &Keyring, key_id: &str, tenant: TenantId, last: (i64, &[u8])) -> Option<[u8; 32]> {
    keyring.audit_mac(key_id, &[b"psthead1", tenant.uuid().as_bytes(), &last.0.to_be_bytes(), last.1])
}
