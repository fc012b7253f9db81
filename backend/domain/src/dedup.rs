//! By what two requests to one source are the same event, and for how long.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

pub const DEFAULT_WINDOW_S: u32 = 7 * 24 * 3600;
pub const MAX_WINDOW_S: u32 = 90 * 24 * 3600;

/// As configured: `{"key": "header:x-id", "window_s": 604800}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DedupSpec {
    #[serde(default = "default_key")]
    pub key: String,
    #[serde(default = "default_window_s")]
    pub window_s: u32,
}

fn default_key() -> String {
    "provider".to_owned()
}

const fn default_window_s() -> u32 {
    DEFAULT_WINDOW_S
}

impl Default for DedupSpec {
    fn default() -> Self {
        Self { key: default_key(), window_s: default_window_s() }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DedupKey {
    /// The id that the provider's scheme names; no dedup where it names none.
    Provider,
    /// A header, by its lower-case name.
    Header(String),
    /// An RFC 9535 JSONPath into the body; the first value found.
    Json(String),
    /// SHA-256 of the body.
    Body,
    None,
}

impl DedupSpec {
    /// # Errors
    /// When the window is out of bounds or the key is none of the five forms. The path itself is compiled by
    /// `signatures`.
    pub fn parse_key(&self) -> Result<DedupKey, Invalid> {
        if self.window_s == 0 || self.window_s > MAX_WINDOW_S {
            return Err(Invalid::new("dedup.window_s", format!("must be 1 to {MAX_WINDOW_S}")));
        }
        let form = "must be `provider`, `header:NAME`, `json:$.path`, `body` or `none`";
        match self.key.split_once(':') {
            None => match self.key.as_str() {
                "provider" => Ok(DedupKey::Provider),
                "body" => Ok(DedupKey::Body),
                "none" => Ok(DedupKey::None),
                _ => Err(Invalid::new("dedup.key", form)),
            },
            Some(("header", name)) => http::HeaderName::from_bytes(name.trim().as_bytes())
                .map(|name| DedupKey::Header(name.as_str().to_owned()))
                .map_err(|_| Invalid::new("dedup.key", format!("`{name}` is not a header name"))),
            Some(("json", path)) if !path.trim().is_empty() && path.len() <= 500 => {
                Ok(DedupKey::Json(path.trim().to_owned()))
            }
            Some(_) => Err(Invalid::new("dedup.key", form)),
        }
    }
}
