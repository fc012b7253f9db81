//! A browser session from its first cookie to its end, and what somebody could gain who planted or copied one.

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD, person, token},
    harness::{Answer, Server},
};

const SESSION: &str = "__Host-postern";
const NEW_PASSWORD: &str = "another horse battery";
const OWN_PAGE: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];

fn ada(server: &Server) -> Browser<'_> {
    person(&server.tenant("acme"), "ada@example.com", "admin");
    Browser::of(server, "ada@example.com")
}

fn change_password(browser: &mut Browser<'_>) -> Answer {
    let (old, new) = (PASSWORD.replace(' ', "+"), NEW_PASSWORD.replace(' ', "+"));
    browser.fill("/account", "/account/password", &format!("current={old}&password={new}"))
}

/// Somebody else's session, an earlier one of one's own, and what is no session at all.
#[test]
fn a_planted_cookie_is_not_the_session_after_the_log_in() {
    let server = Server::new();
    let tenant = server.tenant("acme");
    person(&tenant, "ada@example.com", "admin");
    person(&tenant, "eve@example.com", "viewer");
    let mut eve = Browser::of(&server, "eve@example.com");
    let planted = eve.cookies[SESSION].clone();
    let mut ada = Browser::new(&server);
    let form = token(&ada.get("/login"));
    ada.cookies.insert(SESSION.to_owned(), planted.clone());
    let body = format!("_csrf={form}&email=ada@example.com&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(ada.send("POST", "/login", OWN_PAGE, &body).status, 303);
    let own = ada.cookies[SESSION].clone();
    assert_ne!(own, planted);
    assert!(ada.get("/account").text.contains("ada@example.com"));
    assert!(!eve.is_logged_in(), "the planted one has ended");

    ada.send("POST", "/login", OWN_PAGE, &body);
    assert_ne!(ada.cookies[SESSION], own, "each log-in is a session of its own");
    let mut copy = Browser::new(&server);
    copy.cookies.insert(SESSION.to_owned(), own);
    assert!(!copy.is_logged_in(), "the one before has ended");

    let mut nonsense = Browser::new(&server);
    nonsense.cookies.insert(SESSION.to_owned(), "planted".to_owned());
    assert_eq!(nonsense.log_in("ada@example.com", PASSWORD).status, 303);
    assert_ne!(nonsense.cookies[SESSION], "planted");
}

#[test]
fn a_cookie_is_kept_for_this_host_and_from_scripts() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let visit = Browser::new(&server).get("/login");
    let inside = Browser::new(&server).log_in("ada@example.com", PASSWORD);
    let all: Vec<&String> = inside.cookies.iter().chain(&visit.cookies).collect();
    assert_eq!(all.len(), 3, "{all:?}");
    for cookie in all {
        assert!(cookie.starts_with("__Host-postern"), "{cookie}");
        for part in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
            assert!(cookie.split("; ").any(|found| found == part), "{part} of {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
    }
}

#[test]
fn what_is_proven_anew_leaves_copies_of_the_cookie_behind() {
    let server = Server::new();
    let mut ada = ada(&server);
    let mut copy = ada.clone();
    assert!(copy.is_logged_in());
    let password = PASSWORD.replace(' ', "+");
    assert_eq!(ada.fill("/reauth", "/reauth", &format!("password={password}&next=/account")).status, 303);
    assert!(!copy.is_logged_in(), "otherwise a thief could now do what is dangerous");
    let mut copy = ada.clone();
    assert_eq!(change_password(&mut ada).header("location"), Some("/account?done=password"));
    assert!(ada.is_logged_in() && !copy.is_logged_in());
}

#[test]
fn a_new_password_and_a_log_out_end_what_they_should() {
    let server = Server::new();
    let mut here = ada(&server);
    let mut elsewhere = Browser::of(&server, "ada@example.com");
    let form_elsewhere = token(&elsewhere.get("/account"));
    change_password(&mut here);
    assert!(here.is_logged_in() && !elsewhere.is_logged_in());
    let late = elsewhere.send("POST", "/account/theme", OWN_PAGE, &format!("_csrf={form_elsewhere}&theme=dark"));
    assert_eq!(
        (late.status, late.header("location")),
        (303, Some("/login")),
        "a form of an ended session does nothing"
    );
    // Nor is its token good in another session of the same person, or on the log-in page.
    for path in ["/account/theme", "/logout"] {
        let sent = here.send("POST", path, OWN_PAGE, &format!("_csrf={form_elsewhere}&theme=dark"));
        assert_eq!(sent.status, 403, "{path}");
    }
    let body = format!("_csrf={form_elsewhere}&email=ada@example.com&password=x");
    assert_eq!(Browser::new(&server).send("POST", "/login", OWN_PAGE, &body).status, 403);
    assert_eq!(Browser::new(&server).log_in("ada@example.com", PASSWORD).status, 422, "the old password is gone");

    let mut other = Browser::new(&server);
    assert_eq!(other.log_in("ada@example.com", NEW_PASSWORD).status, 303);
    let copy = here.clone();
    let out = here.fill("/account", "/logout", "");
    assert!(out.cookies.iter().any(|cookie| cookie.starts_with("__Host-postern=;") && cookie.contains("Max-Age=0")));
    assert!(!here.is_logged_in() && !copy.clone().is_logged_in() && other.is_logged_in(), "this one, and no other");
}

#[test]
fn a_session_ends_by_itself() {
    const HOUR_MS: i64 = 3_600_000;
    let server = Server::new();
    let mut idle = ada(&server);
    let mut busy = Browser::of(&server, "ada@example.com");
    for _ in 0..2 {
        server.clock.advance_ms(5 * HOUR_MS);
        assert!(busy.is_logged_in());
    }
    assert!(!idle.is_logged_in(), "8 hours without a request");
    let password = PASSWORD.replace(' ', "+");
    for day in 0..7 {
        for _ in 0..4 {
            server.clock.advance_ms(6 * HOUR_MS);
            // A password that is given anew does not make it any younger.
            let alive = busy.is_logged_in();
            assert!(alive || day == 6, "day {day}");
            if alive {
                busy.fill("/reauth", "/reauth", &format!("password={password}&next=/account"));
            }
        }
    }
    assert!(!busy.is_logged_in(), "7 days old");
}

#[test]
fn every_answer_says_how_a_browser_is_to_treat_it() {
    let server = Server::new();
    let mut ada = ada(&server);
    let tenant = ada.tenant();
    let style = ada.get("/account").text;
    let (_, style) = style.split_once("/assets/").expect("a style sheet");
    let style = format!("/assets/{}", style.split('"').next().expect("a name"));
    for path in ["/account", "/login", "/", "/nowhere", "/api/v1/events", "/healthz", &style, "/in/unknown", &tenant] {
        let answer = ada.get(path);
        for (name, value) in [
            ("strict-transport-security", "max-age=31536000; includeSubDomains"),
            ("x-content-type-options", "nosniff"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}");
        }
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(policy.contains("frame-ancestors 'none'") || policy.contains("sandbox"), "{path}: {policy}");
        let kept = if path == style { "public, max-age=31536000, immutable" } else { "no-store" };
        assert_eq!(answer.header("cache-control"), Some(kept), "{path}");
        assert!(
            ["same-origin", "no-referrer"].contains(&answer.header("referrer-policy").expect("a policy")),
            "{path}"
        );
    }
}

#[test]
fn a_first_event_asked_for_twice_at_once_makes_one_pair() {
    let server = Server::new();
    let tenant = server.tenant("acme");
    person(&tenant, "ada@example.com", "admin");
    let mut ada = Browser::of(&server, "ada@example.com");
    let (path, form) = (format!("{}/start", ada.tenant()), token(&ada.get("/account")));
    let body = format!("_csrf={form}");
    std::thread::scope(|scope| {
        let sent: Vec<_> = (0..8)
            .map(|_| {
                let (mut ada, path, body) = (ada.clone(), &path, &body);
                scope.spawn(move || ada.send("POST", path, OWN_PAGE, body).status)
            })
            .collect();
        for sent in sent {
            assert_eq!(sent.join().expect("an answer"), 303);
        }
    });
    for list in ["sources", "destinations", "connections"] {
        let found = tenant.get(&format!("/api/v1/{list}")).json;
        assert_eq!(found["data"].as_array().map(Vec::len), Some(1), "{list}: {found}");
    }
}

#[test]
fn a_member_without_a_password_is_shown_as_one_who_cannot_log_in() {
    const NOTE: &str = "has no password and cannot log in";
    let server = Server::new();
    let tenant = server.tenant("acme");
    person(&tenant, "ada@example.com", "admin");
    let mut ada = Browser::of(&server, "ada@example.com");
    let members = format!("{}/members", ada.tenant());
    // The owner was made without a password.
    assert_eq!(ada.get(&members).text.matches(NOTE).count(), 1);
    tenant.make("/api/v1/members", json!({ "email": "mute@example.com", "role": "viewer" }));
    assert_eq!(ada.get(&members).text.matches(NOTE).count(), 2);
    assert_eq!(Browser::new(&server).log_in("mute@example.com", PASSWORD).status, 422);
}
