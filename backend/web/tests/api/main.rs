//! The API over a real connection, on SQLite: what a program sees.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod auth;
mod browser;
mod check;
mod configuration;
mod connections;
mod exports;
mod forged;
mod front_door;
mod guessing;
mod handshakes;
mod harness;
mod idempotency;
mod input;
mod lists;
mod live;
mod matrix;
mod members;
mod openapi;
mod pages;
mod polling;
mod providers;
mod redirects;
mod sessions;
mod vectors;
