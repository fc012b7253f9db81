//! The verbs: what Postern does, from a request at the front door to an attempt on record.
//!
//! Each verb is one public async function with its input, its outcome and its errors; rules come from `domain`, SQL from
//! `store`, what goes out from `egress`. No SQL and no status codes for callers here. Start reading at [`accept`], then
//! [`writer`], [`dispatch`] and [`claim`]; [`engine`] holds them together.

pub mod accept;
pub mod calls;
pub mod check;
pub mod claim;
pub mod configure;
mod delay;
pub mod deliveries;
mod dispatch;
pub mod door;
mod engine;
mod entry;
mod handshake;
mod headers;
mod inlet;
mod instance;
mod key_use;
mod keys;
mod lanes;
mod listen;
mod metrics;
pub mod people;
pub mod polling;
pub mod providers;
pub mod queue;
mod recorder;
mod rendering;
mod routing;
mod tasks;
pub mod upkeep;
mod writer;

pub use postern_signatures::{Greeting, Presets};

pub use engine::{Duty, Engine, EngineOptions, Parts};
pub use entry::{ConnectionEntry, DestinationEntry, EventAnswer, KeyEntry, SourceEntry};
pub use instance::{DEAD_AFTER_MS, HEARTBEAT_MS};
pub use keys::NoKey;
pub use metrics::Metrics;
pub use recorder::Refusal;
pub use routing::Routing;
pub use tasks::Tasks;
