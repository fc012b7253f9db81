//! A link to this site leads nowhere else, whatever it says about where to go on.

use crate::{
    browser::{Browser, PASSWORD, person, token},
    harness::{Answer, Server},
};

const OWN_PAGE: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

/// As they are typed; each is sent encoded. What a browser would make of them is not this site, or no path at all.
const HOSTILE: &[&str] = &[
    "//evil.example",
    "///evil.example",
    "////evil.example/%2e%2e",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "/\r\n/evil.example",
    "\t//evil.example",
    " //evil.example",
    "https://evil.example",
    "https:evil.example",
    "https:/evil.example",
    "HTTPS://evil.example",
    "//evil.example@hooks.example.com",
    "https://hooks.example.com@evil.example",
    "https://hooks.example.com.evil.example",
    "@evil.example",
    ".evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/account\r\nset-cookie: x=y",
    "/account\0",
    "/\u{2028}/evil.example",
    "/\u{ff0f}evil.example",
    "evil.example",
    "?x",
    "#x",
    "",
];

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// What cannot be a query at all is refused.
fn leads_home(answer: &Answer, next: &str) {
    let is_refused = answer.status == 400 && next.chars().any(char::is_control);
    let way = answer.header("location");
    assert!(is_refused && way.is_none() || (answer.status, way) == (303, Some("/")), "{next:?}: {answer:?}");
    assert!(answer.cookies.iter().all(|cookie| cookie.starts_with("__Host-")), "{next:?}");
}

#[test]
fn a_log_in_leads_to_a_path_of_this_site() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let password = PASSWORD.replace(' ', "+");
    let mut inside = Browser::of(&server, "ada@example.com");
    let long = format!("/{}", "x".repeat(2_000));
    let mut outside = Browser::new(&server);
    let form = token(&outside.get("/login"));
    let visitor = outside.clone();
    for next in HOSTILE.iter().chain([&long.as_str()]) {
        leads_home(&inside.get(&format!("/login?next={}", encoded(next))), next);
    }
    // Each log-in costs a hash: one of each kind is enough here, since both ways ask the same function.
    for next in ["//evil.example", "/\\evil.example", "/\t/evil.example", "https://evil.example", "/a\r\nx: y"] {
        let body = format!("_csrf={form}&email=ada@example.com&password={password}&next={}", encoded(next));
        leads_home(&visitor.clone().send("POST", "/login", OWN_PAGE, &body), next);
    }
    // What is encoded once more stays a path: nobody on the way takes it apart a second time.
    for next in ["/%2f%2fevil.example", "/%5cevil.example", "/a/..//evil.example", "/account?next=//evil.example"] {
        let answer = inside.get(&format!("/login?next={}", encoded(next)));
        assert_eq!(answer.header("location"), Some(next));
    }
}

#[test]
fn a_password_given_again_leads_to_a_path_of_this_site() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let mut ada = Browser::of(&server, "ada@example.com");
    let password = PASSWORD.replace(' ', "+");
    for next in HOSTILE {
        let page = ada.get(&format!("/reauth?next={}", encoded(next)));
        let is_refused = page.status == 400 && next.chars().any(char::is_control);
        assert!((page.status == 200 || is_refused) && !page.text.contains("evil.example"), "{next:?}: {}", page.text);
    }
    for next in ["//evil.example", "/\\evil.example", "https://evil.example"] {
        let fields = format!("password={password}&next={}", encoded(next));
        leads_home(&ada.fill("/reauth", "/reauth", &fields), next);
    }
}

#[test]
fn the_way_to_the_log_in_page_names_a_path_of_this_site() {
    let server = Server::new();
    let mut nobody = Browser::new(&server);
    let asked = nobody.get("/t/ten_01jd9k7w000000000000000000/events?next=//evil.example&q=%0d%0a");
    let location = asked.header("location").expect("a way on");
    assert!(location.starts_with("/login?next=%2Ft%2Ften_"), "{location}");
    // A request may name the whole URL; only its path is kept.
    let asked = nobody.get("http://evil.example/account");
    assert!(asked.status == 404 || asked.header("location") == Some("/login?next=%2Faccount"), "{asked:?}");
    for path in ["//evil.example/account", "/%2f/evil.example", "/\\evil.example"] {
        let asked = nobody.get(path);
        assert!(asked.header("location").is_none_or(|way| way.starts_with("/login")), "{path}: {asked:?}");
    }
}
