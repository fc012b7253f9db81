//! Who is calling, and what that caller may do. A scope is minted here and nowhere else in the web server.
//!
//! [`identify`] stands before every route under `/api/v1`, so that nobody without a credential learns anything, not
//! even that a path exists. [`Permit`] stands in the signature of each handler and names the one permission it needs.

pub(crate) mod cookie;
mod identify;
mod need;
mod permit;
mod visitor;

pub(crate) use identify::identify;
pub use identify::{Caller, client_address};
pub use need::*;
pub use permit::{AnyKey, Permit};
pub use visitor::{MaybeVisitor, Member, Visitor};
