//! What may be configured of a source.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

pub const DEFAULT_MAX_BODY_BYTES: u32 = 1024 * 1024;
pub const LARGEST_MAX_BODY_BYTES: u32 = 10 * 1024 * 1024;
/// How many secrets may be valid at once, so that one can be rotated without a gap.
pub const MAX_SECRETS: usize = 10;
/// One event must fit into one transaction with all its deliveries.
pub const MAX_CONNECTIONS: u64 = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    Webhook,
    Publish,
}

impl SourceKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Publish => "publish",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Webhook, Self::Publish].into_iter().find(|kind| kind.as_str() == text)
    }
}

/// # Errors
/// When out of 1 to [`LARGEST_MAX_BODY_BYTES`].
pub fn check_max_body_bytes(bytes: u32) -> Result<u32, Invalid> {
    if (1..=LARGEST_MAX_BODY_BYTES).contains(&bytes) {
        Ok(bytes)
    } else {
        Err(Invalid::new("max_body_bytes", format!("must be 1 to {LARGEST_MAX_BODY_BYTES}")))
    }
}
