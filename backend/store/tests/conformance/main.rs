//! One suite over both databases: what the store promises, whatever is below it.

mod audit;
mod config;
mod engine;
mod harness;
mod sample;
