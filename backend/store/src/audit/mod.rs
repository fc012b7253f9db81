//! The chain of audit entries: each entry's MAC covers all its fields and the MAC before it, under a key that is not in
//! the database. Whoever can write to the database can destroy the trail, but not rewrite it unseen.
//!
//! [`append`] writes, [`Store::verify_audit`] checks. The head of a chain is kept apart, also under a MAC, and shows
//! when entries are cut off at its end.

mod append;
mod mac;
mod verify;

pub(crate) use append::{Change, append, begin_chain};
pub use verify::{AuditFault, FaultKind, Verified};
