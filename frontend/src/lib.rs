//! The pages: view-models, templates, assets and formatting. Renders to `String`; knows no HTTP and no SQL.
//!
//! A view-model holds only what is ready to show; a template only places it. Every page has samples: empty, usual,
//! hostile. Start at [`pages`]; what surrounds them is in [`shell`], words and colours of states are in [`state`].

pub mod assets;
pub mod chart;
pub mod escape;
pub mod form;
pub mod format;
pub mod gallery;
pub mod links;
pub mod pages;
pub mod parts;
pub mod payload;
pub mod poll;
pub mod provider;
mod sample;
pub mod shell;
pub mod state;

pub use sample::Sample;

/// A page that can be shown.
pub trait Page {
    /// The whole document, from `<!doctype html>`.
    ///
    /// # Errors
    /// When a value cannot be formatted.
    fn html(&self) -> Result<String, std::fmt::Error>;
}

impl<T: askama::Template> Page for T {
    fn html(&self) -> Result<String, std::fmt::Error> {
        self.render().map_err(|_| std::fmt::Error)
    }
}
