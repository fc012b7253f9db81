//! How long a person who logged in is believed.

/// Without a request for so long, a session is over.
pub const IDLE_MS: i64 = 8 * 3_600_000;
/// So old, it is over however much it is used.
pub const LONGEST_MS: i64 = 7 * 24 * 3_600_000;
/// That it was used is written at most so often.
pub const TOUCH_MS: i64 = 60_000;
/// Where somebody logged in they are known for so long: in the network after the session, with the browser after the
/// log-in.
pub const KNOWN_MS: i64 = 30 * 24 * 3_600_000;
