//! The pages: view-models, templates and formatting. Renders to `String`; knows no HTTP and no SQL.
//!
//! A view-model holds only what is ready to show; a template only places it. Every page has samples: empty, usual,
//! hostile. Start at [`pages`].

pub mod pages;
mod sample;

pub use sample::Sample;
