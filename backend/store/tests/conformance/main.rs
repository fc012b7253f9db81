//! One suite over both databases: what the store promises, whatever is below it.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

mod activity;
mod alarm;
mod attempts;
mod audit;
mod caller;
mod calls;
mod config;
mod engine;
mod harness;
mod member;
mod people;
mod poller;
mod polling;
mod polling_budget;
mod polling_forget;
mod polling_page;
mod polling_token;
mod pull;
mod read;
mod replays;
mod retry;
mod sample;
mod seed;
mod session;
mod throttle;
mod upgrade;
