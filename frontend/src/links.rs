//! Where things are. Handlers and templates take their paths from here, so that a page cannot point beside a route.

/// `/t/{tenant}/{rest}`; the overview for an empty rest.
#[must_use]
pub fn in_tenant(tenant: &str, rest: &str) -> String {
    format!("/t/{tenant}/{rest}")
}

#[must_use]
pub fn overview(tenant: &str) -> String {
    in_tenant(tenant, "")
}

/// GET shows the first steps; POST makes a source, a bin and a connection.
#[must_use]
pub fn start(tenant: &str) -> String {
    in_tenant(tenant, "start")
}

/// Sends a test event through the front door.
#[must_use]
pub fn start_send(tenant: &str) -> String {
    in_tenant(tenant, "start/send")
}

#[must_use]
pub fn sources(tenant: &str) -> String {
    in_tenant(tenant, "sources")
}

#[must_use]
pub fn source(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("sources/{id}"))
}

/// Whether to poll or to take webhooks, before there is a source.
#[must_use]
pub fn poll_or_webhook(tenant: &str) -> String {
    in_tenant(tenant, "sources/advice")
}

#[must_use]
pub fn destinations(tenant: &str) -> String {
    in_tenant(tenant, "destinations")
}

#[must_use]
pub fn destination(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("destinations/{id}"))
}

#[must_use]
pub fn connections(tenant: &str) -> String {
    in_tenant(tenant, "connections")
}

#[must_use]
pub fn connection(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("connections/{id}"))
}

#[must_use]
pub fn events(tenant: &str) -> String {
    in_tenant(tenant, "events")
}

#[must_use]
pub fn event(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("events/{id}"))
}

/// The bytes of an event as they came.
#[must_use]
pub fn event_raw(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("events/{id}/raw"))
}

/// What goes on: of the overview, the events, or one event.
#[must_use]
pub fn live(tenant: &str, page: &str) -> String {
    in_tenant(tenant, &format!("live/{page}"))
}

/// A delivery is shown on the page of its event.
#[must_use]
pub fn delivery(tenant: &str, event: &str, id: &str) -> String {
    in_tenant(tenant, &format!("events/{event}#{id}"))
}

#[must_use]
pub fn deliveries(tenant: &str) -> String {
    in_tenant(tenant, "deliveries")
}

#[must_use]
pub fn dead(tenant: &str) -> String {
    in_tenant(tenant, "deliveries?state=dead")
}

#[must_use]
pub fn requests(tenant: &str) -> String {
    in_tenant(tenant, "requests")
}

#[must_use]
pub fn calls(tenant: &str) -> String {
    in_tenant(tenant, "calls")
}

#[must_use]
pub fn call(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("calls/{id}"))
}

#[must_use]
pub fn keys(tenant: &str) -> String {
    in_tenant(tenant, "keys")
}

#[must_use]
pub fn key(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("keys/{id}"))
}

#[must_use]
pub fn members(tenant: &str) -> String {
    in_tenant(tenant, "members")
}

#[must_use]
pub fn member(tenant: &str, id: &str) -> String {
    in_tenant(tenant, &format!("members/{id}"))
}

#[must_use]
pub fn audit(tenant: &str) -> String {
    in_tenant(tenant, "audit")
}

/// A verb on a delivery, `retry` or `cancel`; the form says in `next` where to come back to.
#[must_use]
pub fn delivery_verb(tenant: &str, id: &str, verb: &str) -> String {
    in_tenant(tenant, &format!("deliveries/{id}/{verb}"))
}

/// A verb on a thing: `verb(&source(tenant, id), "pause")` for a POST, `"edit"` and `"delete"` for pages; the thing
/// itself for none.
#[must_use]
pub fn verb(thing: &str, verb: &str) -> String {
    if verb.is_empty() { thing.to_owned() } else { format!("{thing}/{verb}") }
}

/// A list with filters: empty values are left out, everything is percent-encoded.
#[must_use]
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let mut link = path.to_owned();
    let mut separator = if path.contains('?') { '&' } else { '?' };
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        link.push(separator);
        encode(&mut link, name);
        link.push('=');
        encode(&mut link, value);
        separator = '&';
    }
    link
}

/// The pages that belong to no tenant.
pub const LOGIN: &str = "/login";
pub const LOGOUT: &str = "/logout";
pub const REAUTH: &str = "/reauth";
pub const ACCOUNT: &str = "/account";
pub const ACCOUNT_PASSWORD: &str = "/account/password";
pub const ACCOUNT_THEME: &str = "/account/theme";

/// Ends one session of one's own.
#[must_use]
pub fn session_end(id: &str) -> String {
    format!("/account/sessions/{id}/end")
}

fn encode(link: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => link.push(char::from(byte)),
            _ => {
                const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
                link.push('%');
                link.push(char::from(DIGITS[usize::from(byte >> 4)]));
                link.push(char::from(DIGITS[usize::from(byte & 15)]));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_encoded_and_empty_ones_left_out() {
        let list = events("ten_1");
        assert_eq!(with_query(&list, &[("q", ""), ("type", "")]), "/t/ten_1/events");
        assert_eq!(
            with_query(&list, &[("q", "a b&c=é"), ("x", ""), ("y", "1")]),
            "/t/ten_1/events?q=a%20b%26c%3D%C3%A9&y=1"
        );
        assert_eq!(
            with_query(&dead("ten_1"), &[("destination", "dst_1")]),
            "/t/ten_1/deliveries?state=dead&destination=dst_1"
        );
    }

    #[test]
    fn a_delivery_stands_on_the_page_of_its_event() {
        assert_eq!(delivery("ten_1", "evt_1", "dlv_1"), format!("{}#dlv_1", event("ten_1", "evt_1")));
        assert_eq!(verb(&source("ten_1", "src_1"), "pause"), "/t/ten_1/sources/src_1/pause");
    }
}
