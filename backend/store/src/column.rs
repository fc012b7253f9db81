//! What stands in columns: JSON as text, and sealed values.

use postern_domain::{Secret, TenantId, address::AddressList, intake::AllowedAddresses};
use postern_seal::{Keyring, Place};
use serde::{Serialize, de::DeserializeOwned};
use uuid::Uuid;

use crate::StoreError;

/// The text of a value. Ours always have one.
pub(crate) fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

pub(crate) fn from_json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|cause| StoreError::inconsistent(table, cause))
}

pub(crate) fn addresses(table: &'static str, text: &str) -> Result<AddressList, StoreError> {
    let entries: Vec<String> = from_json(table, text)?;
    AddressList::parse("allowed_ips", &entries).map_err(|cause| StoreError::inconsistent(table, cause))
}

/// The same of a source, where a word may stand for those of its provider.
pub(crate) fn allowed_addresses(table: &'static str, text: &str) -> Result<AllowedAddresses, StoreError> {
    let entries: Vec<String> = from_json(table, text)?;
    AllowedAddresses::parse(&entries).map_err(|cause| StoreError::inconsistent(table, cause))
}

/// A number that our own checks keep within the column's bounds.
pub(crate) fn to_int(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(crate) fn from_int(table: &'static str, number: i32) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|cause| StoreError::inconsistent(table, cause))
}

/// Seals and opens the secrets of one tenant, each bound to its row and column.
#[derive(Clone, Copy)]
pub struct Sealer<'a> {
    pub(crate) keyring: &'a Keyring,
    pub(crate) tenant: TenantId,
}

/// Where a value is sealed: table, column, row.
pub(crate) type Cell = (&'static str, &'static str, Uuid);

impl Sealer<'_> {
    pub(crate) fn seal(&self, cell: Cell, plain: &str) -> Result<Vec<u8>, StoreError> {
        let sealed = self.keyring.seal(&self.place(cell), plain.as_bytes());
        sealed.map_err(|cause| StoreError::inconsistent(cell.0, cause))
    }

    pub(crate) fn open(&self, cell: Cell, sealed: &[u8]) -> Result<Secret<String>, StoreError> {
        let plain =
            self.keyring.open(&self.place(cell), sealed).map_err(|cause| StoreError::inconsistent(cell.0, cause))?;
        let text = std::str::from_utf8(plain.expose()).map_err(|cause| StoreError::inconsistent(cell.0, cause))?;
        Ok(Secret::new(text.to_owned()))
    }

    fn place(&self, (table, column, row): Cell) -> Place<'static> {
        Place { table, column, tenant: self.tenant, row }
    }
}
