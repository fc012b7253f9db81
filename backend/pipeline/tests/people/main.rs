//! People, as the web server sees them: logging in, sessions, members. On SQLite; what the database has to do with it
//! is tested in the store, on both.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod house;
mod log_in;
mod members;
mod sessions;
