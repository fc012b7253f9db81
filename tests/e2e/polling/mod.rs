//! Polling, against upstreams that change while they are read, misbehave, and count every request.
//!
//! A scripted [`upstream`] says what a test wants it to say; in [`real`] servers answer that nobody here wrote. Start at
//! [`stand`].

mod alarm;
mod budget;
mod capped;
mod drift;
mod edits;
mod feed;
pub(crate) mod growing;
mod kept;
mod kill;
mod links;
mod pace;
mod pages;
mod program;
mod real;
mod reconcile;
mod refused;
mod replicas;
mod restart;
mod resumed;
mod stand;
mod timetable;
mod tokens;
mod unchanged;
mod updates;
pub(crate) mod upstream;
mod waits;
