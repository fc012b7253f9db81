//! Requests that Postern makes for tenants: asked for, claimed when due, tried, and ended with their event.
//!
//! Every step of a call is conditional on the version before it, and on the lease where there is one, and is on record in
//! the same transaction. The end of a call is its state, its result, its event and all deliveries of that, together or not
//! at all ([`settle`]). Nothing here asks anybody or decides what follows. Start at [`claim`].

mod claim;
mod create;
mod expire;
mod look;
mod read;
mod row;
mod settle;
mod step;

pub use claim::{CallTerms, ClaimedCall};
pub use create::{CallRequest, NewCall};
pub use read::{CallAttempt, CallFilter, CallResult};
pub use row::{Call, CallLease, CallResponse};
pub use settle::{CallAttemptRow, CallEnd, CallFence, CallSettle, CallSettled};
pub use step::CallStep;
