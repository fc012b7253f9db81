//! Keys that a sender publishes as a set at an address of its own (RFC 7517), which the source names.

use std::borrow::Cow;

use crate::{
    heard::{KeyRequest, Keyring},
    key_url::KeyUrl,
    public_key::{PublicKey, keys_of},
};

/// Where the set is: nowhere else is ever asked, whatever a token says.
#[derive(Clone, Debug)]
pub(crate) struct KeySet {
    url: Cow<'static, str>,
    host: Cow<'static, str>,
}

impl KeySet {
    /// Of an `https` address on the default port.
    pub(crate) fn at(text: &str) -> Option<Self> {
        KeyUrl::parse(text).map(|url| Self { url: Cow::Owned(text.to_owned()), host: Cow::Owned(url.host.to_owned()) })
    }

    /// The keys of this name, all of them for a token without one; or what has to be fetched first. It is kept under its
    /// address alone: nobody can have it fetched again by inventing names.
    pub(crate) fn find(&self, kid: Option<&str>, keys: &dyn Keyring) -> Result<Vec<PublicKey>, KeyRequest> {
        let Some(answer) = keys.find(&self.url) else { return Err(self.request()) };
        let named = keys_of(&answer).into_iter().filter(|jwk| kid.is_none() || jwk.kid.as_deref() == kid);
        Ok(named.filter_map(|jwk| jwk.key()).collect())
    }

    fn request(&self) -> KeyRequest {
        KeyRequest {
            url: self.url.to_string(),
            method: "GET",
            body: None,
            host_suffix: self.host.clone(),
            cache_as: self.url.to_string(),
        }
    }
}

/// Of a sender that has one for all.
pub(crate) const fn fixed(url: &'static str, host: &'static str) -> KeySet {
    KeySet { url: Cow::Borrowed(url), host: Cow::Borrowed(host) }
}
