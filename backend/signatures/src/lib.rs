//! Who sent this request, what does the sender call it, and how is what Postern sends signed.
//!
//! Pure functions of configuration, request bytes and the time given: nothing here awaits, does I/O or reads a clock.
//! Bodies are never re-serialised; MACs run over the bytes as they came, comparisons take constant time, and neither a
//! secret nor an expected signature leaves this crate. Start at [`SourceScheme`]; [`outgoing`] is the other direction.

mod body;
mod dedup;
mod fields;
mod mac;
mod naming;
pub mod outgoing;
mod refusal;
mod request;
mod scheme;
mod schemes;
mod template;
mod whsec;
mod window;

pub use dedup::DedupRule;
pub use refusal::{Refusal, RefusalCause};
pub use request::RawRequest;
pub use scheme::{Credentials, SourceScheme, Verified};

#[cfg(test)]
mod tests;
