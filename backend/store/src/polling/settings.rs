//! The settings of a poll as they are kept: not understood here, and never shown as they are.

use std::fmt;

use serde_json::{Map, Value, json};

/// May hold credentials in any header, query or body, so its `Debug` hides it and the audit trail gets an outline.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedSettings(Value);

impl SealedSettings {
    #[must_use]
    pub const fn new(value: Value) -> Self {
        Self(value)
    }

    /// With all that is secret in it. Every call is a place to look at in a review.
    #[must_use]
    pub const fn value(&self) -> &Value {
        &self.0
    }

    /// For the audit trail: what is asked, how often and how it is read, without what may be secret. Of headers and
    /// query only the names, of credentials the kind, of the URL what stands before its query.
    #[must_use]
    pub fn outline(&self) -> Value {
        let mut outline = self.0.clone();
        if let Some(request) = outline.get_mut("request").and_then(Value::as_object_mut) {
            outline_request(request);
        }
        outline
    }
}

impl fmt::Debug for SealedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[sealed]")
    }
}

fn outline_request(request: &mut Map<String, Value>) {
    for (part, value) in request.iter_mut() {
        *value = match part.as_str() {
            "method" => continue,
            "url" => json!(value.as_str().map(before_query)),
            "auth" => json!({ "kind": value.get("kind") }),
            "headers" | "query" => json!(value.as_object().map(|fields| fields.keys().collect::<Vec<_>>())),
            _ => json!("***"),
        };
    }
}

fn before_query(url: &str) -> String {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (user, host))) if !user.contains('/') => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outline_holds_no_secret() {
        let settings = SealedSettings::new(json!({
            "request": {
                "method": "POST", "url": "https://me:hush@api.example.com/v1?key=hush#hush",
                "headers": { "x-key": "hush" }, "query": { "token": "hush" }, "body": { "password": "hush" },
                "auth": { "kind": "bearer", "token": "hush" }
            },
            "items": "$.data[*]"
        }));
        let outline = settings.outline();
        assert!(!outline.to_string().contains("hush"), "{outline}");
        assert_eq!(outline["request"]["url"], "https://***@api.example.com/v1");
        assert_eq!(outline["request"]["headers"], json!(["x-key"]));
        assert_eq!(outline["items"], "$.data[*]");
        assert_eq!(format!("{settings:?}"), "[sealed]");
    }
}
