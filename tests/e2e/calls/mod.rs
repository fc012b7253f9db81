//! Calls: handed over, made, retried, called off, and ended with their event, against an upstream that is told what to say.
//!
//! Start at [`stand`].

mod cancel;
mod journey;
mod kill;
mod pages;
mod refused;
mod replicas;
mod retry;
mod stand;
mod wait;
