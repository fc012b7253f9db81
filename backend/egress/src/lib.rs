//! The one way out: every request that Postern sends, for whatever feature, goes through [`Client`].
//!
//! Two gates keep it from internal addresses. Gate 1 ([`Client::check_url`]) judges the parsed URL, literals included;
//! gate 2 (the resolver) judges every address a name has at the moment of dialling, and what it judged is what is
//! dialled. Redirects are recorded and never followed, proxies of the environment are ignored, nothing is decompressed,
//! and everything read has a limit.
//!
//! Nothing here retries, signs, or knows of tenants; there is no other `reqwest` in the house. Start reading at
//! [`Client::send`].

mod address;
mod client;
mod dns;
mod exchange;
mod failure;
mod resolver;
mod retry_after;
mod timing;
mod url_guard;

pub use client::{BuildError, Client, Options};
pub use exchange::{Exchange, MAX_KEPT_HEADER_BYTES, OutboundRequest};
pub use url_guard::{Blocked, BlockedReason, CheckedUrl};
