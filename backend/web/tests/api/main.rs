//! The API over a real connection, on SQLite: what a program sees.

mod auth;
mod configuration;
mod connections;
mod harness;
mod idempotency;
mod input;
mod lists;
mod matrix;
mod openapi;
