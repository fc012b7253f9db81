//! Cursors of lists: a position that only the tenant and the list it was made for can use, and nobody can forge.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use postern_domain::TenantId;
use subtle::ConstantTimeEq;

use crate::{keyring::Keyring, purpose::PurposeKeys};

const MAC_LEN: usize = 16;
/// More than any position needs; keeps a hostile query string from costing anything.
const MAX_TEXT_LEN: usize = 1_024;

impl Keyring {
    /// URL-safe text of a position. `kind` names the list and its filters: a change of either makes the cursor void.
    #[must_use]
    pub fn sign_cursor(&self, tenant: TenantId, kind: &str, position: &[u8]) -> String {
        let mac = short_mac(&self.active().purposes, tenant, kind, position);
        URL_SAFE_NO_PAD.encode([&mac, position].concat())
    }

    /// The position, when this installation signed it for this tenant and this list. Any key of the ring will do.
    #[must_use]
    pub fn open_cursor(&self, tenant: TenantId, kind: &str, text: &str) -> Option<Vec<u8>> {
        if text.len() > MAX_TEXT_LEN {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (mac, position) = bytes.split_first_chunk::<MAC_LEN>()?;
        let ours = |purposes: &PurposeKeys| bool::from(short_mac(purposes, tenant, kind, position).ct_eq(mac));
        self.all().any(|key| ours(&key.purposes)).then(|| position.to_vec())
    }
}

fn short_mac(purposes: &PurposeKeys, tenant: TenantId, kind: &str, position: &[u8]) -> [u8; MAC_LEN] {
    let mac = purposes.cursor_mac(&[b"cursor1", tenant.uuid().as_bytes(), kind.as_bytes(), position]);
    mac.first_chunk().copied().unwrap_or_default()
}
