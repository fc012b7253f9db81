//! What a source answers when it has taken an event in. Tenants choose it, within bounds that keep it from acting on
//! anything of ours: a page of the dashboard may share its host.

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;

pub const MAX_BODY_BYTES: usize = 4_096;
const CONTENT_TYPES: [&str; 3] = ["application/json", "text/plain", "text/xml"];

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerSpec {
    #[serde(default = "default_status")]
    pub status: u16,
    #[serde(default = "default_content_type")]
    pub content_type: String,
    #[serde(default)]
    pub body: String,
}

const fn default_status() -> u16 {
    200
}

fn default_content_type() -> String {
    "application/json".to_owned()
}

impl AnswerSpec {
    /// # Errors
    /// For a status other than 200 to 299 or 400 to 499, another content type, or a body above 4 kB.
    pub fn check(&self) -> Result<(), Invalid> {
        if !(200..300).contains(&self.status) && !(400..500).contains(&self.status) {
            return Err(Invalid::new("response.status", "must be 200 to 299, or 400 to 499"));
        }
        if !CONTENT_TYPES.contains(&self.content_type.as_str()) {
            return Err(Invalid::new("response.content_type", format!("must be one of {}", CONTENT_TYPES.join(", "))));
        }
        if self.body.len() > MAX_BODY_BYTES {
            return Err(Invalid::new("response.body", format!("may have at most {MAX_BODY_BYTES} bytes")));
        }
        Ok(())
    }
}
