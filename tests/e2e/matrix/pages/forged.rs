//! Forms that no page of ours has sent: without their token, with another's, from another site, or by another method.

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;

use super::{
    house::{House, OWN_PAGE, Visitor, guarded},
    table::{For, Page},
};
use crate::harness::Browser;

const PUBLIC: &str = "https://hooks.example.com";

const THOROUGHLY: &str = "/account/theme";

/// Of where a request comes from, as browsers tell it. The first three are tried at every form.
const FOREIGN: &[&[(&str, &str)]] = &[
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("sec-fetch-site", "cross-site")],
    &[("origin", "http://hooks.example.com")],
    &[("origin", "https://hooks.example.com.evil.example")],
    &[("origin", "")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", PUBLIC)],
    &[OWN_PAGE, ("origin", "https://evil.example")],
    &[("sec-fetch-site", "none"), ("origin", "null")],
];

const WRONG_TYPES: [&str; 3] = ["text/plain", "application/json", "multipart/form-data; boundary=x"];

pub(super) async fn walk(house: &House, pages: &[Page], owner: &mut Visitor) {
    let mut anybody = Visitor::of(Browser::new(&house.server)).await;
    let before_log_in = Browser::new(&house.server).token().await;
    let others = house.foreign_tokens.iter().chain([&before_log_in]);
    for page in pages.iter().filter(|page| page.is_form()) {
        let sender = if page.who == For::Anybody { &mut anybody } else { &mut *owner };
        let path = house.path(page, &house.own, &house.own_tenant);
        let fields = house.fields(page, "first@example.com");
        let good = format!("_csrf={}&{fields}", sender.token);
        let mut bodies = vec![fields.clone()];
        bodies.extend(others.clone().map(|token| format!("_csrf={token}&{fields}")));
        let (mut foreign, mut types) = (&FOREIGN[..3], &WRONG_TYPES[..1]);
        // All forms have one lock, which is tried with every key on one of them.
        if page.path == THOROUGHLY {
            let cut = &sender.token[..sender.token.len() - 1];
            bodies.extend(["", "AAAA", cut].map(|token| format!("_csrf={token}&{fields}")));
            (foreign, types) = (FOREIGN, &WRONG_TYPES);
            let path = format!("{path}?_csrf={}", sender.token);
            refused(page, sender, &path, (&[OWN_PAGE], &fields, 403)).await;
        }
        for body in &bodies {
            refused(page, sender, &path, (&[OWN_PAGE], body, 403)).await;
        }
        for headers in foreign {
            refused(page, sender, &path, (headers, &good, 403)).await;
        }
        for media_type in types {
            refused(page, sender, &path, (&[OWN_PAGE, ("content-type", media_type)], &good, 415)).await;
        }
    }
    by_other_methods(house, pages, owner).await;
}

async fn refused(page: &Page, sender: &mut Visitor, path: &str, tried: (&[(&str, &str)], &str, u16)) {
    let (headers, body, status) = tried;
    let answer = sender.browser.send(Method::POST, path, headers, Some(body)).await;
    assert_eq!(answer.status, status, "{} with {headers:?} and {body}", page.name);
    guarded(&answer, page);
}

/// Nothing is done by a GET; and what a path does not have is answered with what it has.
async fn by_other_methods(house: &House, pages: &[Page], owner: &mut Visitor) {
    let mut paths: BTreeMap<&str, Vec<&Page>> = BTreeMap::new();
    pages.iter().for_each(|page| paths.entry(page.path).or_default().push(page));
    for there in paths.values() {
        let page = there[0];
        let path = house.path(page, &house.own, &house.own_tenant);
        let fields = format!("_csrf={}&{}", owner.token, house.fields(page, "first@example.com"));
        let allowed: BTreeSet<&str> = there.iter().map(|page| page.method.as_str()).collect();
        let overrides = [OWN_PAGE, ("x-http-method-override", "POST"), ("x-method-override", "POST")];
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE"] {
            let method: Method = method.parse().expect("a method");
            let is_there = allowed.contains(method.as_str());
            if is_there && (method == Method::POST || !there.iter().any(|page| page.is_form())) {
                continue;
            }
            let asked = format!("{path}?{fields}&_method=POST");
            let answer = owner.browser.send(method.clone(), &asked, &overrides, None).await;
            if !is_there {
                assert_eq!(answer.status, 405, "{method} {}", page.path);
                let named: BTreeSet<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
                assert_eq!(named, allowed, "{method} {}", page.path);
            }
        }
    }
    assert!(owner.browser.is_logged_in().await);
}
