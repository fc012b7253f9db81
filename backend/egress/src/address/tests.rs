//! The blocks, from their edges.

use super::*;

/// First and last address of each block.
const SPECIAL_V4: &str = "0.0.0.0-0.255.255.255 10.0.0.0-10.255.255.255 100.64.0.0-100.127.255.255
    127.0.0.0-127.255.255.255 169.254.0.0-169.254.255.255 172.16.0.0-172.31.255.255 192.0.0.0-192.0.0.255
    192.0.2.0-192.0.2.255 192.88.99.0-192.88.99.255 192.168.0.0-192.168.255.255 198.18.0.0-198.19.255.255
    198.51.100.0-198.51.100.255 203.0.113.0-203.0.113.255 224.0.0.0-255.255.255.255 168.63.129.16-168.63.129.16";

const SPECIAL_V6: &str = ":: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1
    64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:1ff::1 2001:db8::1 2002:7f00:1:: 3fff::1 3fff:fff::1
    4000:: 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fec0::1 ff02::1";

const PUBLIC_V6: &str = "2000::1 2001:200::1 2001:4860:4860::8888 2606:4700::1111 3fff:1000::1 3ffe:ffff::1
    64:ff9b::8.8.8.8";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

#[test]
fn every_special_block_is_refused_to_its_edges_and_no_further() {
    let blocks: Vec<(u32, u32)> = SPECIAL_V4
        .split_whitespace()
        .map(|block| block.split_once('-').expect("first and last"))
        .map(|(first, last)| {
            (first.parse::<Ipv4Addr>().expect("first").into(), last.parse::<Ipv4Addr>().expect("last").into())
        })
        .collect();
    let is_listed = |address: u32| blocks.iter().any(|(first, last)| (*first..=*last).contains(&address));
    for (first, last) in &blocks {
        let (before, after) = (first.wrapping_sub(1), last.wrapping_add(1));
        for address in [before, *first, first.midpoint(*last), *last, after] {
            let v4 = Ipv4Addr::from(address);
            assert_eq!(is_special(v4.into()), is_listed(address), "{v4}");
        }
    }
    for public in ["1.0.0.0", "8.8.8.8", "93.184.215.14", "126.255.255.255", "198.20.0.0", "223.255.255.255"] {
        assert!(!is_special(ip(public)), "{public}");
    }
}

#[test]
fn of_ipv6_only_global_unicast_and_public_nat64_pass() {
    for special in SPECIAL_V6.split_whitespace() {
        assert!(is_special(ip(special)), "{special}");
    }
    for public in PUBLIC_V6.split_whitespace() {
        assert!(!is_special(ip(public)), "{public}");
    }
}

#[test]
fn the_operator_can_allow_a_block_and_only_that() {
    let rules = AddressRules::new(vec!["127.0.0.0/8".parse().expect("a block")]);
    assert!(rules.permits(ip("127.0.0.1")) && rules.permits(ip("8.8.8.8")));
    assert!(!rules.permits(ip("::1")) && !rules.permits(ip("::ffff:127.0.0.1")) && !rules.permits(ip("10.0.0.1")));
    assert_eq!(rules.loopbacks().collect::<Vec<_>>(), [ip("127.0.0.1")]);
}
