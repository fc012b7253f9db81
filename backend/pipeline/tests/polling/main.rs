//! Polling against a real server on loopback, on both databases.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod alarms;
mod forgets;
mod reads;
mod refusals;
mod seams;
mod shares;
mod stops;
mod upstream;
mod yard;
