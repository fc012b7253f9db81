//! What the settings of a poll tell about its provider, as far as that can be known.

use url::{Host, Origin};

use crate::settings::{Auth, CursorMode, Order, PollSettings};

const GITHUB: &str = "api.github.com";

/// The name that a provider's host is registered under: `stripe` of `api.stripe.com`. None of an address.
#[must_use]
pub fn registered_name(settings: &PollSettings) -> Option<String> {
    let host = host(settings)?;
    let mut labels = host.rsplit('.');
    let _top = labels.next()?;
    labels.next().map(str::to_owned)
}

/// Whether a 304 does not count against the provider's limit: GitHub says so, of requests with a credential. Others say
/// nothing.
#[must_use]
pub fn not_modified_is_free(settings: &PollSettings) -> Option<bool> {
    (host(settings)? == GITHUB).then_some(settings.request.auth != Auth::None)
}

/// Whether each run reads all there is: nothing says from where on, and nothing ends it early.
#[must_use]
pub fn lists_everything(settings: &PollSettings) -> bool {
    let cursor = &settings.cursor;
    cursor.mode == CursorMode::None && cursor.order != Order::Desc && !settings.request.uses_cursor()
}

fn host(settings: &PollSettings) -> Option<String> {
    match settings.request.origin()? {
        Origin::Tuple(_, Host::Domain(name), _) => Some(name),
        Origin::Tuple(..) | Origin::Opaque(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn of(url: &str, more: Value) -> PollSettings {
        let mut settings = json!({
            "request": { "url": url }, "schedule": { "interval_s": 60 }, "items": "$[*]", "id": "$.id"
        });
        if let (Value::Object(settings), Value::Object(more)) = (&mut settings, more) {
            settings.extend(more);
        }
        PollSettings::parse(&settings, 1).expect("valid")
    }

    #[test]
    fn a_provider_is_known_by_its_host() {
        let name = |url: &str| registered_name(&of(url, json!({})));
        assert_eq!(name("https://api.stripe.com/v1/events").as_deref(), Some("stripe"));
        assert_eq!(name("https://stripe.com.example/v1").as_deref(), Some("com"));
        assert_eq!((name("http://127.0.0.1:8080/"), name("http://localhost/")), (None, None));
    }

    #[test]
    fn only_what_a_provider_says_of_304_is_known() {
        let auth = |url: &str, auth: Value| {
            not_modified_is_free(&of("http://x.example/", json!({ "request": { "url": url, "auth": auth } })))
        };
        let bearer = || json!({ "kind": "bearer", "token": "t" });
        assert_eq!(auth("https://api.github.com/events", bearer()), Some(true));
        assert_eq!(auth("https://api.github.com/events", Value::Null), Some(false), "counted without a credential");
        assert_eq!(auth("https://api.example.com/events", bearer()), None);
    }

    #[test]
    fn a_list_with_a_cursor_or_an_early_end_is_not_all_there_is() {
        let reads_all = |more: Value| lists_everything(&of("https://api.example.com/", more));
        assert!(reads_all(json!({})));
        assert!(!reads_all(json!({ "cursor": { "mode": "timestamp", "value": "$.at" } })));
        assert!(!reads_all(json!({ "cursor": { "mode": "none", "order": "desc" } })));
    }
}
