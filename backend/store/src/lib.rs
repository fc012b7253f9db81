//! The only place that speaks SQL: SQLite and PostgreSQL, behind verbs.
//!
//! [`Store::tenant`] is the only way to what one tenant owns, and takes a proof of the right to it. [`engine`] is what
//! the machinery does across tenants: commit, claim, settle, recover. Nothing here knows HTTP or decides policy.
//! Start at [`open`], then [`engine::commit`].

pub mod activity;
pub mod audit;
pub mod bootstrap;
pub mod calls;
mod column;
pub mod engine;
mod entity;
mod error;
mod files;
mod migrate;
mod nodelay;
mod open;
mod partitions;
pub mod people;
pub mod polling;
pub mod pull;
pub mod read;
mod scope;
pub mod tenant;

pub use error::StoreError;
pub use migrate::MigrationState;
pub use open::{Backend, OpenError, Options, Serving, Store};
pub use partitions::Retention;
pub use tenant::{TenantStore, TenantTx};
