//! An address at which a request says that its sender's key is: believed only when it is the sender's own.

use std::borrow::Cow;

use crate::heard::KeyRequest;

const MAX_URL_BYTES: usize = 2_048;

/// An `https` address on the default port, with nothing in it that two readers could read in two ways.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeyUrl<'a> {
    text: &'a str,
    pub(crate) host: &'a str,
    pub(crate) path: &'a str,
}

impl<'a> KeyUrl<'a> {
    /// Reads `https://host/path?query`. No user, no port, no fragment, no escapes in the host, no backslash.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let plain = text.len() <= MAX_URL_BYTES && text.bytes().all(|byte| byte.is_ascii_graphic());
        let rest = text.strip_prefix("https://").filter(|_| plain && !text.contains(['\\', '#', '@']))?;
        let (host, path) = rest.split_at(rest.find('/')?);
        let is_host = !host.is_empty()
            && host.split('.').all(|label| !label.is_empty())
            && host.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.'));
        is_host.then_some(Self { text, host, path })
    }

    /// What is to be fetched, by GET.
    pub(crate) fn request(&self, host_suffix: impl Into<Cow<'static, str>>) -> KeyRequest {
        let host_suffix = host_suffix.into();
        KeyRequest { url: self.text.to_owned(), method: "GET", body: None, host_suffix, cache_as: self.text.to_owned() }
    }
}

/// Whether a host is this one or one below it, counted by whole labels: `evilpaypal.com` is not below `paypal.com`.
pub(crate) fn is_below(host: &str, suffix: &str) -> bool {
    host.strip_suffix(suffix).is_some_and(|before| before.is_empty() || before.ends_with('.'))
}
