//! The words and rules of Postern: ids, time, retry, limits of what a person may configure.
//!
//! Everything here is a value or a pure function of its arguments. Nothing here awaits, reads a clock on its own, or
//! knows of a database or of HTTP beyond header names. Start reading at [`delivery`] and [`retry`].

pub mod activity;
pub mod actor;
pub mod address;
pub mod answer;
pub mod attempt;
pub mod call;
pub mod dedup;
pub mod delivery;
pub mod destination;
pub mod email;
pub mod event_type;
pub mod id;
pub mod intake;
pub mod invalid;
pub mod payload;
pub mod permission;
pub mod queue;
pub mod retry;
pub mod role;
pub mod scope;
pub mod secret;
pub mod session;
pub mod source;
pub mod theme;
pub mod throttle;
pub mod time;

pub use actor::Actor;
pub use id::{
    ApiKeyId, AttemptId, AuditId, CallId, ConnectionId, DeliveryId, DestinationId, EventId, RequestId, RunId,
    SessionId, SourceId, TenantId, UserId,
};
pub use invalid::Invalid;
pub use scope::TenantScope;
pub use secret::Secret;
pub use time::{Clock, Timestamp};
