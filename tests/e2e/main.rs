//! End to end: the true binary as a process, seen as its callers and receivers see it, on SQLite and on PostgreSQL.
//!
//! Start at [`harness`]. A test arranges by it, acts, and asserts what a caller, a receiver or the database shows.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::print_stderr,
    reason = "a test program: it takes its own time, starts its own tasks, and fails by panicking"
)]

mod bad_input;
mod calls;
mod crash;
mod harness;
mod journey;
mod matrix;
mod peers;
mod polling;
mod queues;
mod replicas;
mod sessions;
mod ssrf;
