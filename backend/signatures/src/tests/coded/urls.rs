//! From which addresses a key is fetched.

use crate::key_url::{KeyUrl, is_below};

#[test]
fn an_address_that_two_readers_could_read_in_two_ways_is_none() {
    for text in [
        "",
        "http://api.paypal.com/c",
        "HTTPS://api.paypal.com/c",
        "https://api.paypal.com",
        "https:///c",
        "https://user@api.paypal.com/c",
        "https://evil.example/@api.paypal.com/",
        "https://api.paypal.com:8443/c",
        "https://api.paypal.com:443/c",
        "https://api.paypal.com\\.evil.example/c",
        "https://evil.example\\@api.paypal.com/c",
        "https://evil.example#api.paypal.com/c",
        "https://evil.example?.paypal.com/c",
        "https://api.paypal.com/c#x",
        "https://api%2epaypal.com/c",
        "https://API.paypal.com/c",
        "https://.paypal.com/c",
        "https://api..paypal.com/c",
        "https://api.paypal.com./c",
        "https://api.paypal.com /c",
        "https://api.paypal.com/\u{e9}",
        "https://[::1]/c",
        "//api.paypal.com/c",
        "https://api.paypal.com\t/c",
    ] {
        assert!(KeyUrl::parse(text).is_none(), "{text}");
    }
    assert!(KeyUrl::parse(&format!("https://api.paypal.com/{}", "a".repeat(2_048))).is_none());
    let url = KeyUrl::parse("https://api.sandbox.paypal.com/v1/certs/CERT-1?a=%20").expect("an address");
    assert_eq!((url.host, url.path), ("api.sandbox.paypal.com", "/v1/certs/CERT-1?a=%20"));
    let request = url.request("paypal.com");
    assert_eq!((request.url.as_str(), request.method), ("https://api.sandbox.paypal.com/v1/certs/CERT-1?a=%20", "GET"));
    assert!(request.body.is_none());
}

#[test]
fn hosts_are_compared_by_whole_labels() {
    for host in ["paypal.com", "api.paypal.com", "a.b.paypal.com"] {
        assert!(is_below(host, "paypal.com"), "{host}");
    }
    for host in ["evilpaypal.com", "paypal.com.evil.example", "paypal.co", "com", "", "paypalxcom"] {
        assert!(!is_below(host, "paypal.com"), "{host}");
    }
}
