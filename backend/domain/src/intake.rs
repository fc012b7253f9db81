//! What a source lets in before anything is verified, and what it makes of a body that comes again.

use serde::{Deserialize, Serialize};

use crate::{address::AddressList, invalid::Invalid};

/// Those that can bring an event. GET brings one in its query, from the few providers that send it.
pub const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "GET"];
/// Those that a source takes unless it says otherwise.
pub const USUAL_METHODS: [&str; 3] = ["POST", "PUT", "PATCH"];
pub const MAX_CONTENT_TYPES: usize = 20;
const MAX_CONTENT_TYPE_BYTES: usize = 100;
/// Among the allowed addresses: those that the provider publishes.
pub const PROVIDER_ADDRESSES: &str = "provider";

/// A body that comes again under another id, where the id is not part of what is signed: whoever has seen one request
/// could send it again and again as something new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Replay {
    /// Taken in, and put on record.
    #[default]
    Flag,
    Refuse,
    /// For senders that repeat themselves.
    Allow,
}

/// As configured. An empty list restricts nothing beyond what is usual.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intake {
    #[serde(default)]
    pub allowed_methods: Vec<String>,
    /// In lower case, without parameters.
    #[serde(default)]
    pub content_types: Vec<String>,
    #[serde(default)]
    pub replay: Replay,
}

impl Intake {
    /// # Errors
    /// Names the field at fault.
    pub fn parse(allowed_methods: &[String], content_types: &[String], replay: Replay) -> Result<Self, Invalid> {
        let mut methods: Vec<String> =
            allowed_methods.iter().map(|method| method.trim().to_ascii_uppercase()).collect();
        methods.sort_unstable();
        methods.dedup();
        if let Some(unknown) = methods.iter().find(|method| !METHODS.contains(&method.as_str())) {
            let known = METHODS.join(", ");
            return Err(Invalid::new("allowed_methods", format!("`{unknown}` brings no events; use {known}")));
        }
        let mut types: Vec<String> = content_types.iter().map(|text| text.trim().to_ascii_lowercase()).collect();
        types.sort_unstable();
        types.dedup();
        if types.len() > MAX_CONTENT_TYPES {
            return Err(Invalid::new("content_types", format!("may have at most {MAX_CONTENT_TYPES} entries")));
        }
        if let Some(wrong) = types.iter().find(|text| !is_content_type(text)) {
            let form = "is no content type; write it like application/json, without parameters";
            return Err(Invalid::new("content_types", format!("`{wrong}` {form}")));
        }
        Ok(Self { allowed_methods: methods, content_types: types, replay })
    }

    #[must_use]
    pub fn takes_method(&self, method: &str) -> bool {
        match self.allowed_methods.as_slice() {
            [] => USUAL_METHODS.contains(&method),
            some => some.iter().any(|known| known == method),
        }
    }

    /// `POST, PUT, PATCH`.
    #[must_use]
    pub fn methods(&self) -> String {
        if self.allowed_methods.is_empty() { USUAL_METHODS.join(", ") } else { self.allowed_methods.join(", ") }
    }

    /// Parameters such as a charset do not count; a request without a content type has none of those listed.
    #[must_use]
    pub fn takes_content_type(&self, header: Option<&str>) -> bool {
        let bare = header.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
        self.content_types.is_empty() || self.content_types.iter().any(|known| known.eq_ignore_ascii_case(bare))
    }
}

fn is_content_type(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let parts = text.split_once('/');
    text.len() <= MAX_CONTENT_TYPE_BYTES && parts.is_some_and(|(kind, subtype)| is_part(kind) && is_part(subtype))
}

/// From where a source is written to. Empty admits everybody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedAddresses {
    own: AddressList,
    with_published: bool,
}

impl AllowedAddresses {
    /// Addresses, CIDR blocks, and the word `provider`.
    ///
    /// # Errors
    /// When an entry is none of these, or there are too many.
    pub fn parse<T: AsRef<str>>(entries: &[T]) -> Result<Self, Invalid> {
        let is_word = |entry: &str| entry.trim().eq_ignore_ascii_case(PROVIDER_ADDRESSES);
        let own: Vec<&str> = entries.iter().map(AsRef::as_ref).filter(|entry| !is_word(entry)).collect();
        let with_published = own.len() < entries.len();
        Ok(Self { own: AddressList::parse("allowed_ips", &own)?, with_published })
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && !self.with_published
    }

    /// As they were written.
    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        let word = self.with_published.then(|| PROVIDER_ADDRESSES.to_owned());
        word.into_iter().chain(self.own.to_strings()).collect()
    }

    /// With those that the provider publishes in the place of the word.
    ///
    /// # Errors
    /// When there are none: an empty list would admit everybody.
    pub fn resolve(&self, published: &[String]) -> Result<AddressList, Invalid> {
        if !self.with_published {
            return Ok(self.own.clone());
        }
        if published.is_empty() {
            let why = "`provider` needs a provider that publishes its addresses, and for this source there are none";
            return Err(Invalid::new("allowed_ips", why));
        }
        self.own.joined("allowed_ips", published)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn intake(methods: &[&str], types: &[&str]) -> Result<Intake, Invalid> {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        Intake::parse(&own(methods), &own(types), Replay::Flag)
    }

    #[test]
    fn what_is_not_listed_is_not_taken() {
        let usual = intake(&[], &[]).expect("valid");
        assert!(usual.takes_method("POST") && usual.takes_method("PATCH") && !usual.takes_method("GET"));
        assert!(usual.takes_content_type(None));
        let strict = intake(&["get", "POST", "POST"], &["Application/JSON"]).expect("valid");
        assert_eq!(strict.methods(), "GET, POST");
        assert!(strict.takes_method("GET") && !strict.takes_method("PUT"));
        assert!(strict.takes_content_type(Some("application/json; charset=utf-8")));
        assert!(!strict.takes_content_type(Some("application/jsonp")) && !strict.takes_content_type(None));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_field() {
        assert_eq!(intake(&["TRACE"], &[]).expect_err("unknown").field, "allowed_methods");
        for wrong in ["json", "text/*", "text/plain; charset=utf-8", "/", "a/b/c"] {
            assert_eq!(intake(&[], &[wrong]).expect_err(wrong).field, "content_types");
        }
    }

    #[test]
    fn the_word_stands_for_what_the_provider_publishes() {
        let list = AllowedAddresses::parse(&["192.0.2.1", "Provider"]).expect("valid");
        assert_eq!(list.to_strings(), ["provider", "192.0.2.1/32"]);
        let all = list.resolve(&["198.51.100.0/24".to_owned()]).expect("published");
        for (address, admitted) in [("192.0.2.1", true), ("198.51.100.7", true), ("203.0.113.1", false)] {
            assert_eq!(all.admits(address.parse().expect("an address")), admitted, "{address}");
        }
        assert!(list.resolve(&[]).is_err(), "nobody would otherwise be everybody");
        assert!(AllowedAddresses::parse(&["192.0.2.1"]).and_then(|list| list.resolve(&[])).is_ok());
    }
}
