//! What stands at `/`: that Postern runs, and where its API is described.

use askama::Template;

use crate::Sample;

/// The page at `/`.
#[derive(Debug, Template)]
#[template(path = "pages/welcome.html")]
pub struct Welcome {
    pub version: String,
    /// The API document.
    pub openapi_path: String,
}

impl Welcome {
    /// The page as HTML.
    ///
    /// # Errors
    /// When a value cannot be formatted.
    pub fn html(&self) -> Result<String, std::fmt::Error> {
        self.render().map_err(|_| std::fmt::Error)
    }
}

impl Sample for Welcome {
    fn samples() -> Vec<(&'static str, Self)> {
        let page = |version: &str| Self { version: version.to_owned(), openapi_path: "/openapi.json".to_owned() };
        vec![("empty", page("")), ("usual", page("1.2.3")), ("hostile", page("<script>alert(1)</script>\u{202e}"))]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_text_stays_text() {
        for (name, page) in Welcome::samples() {
            let html = page.html().expect(name);
            assert!(html.starts_with("<!doctype html>") && html.contains("/openapi.json"), "{name}");
            assert!(!html.contains("<script>"), "{name}");
        }
    }
}
