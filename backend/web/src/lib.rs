//! HTTP: the front door, the API and the pages. Reads through the store, writes through the pipeline, decides nothing itself.
//!
//! Here live actix and utoipa, and nowhere else. No SQL, no rule of the business. Start at [`serve`], then [`auth`] for
//! who may do what, [`problem`] for how a refusal looks, and `api` for the routes.

mod answer;
pub mod api;
pub mod auth;
pub mod body;
mod export;
mod health;
pub mod idempotency;
mod inlet;
pub mod openapi;
mod packed;
pub mod page;
pub mod pages;
pub mod path;
mod poll_trial;
mod prefer;
pub mod problem;
pub mod provider_docs;
pub mod query;
mod request_id;
pub mod route;
mod security_headers;
mod serve;
pub mod settings;
mod shield;
mod trial;
mod unread;

use std::sync::Arc;

use postern_pipeline::Engine;

pub use actix_web::dev::ServerHandle;
pub use pages::Live;
pub use serve::{routes, run, serve};
pub use settings::{Limits, Serves, Settings};

/// What every handler gets.
#[derive(Debug)]
pub struct App {
    /// The verbs, and the store to read from.
    pub engine: Arc<Engine>,
    pub settings: Settings,
    /// The pages that are told what changes.
    pub live: Live,
    exports: export::Slots,
}

impl App {
    /// Nothing is under way yet.
    #[must_use]
    pub fn new(engine: Arc<Engine>, settings: Settings) -> Self {
        Self { engine, settings, live: Live::default(), exports: export::Slots::default() }
    }
}
