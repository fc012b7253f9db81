//! The event catalogue: what providers call their events, mapped to a small vocabulary that they share.
//!
//! The vocabulary is data (`data/types`, a JSON Schema with an example for each type), and so are the mappings
//! (`data/mappings`, one file for each provider). Everything here is a pure function of bytes; nothing here can fail a
//! delivery: what does not fit passes through with the reason said. Start reading at [`Catalogue::events`], which maps a
//! body, and [`render`], which writes what a connection asked for.

mod body;
mod catalogue;
mod cloud_event;
mod condition;
mod currency;
mod date;
pub mod document;
mod envelope;
mod event;
mod field;
mod mapping;
mod money;
mod place;
mod rule;
mod vocabulary;

pub use catalogue::Catalogue;
pub use envelope::{Incoming, Rendered, render};
pub use event::{Event, MAX_EVENTS, Outcome};
pub use vocabulary::{CommonType, Family};

#[cfg(test)]
mod tests;
