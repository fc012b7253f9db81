//! Gate 1: which URLs may be written down as a destination, and sent to. Pure; a name's addresses are gate 2's matter.
//!
//! The text is parsed once, by the parser of the WHATWG that the HTTP client uses too, and only the parsed URL goes on:
//! two parsers that disagree are how such guards are usually passed.

use std::{net::IpAddr, sync::Arc};

use url::{Host, Url};

use crate::{address::AddressRules, client::BuildError};

/// The longest URL that is looked at.
const MAX_URL_BYTES: usize = postern_domain::destination::MAX_URL_BYTES;

/// Ports from 1024 up at which no webhook receiver listens, but databases and control planes do.
const REFUSED_PORTS: [u16; 10] = [2375, 2376, 2379, 3306, 5432, 6379, 8500, 9200, 11211, 27017];

/// Last labels, or pairs of them, that mean "inside" wherever they are asked.
const INTERNAL_SUFFIXES: [&str; 7] =
    [".localhost", ".local", ".internal", ".localdomain", ".svc", ".consul", ".home.arpa"];

/// A URL that passed gate 1. It can be had from [`crate::Client::check_url`] only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedUrl(Url);

impl CheckedUrl {
    /// The URL as it will be asked for, normalised.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Whether it is https, and its host is this name or stands under it, label by label.
    #[must_use]
    pub fn is_https_under(&self, name: &str) -> bool {
        let Some(Host::Domain(host)) = self.0.host() else { return false };
        let above = host.trim_end_matches('.').strip_suffix(name);
        let is_under = above.is_some_and(|above| above.is_empty() || above.ends_with('.'));
        self.0.scheme() == "https" && is_under && !name.is_empty()
    }

    pub(crate) fn into_url(self) -> Url {
        self.0
    }
}

/// A URL was refused. Its text is meant for the person who wrote the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .reason.advice())]
pub struct Blocked {
    /// Which rule refused it.
    pub reason: BlockedReason,
}

/// The rule of gate 1 that refused a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BlockedReason {
    /// It is no absolute URL.
    Parse,
    /// Neither https nor (where the operator lets it) http.
    Scheme,
    /// There is no host in it.
    NoHost,
    /// A user name or password stands in it.
    Userinfo,
    /// The port is one where databases, control planes or old services listen.
    Port,
    /// The host is an address that is not public.
    Address,
    /// The host is a name that is internal or incomplete.
    Name,
    /// The host is Postern's own.
    OwnHost,
    /// It is longer than a URL may be.
    TooLong,
}

impl BlockedReason {
    const fn advice(self) -> &'static str {
        match self {
            Self::Parse => "this is not a full URL; write it like https://example.com/hooks",
            Self::Scheme => "the URL must begin with https:// (or http://, where the operator permits that)",
            Self::NoHost => "the URL has no host; write it like https://example.com/hooks",
            Self::Userinfo => "take the user name and password out of the URL; credentials belong in a header",
            Self::Port => "this port is not permitted; use 443, 80, or one from 1024 up that no database uses",
            Self::Address => "this is not a public address; use one, or ask the operator to allow it",
            Self::Name => "this name is internal or incomplete; use a full public name such as hooks.example.com",
            Self::OwnHost => "this is Postern's own address, which would deliver in a circle; use the receiver's",
            Self::TooLong => "the URL is too long; it may have 2048 bytes",
        }
    }
}

/// The rules of gate 1 as the operator configured them.
pub(crate) struct UrlRules {
    addresses: Arc<AddressRules>,
    https_only: bool,
    own_hosts: Vec<OwnHost>,
}

/// One of our public names, as the parser writes it; without a port it means every port.
struct OwnHost {
    host: String,
    port: Option<u16>,
}

impl UrlRules {
    pub(crate) fn new(
        addresses: Arc<AddressRules>,
        https_only: bool,
        own_hosts: &[String],
    ) -> Result<Self, BuildError> {
        let own_hosts = own_hosts.iter().map(|entry| OwnHost::parse(entry)).collect::<Result<_, _>>()?;
        Ok(Self { addresses, https_only, own_hosts })
    }

    pub(crate) fn check(&self, raw: &str) -> Result<CheckedUrl, Blocked> {
        self.judge(raw).map(CheckedUrl).map_err(|reason| Blocked { reason })
    }

    fn judge(&self, raw: &str) -> Result<Url, BlockedReason> {
        if raw.len() > MAX_URL_BYTES {
            return Err(BlockedReason::TooLong);
        }
        let url = Url::parse(raw).map_err(|_| BlockedReason::Parse)?;
        // Before the host is looked at: with other schemes `url` takes 127.0.0.1 for a name.
        match url.scheme() {
            "https" => {}
            "http" if !self.https_only => {}
            _ => return Err(BlockedReason::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BlockedReason::Userinfo);
        }
        let port = url.port_or_known_default().ok_or(BlockedReason::NoHost)?;
        let host = url.host().ok_or(BlockedReason::NoHost)?;
        if self.own_hosts.iter().any(|own| own.is(&url, port)) {
            return Err(BlockedReason::OwnHost);
        }
        if port == 0 || (!self.is_exempt(&host) && !is_port_permitted(port)) {
            return Err(BlockedReason::Port);
        }
        self.judge_host(&host)?;
        Ok(url)
    }

    fn judge_host(&self, host: &Host<&str>) -> Result<(), BlockedReason> {
        match literal(host) {
            Some(address) if self.addresses.permits(address) => Ok(()),
            Some(_) => Err(BlockedReason::Address),
            None if self.is_exempt(host) => Ok(()),
            None => match host {
                Host::Domain(name) if !is_internal_name(name) => Ok(()),
                _ => Err(BlockedReason::Name),
            },
        }
    }

    /// The operator named this very place: an address in an allowed block, or `localhost` with loopback allowed.
    fn is_exempt(&self, host: &Host<&str>) -> bool {
        match (literal(host), host) {
            (Some(address), _) => self.addresses.is_allowed(address),
            (None, Host::Domain(name)) => is_localhost(name) && self.addresses.loopbacks().next().is_some(),
            (None, _) => false,
        }
    }
}

impl OwnHost {
    /// Reads `name`, `name:port`, `192.0.2.1`, `[2001:db8::1]:port`.
    fn parse(entry: &str) -> Result<Self, BuildError> {
        let bad = || BuildError::OwnHost(entry.to_owned());
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port.parse().map_err(|_| bad())?)),
            _ => (entry, None),
        };
        let host = Host::parse(host.trim_end_matches('.')).map_err(|_| bad())?.to_string();
        Ok(Self { host, port })
    }

    fn is(&self, url: &Url, port: u16) -> bool {
        let same_host = url.host_str().is_some_and(|host| host.trim_end_matches('.') == self.host);
        same_host && self.port.is_none_or(|own| own == port)
    }
}

/// Names without a dot are completed by search lists, and those that end in an internal suffix never leave the house.
/// Expects a name that the URL parser, or the DNS, has given.
pub(crate) fn is_internal_name(name: &str) -> bool {
    let name = name.trim_end_matches('.').as_bytes();
    let ends_with = |suffix: &str| {
        name.len().checked_sub(suffix.len()).is_some_and(|from| name[from..].eq_ignore_ascii_case(suffix.as_bytes()))
    };
    !name.contains(&b'.') || INTERNAL_SUFFIXES.into_iter().any(ends_with)
}

/// The one name that may stand for loopback, where the operator allowed loopback.
pub(crate) fn is_localhost(name: &str) -> bool {
    name.trim_end_matches('.').eq_ignore_ascii_case("localhost")
}

fn is_port_permitted(port: u16) -> bool {
    matches!(port, 80 | 443 | 1024..) && !REFUSED_PORTS.contains(&port)
}

const fn literal(host: &Host<&str>) -> Option<IpAddr> {
    match host {
        Host::Ipv4(address) => Some(IpAddr::V4(*address)),
        Host::Ipv6(address) => Some(IpAddr::V6(*address)),
        Host::Domain(_) => None,
    }
}
