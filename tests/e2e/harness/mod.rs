//! What every end-to-end test stands on: the true binary as a process, a database of its own, a receiver that counts.
//!
//! Start at [`Server`], then [`Receiver`]. A test waits with [`poll_until`], never by sleeping for a fixed time.

mod api;
mod browser;
mod database;
mod inspect;
mod load;
mod poll;
mod receiver;
mod route;
mod server;
pub(crate) mod sign;
pub(crate) mod wire;

pub(crate) use api::{Answer, Api};
pub(crate) use browser::{Browser, PASSWORD, member};
pub(crate) use database::{Database, on_every_database, on_postgres};
pub(crate) use inspect::Inspector;
pub(crate) use load::Load;
pub(crate) use poll::{poll_until, until};
pub(crate) use receiver::{Arrival, Receiver, Reply};
pub(crate) use route::{Route, STRIPE_SECRET, connect, stripe_source, text};
use server::Address;
pub(crate) use server::{Options, Server};
