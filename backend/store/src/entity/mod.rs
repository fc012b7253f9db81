//! The tables of configuration as sea-orm sees them. Rows of these never leave the crate: see `tenant`.
#![expect(unreachable_pub, reason = "the macros of sea-orm make their items pub")]

pub(crate) mod api_key;
pub(crate) mod audit_entry;
pub(crate) mod connection;
pub(crate) mod destination;
pub(crate) mod idempotency_key;
pub(crate) mod membership;
pub(crate) mod source;
pub(crate) mod tenant;
pub(crate) mod user;
