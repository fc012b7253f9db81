//! Which addresses may be dialled: public ones, and those the operator allowed. Pure; asks nobody.
//!
//! The ranges follow the IANA special-purpose registries as of 2025-10, written out because the standard library's
//! `is_global` is not stable. A new range goes here and nowhere else.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// The rule about addresses, with the operator's exceptions.
#[derive(Debug)]
pub(crate) struct AddressRules {
    allow: Vec<IpNet>,
}

impl AddressRules {
    pub(crate) const fn new(allow: Vec<IpNet>) -> Self {
        Self { allow }
    }

    /// The operator listed a block that holds this very address. A mapped form (`::ffff:127.0.0.1`) is no member of the
    /// IPv4 block: who wants it can write it the usual way.
    pub(crate) fn is_allowed(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|net| net.contains(&address))
    }

    pub(crate) fn permits(&self, address: IpAddr) -> bool {
        !is_special(address) || self.is_allowed(address)
    }

    /// What `localhost` stands for here: the loopback addresses that the operator allowed, usually none.
    pub(crate) fn loopbacks(&self) -> impl Iterator<Item = IpAddr> {
        [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            .into_iter()
            .filter(|address| self.is_allowed(*address))
    }
}

/// Not a public unicast address, or one that reaches the machine's own surroundings.
pub(crate) fn is_special(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => is_special_v4(v4),
        IpAddr::V6(v6) => is_special_v6(v6),
    }
}

fn is_special_v4(address: Ipv4Addr) -> bool {
    /// Azure's wire server: a public address that only ever means the platform below.
    const AZURE_WIRE_SERVER: Ipv4Addr = Ipv4Addr::new(168, 63, 129, 16);
    match address.octets() {
        [0 | 10 | 127, ..] => true,                  // this network, private, loopback
        [100, 64..=127, ..] => true,                 // shared (CGNAT; Alibaba's metadata)
        [169, 254, ..] => true,                      // link-local (most clouds' metadata)
        [172, 16..=31, ..] | [192, 168, ..] => true, // private
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true, // IETF protocols, documentation
        [192, 88, 99, _] => true,                    // former 6to4 relays
        [198, 18 | 19, ..] => true,                  // benchmarks
        [224..=255, ..] => true,                     // multicast, reserved, broadcast
        _ => address == AZURE_WIRE_SERVER,
    }
}

fn is_special_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    match segments {
        // NAT64 carries an IPv4 address, and that one is judged: on a DNS64 network all of IPv4 arrives this way.
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => {
            let [.., a, b, c, d] = address.octets();
            is_special_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Only global unicast may pass. This one line also ends mapped, compatible, translated and local forms.
        [first, ..] if first & 0xe000 != 0x2000 => true,
        [0x2001, second, ..] if second < 0x200 => true, // IETF protocols, Teredo, ORCHID
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => true, // documentation
        [0x2002, ..] => true,                           // 6to4
        _ => false,
    }
}

#[cfg(test)]
mod tests;
