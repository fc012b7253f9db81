//! One file for each page.

pub mod account;
pub mod audit;
pub mod call;
pub mod calls;
pub mod check;
pub mod confirm;
pub mod connection;
pub mod connection_form;
pub mod connections;
pub mod deliveries;
pub mod destination;
pub mod destination_form;
pub mod destinations;
pub mod error;
pub mod event;
pub mod events;
pub mod key_form;
pub mod key_made;
pub mod keys;
pub mod login;
pub mod members;
pub mod overview;
pub mod poll_advice;
pub mod poll_cursor;
pub mod poll_form;
pub mod poll_runs;
pub mod poll_templates;
pub mod provider_list;
pub mod reauth;
pub mod requests;
pub mod source;
pub mod source_form;
pub mod sources;
pub mod start;

#[cfg(test)]
mod tests;
