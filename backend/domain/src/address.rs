//! Address lists, and the one rule by which a client's address is believed.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv6Net};

use crate::invalid::Invalid;

pub const MAX_ENTRIES: usize = 100;

/// Addresses and CIDR blocks. An empty list restricts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressList(Vec<IpNet>);

impl AddressList {
    /// # Errors
    /// When there are more than [`MAX_ENTRIES`], or one is neither an address nor a block.
    pub fn parse<T: AsRef<str>>(field: &str, entries: &[T]) -> Result<Self, Invalid> {
        if entries.len() > MAX_ENTRIES {
            return Err(Invalid::new(field, format!("may have at most {MAX_ENTRIES} entries")));
        }
        entries.iter().map(|entry| parse_net(field, entry.as_ref().trim())).collect::<Result<_, _>>().map(Self)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|net| net.contains(&address))
    }

    /// An empty list admits everybody.
    #[must_use]
    pub fn admits(&self, address: IpAddr) -> bool {
        self.0.is_empty() || self.contains(address)
    }

    /// With more of them, which somebody else keeps: their number is not limited.
    ///
    /// # Errors
    /// When one is neither an address nor a block.
    pub fn joined(&self, field: &str, more: &[String]) -> Result<Self, Invalid> {
        let more = more.iter().map(|entry| parse_net(field, entry.trim()));
        self.0.iter().copied().map(Ok).chain(more).collect::<Result<_, _>>().map(Self)
    }

    #[must_use]
    pub fn to_strings(&self) -> Vec<String> {
        self.0.iter().map(IpNet::to_string).collect()
    }
}

/// The smallest network that one customer of a provider has for themselves: the address, or for IPv6 its /64.
#[must_use]
pub fn network_of(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(address) => IpNet::from(IpAddr::V4(address)),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & (u128::MAX << 64);
            Ipv6Net::new(prefix.into(), 64).map_or_else(|_| IpNet::from(IpAddr::V6(address)), IpNet::from)
        }
    }
}

fn parse_net(field: &str, text: &str) -> Result<IpNet, Invalid> {
    text.parse::<IpNet>()
        .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        .map_err(|_| Invalid::new(field, format!("`{text}` is neither an IP address nor a CIDR block")))
}

/// Who is calling: the peer itself, unless the peer is a trusted proxy; then the last address in X-Forwarded-For that
/// is not one of ours. What stands further left was written by whoever sent it, and is not believed.
#[must_use]
pub fn client_address<'a>(
    peer: IpAddr,
    forwarded_for: impl DoubleEndedIterator<Item = &'a str>,
    trusted: &AddressList,
) -> IpAddr {
    let mut client = peer.to_canonical();
    let hops = forwarded_for.flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>();
    for hop in hops.into_iter().rev() {
        if !trusted.contains(client) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(entries: &[&str]) -> AddressList {
        AddressList::parse("allowed_ips", entries).expect("valid")
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn a_spoofed_forwarding_header_is_not_believed() {
        let trusted = list(&["10.0.0.0/8"]);
        let from = |peer: &str, header: &[&str]| client_address(ip(peer), header.iter().copied(), &trusted);
        assert_eq!(from("203.0.113.9", &["1.1.1.1"]), ip("203.0.113.9"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1, 203.0.113.9"]), ip("203.0.113.9"));
        assert_eq!(from("10.0.0.1", &["1.1.1.1", "203.0.113.9, 10.2.0.1"]), ip("203.0.113.9"));
        assert_eq!(from("10.0.0.1", &["junk"]), ip("10.0.0.1"));
        assert_eq!(from("10.0.0.1", &[]), ip("10.0.0.1"));
    }

    #[test]
    fn a_network_is_an_address_or_for_ipv6_the_half_of_it() {
        assert_eq!(network_of(ip("2001:db8:1:2:3:4:5:6")), network_of(ip("2001:db8:1:2::")));
        assert_ne!(network_of(ip("2001:db8:1:2::")), network_of(ip("2001:db8:1:3::")));
        assert_eq!(network_of(ip("::ffff:192.0.2.5")).to_string(), "192.0.2.5/32");
    }

    #[test]
    fn mapped_addresses_match_their_block() {
        let blocks = list(&["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]);
        assert!(blocks.contains(ip("::ffff:192.0.2.5")) && blocks.contains(ip("2001:db8::1")));
        assert!(blocks.contains(ip("198.51.100.7")) && !blocks.contains(ip("198.51.100.8")));
        assert!(AddressList::parse("x", &["300.1.1.1"]).is_err());
        assert!(list(&[]).admits(ip("8.8.8.8")) && !blocks.admits(ip("8.8.8.8")));
    }
}
