//! Guessing at passwords: from one address, at one account, spread over many; and finding out who has an account.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD, person, token},
    harness::{Answer, Server},
};

const HOME: &str = "192.0.2.1";
/// In which every failure is forgiven.
const LONG_MS: i64 = 24 * 3_600_000;

fn guess(server: &Server, address: &str, email: &str) -> Answer {
    Browser::at(server, address).log_in(email, "not the password")
}

/// 429, with the seconds for a program and for a person.
fn is_throttled(answer: &Answer, wait_s: u32) {
    let wait = wait_s.to_string();
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some(wait.as_str())), "{answer:?}");
    assert!(answer.text.contains(&format!("possible in {wait} s")), "{}", answer.text);
}

#[test]
fn one_address_is_slowed_down_whoever_it_guesses_at() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    for number in 0..10 {
        assert_eq!(guess(&server, "198.51.100.7", &format!("guess{number}@example.com")).status, 422);
    }
    is_throttled(&guess(&server, "198.51.100.7", "ada@example.com"), 10);
    let right = Browser::at(&server, "198.51.100.7").log_in("ada@example.com", PASSWORD);
    is_throttled(&right, 10);
    // What the client itself wrote into the header is not believed: the proxy adds where it really is.
    for spoofed in ["203.0.113.9, 198.51.100.7", "127.0.0.1, 198.51.100.7", "::1,198.51.100.7,127.0.0.1"] {
        is_throttled(&guess(&server, spoofed, "ada@example.com"), 10);
    }
    assert_eq!(Browser::at(&server, "198.51.100.8").log_in("ada@example.com", PASSWORD).status, 303, "its neighbour");
    server.clock.advance_ms(10_000);
    assert_eq!(guess(&server, "198.51.100.7", "ada@example.com").status, 422);
    is_throttled(&guess(&server, "198.51.100.7", "ada@example.com"), 20);
}

#[test]
fn one_account_is_slowed_down_however_it_is_spelled_and_wherever_it_is_tried_from() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let spellings = ["ada@example.com", "ADA@example.com", "Ada@Example.Com", "+ada%40example.com+", "ada@EXAMPLE.com"];
    for (number, email) in spellings.into_iter().enumerate() {
        assert_eq!(guess(&server, &format!("198.51.100.{number}"), email).status, 422, "{email}");
    }
    is_throttled(&guess(&server, "203.0.113.1", "ada@example.com"), 5);
    // The /64 of IPv6 is one address, and a thousand of them are a thousand.
    for number in 0..20 {
        server.clock.advance_ms(900_000);
        let answer = guess(&server, &format!("2001:db8:0:{number}::1"), "ada@example.com");
        assert!([422, 429].contains(&answer.status), "{answer:?}");
    }
    let longest = (0..12).map(|number| {
        server.clock.advance_ms(1_000_000 / 12);
        let answer = guess(&server, &format!("2001:db8:1:{number}::1"), "ada@example.com");
        answer.header("retry-after").map_or(0, |wait| wait.parse::<u32>().expect("seconds"))
    });
    assert!(longest.max().is_some_and(|wait| wait <= 900), "a wait has an end");
}

#[test]
fn strangers_do_not_keep_the_owner_out() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let mut ada = Browser::at(&server, HOME);
    assert_eq!(ada.log_in("ada@example.com", PASSWORD).status, 303);
    ada.fill("/account", "/logout", "");
    for number in 0..5 {
        guess(&server, &format!("198.51.100.{number}"), "ada@example.com");
    }
    let mut tries = 0;
    let mut attack = || {
        tries += 1;
        is_throttled(&guess(&server, &format!("203.0.113.{tries}"), "ada@example.com"), 5);
    };
    attack();
    // At home with any browser, and anywhere with her own.
    let mut at_home = Browser::at(&server, HOME);
    assert_eq!(at_home.log_in("ada@example.com", PASSWORD).status, 303);
    attack();
    ada.address = Some("203.0.113.77".to_owned());
    assert_eq!(ada.log_in("ada@example.com", PASSWORD).status, 303, "on a journey, under attack");
    attack();
    // Somewhere new, with a new browser, she is one of the strangers, and waits as long as she is told to.
    let mut new = Browser::at(&server, "203.0.113.99");
    is_throttled(&new.log_in("ada@example.com", PASSWORD), 5);
    server.clock.advance_ms(5_000);
    assert_eq!(new.log_in("ada@example.com", PASSWORD).status, 303);
}

#[test]
fn a_browser_that_is_known_guesses_no_more_than_another() {
    let server = Server::new();
    let tenant = server.tenant("acme");
    person(&tenant, "ada@example.com", "admin");
    person(&tenant, "eve@example.com", "admin");
    let mut thief = Browser::at(&server, HOME);
    thief.log_in("ada@example.com", PASSWORD);
    thief.fill("/account", "/logout", "");
    for number in 0..5 {
        thief.address = Some(format!("198.51.100.{number}"));
        assert_eq!(thief.log_in("ada@example.com", "not the password").status, 422);
    }
    thief.address = Some("203.0.113.1".to_owned());
    is_throttled(&thief.log_in("ada@example.com", "not the password"), 5);
    assert_eq!(
        Browser::at(&server, HOME).log_in("ada@example.com", PASSWORD).status,
        303,
        "at home she is not held up"
    );
    // That she is known does not help to guess at somebody else.
    let mut eve = Browser::at(&server, "203.0.113.2");
    eve.log_in("eve@example.com", PASSWORD);
    eve.fill("/account", "/logout", "");
    for number in 0..5 {
        guess(&server, &format!("198.51.100.{}", 100 + number), "ada@example.com");
    }
    is_throttled(&eve.log_in("ada@example.com", "not the password"), 5);
    // Nor does a session stand for a known browser, or the other way round.
    let (known, session) = ("__Host-postern-known", "__Host-postern");
    let mut mixed = Browser::at(&server, "203.0.113.3");
    mixed.log_in("eve@example.com", PASSWORD);
    mixed.cookies.insert(session.to_owned(), mixed.cookies[known].clone());
    assert!(!mixed.is_logged_in());
}

#[test]
fn a_session_does_not_help_to_guess_its_password() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let mut stolen = Browser::of(&server, "ada@example.com");
    let mut own = Browser::of(&server, "ada@example.com");
    for _ in 0..3 {
        assert_eq!(stolen.fill("/reauth", "/reauth", "password=wrong+wrong+wrong").status, 422);
    }
    let change = "current=wrong+wrong+wrong&password=another+horse+battery";
    for _ in 0..2 {
        assert_eq!(stolen.fill("/account", "/account/password", change).status, 422);
    }
    is_throttled(&stolen.fill("/reauth", "/reauth", "password=correct+horse+battery"), 5);
    let refused = stolen.fill("/account", "/account/password", "current=correct+horse+battery&password=another+horse");
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("5")));
    assert_eq!(own.fill("/reauth", "/reauth", "password=correct+horse+battery&next=/account").status, 303);
}

/// Everything but what differs from one answer to the next.
fn shown(answer: &Answer, email: &str) -> (u16, Vec<(String, String)>, String) {
    let policy = answer.header("content-security-policy").expect("a policy");
    let (_, nonce) = policy.split_once("'nonce-").expect("a nonce");
    let nonce = nonce.split('\'').next().expect("a nonce");
    let form = token(answer);
    let mask = |text: &str| text.replace(nonce, "NONCE").replace(&form, "TOKEN").replace(email, "EMAIL");
    let headers = answer.headers.iter().filter(|(name, _)| !["x-request-id", "date"].contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.clone(), mask(value)));
    (answer.status, headers.collect(), mask(&answer.text))
}

/// Who has an account, who has none, who has one without a password, and whose was taken away from the tenant.
fn people(server: &Server) -> [&'static str; 4] {
    let tenant = server.tenant("acme");
    person(&tenant, "adaaa@example.com", "admin");
    tenant.make("/api/v1/members", json!({ "email": "muted@example.com", "role": "viewer" }));
    let gone = person(&tenant, "ended@example.com", "viewer");
    assert_eq!(tenant.call("DELETE", &format!("/api/v1/members/{gone}"), None).status, 204);
    ["adaaa@example.com", "nobod@example.com", "muted@example.com", "ended@example.com"]
}

#[test]
fn what_is_said_does_not_tell_who_has_an_account() {
    let server = Server::new();
    let people = people(&server);
    let mut seen = Vec::new();
    for (place, email) in people.into_iter().enumerate() {
        let mut answers = Vec::new();
        for number in 0..7 {
            let answer = guess(&server, &format!("198.51.{place}.{number}"), email);
            answers.push(shown(&answer, email));
        }
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.0).collect();
        assert_eq!(statuses, [422, 422, 422, 422, 422, 429, 429], "{email}");
        seen.push(answers);
    }
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:#?}");
}

#[test]
fn the_time_it_takes_does_not_tell_who_has_an_account() {
    const ROUNDS: usize = 9;
    let server = Server::new();
    let people = people(&server);
    let mut visitor = Browser::new(&server);
    let form = token(&visitor.get("/login"));
    let mut times: [Vec<Duration>; 4] = Default::default();
    for round in 0..ROUNDS {
        server.clock.advance_ms(LONG_MS);
        for (place, email) in people.into_iter().enumerate() {
            let mut visitor = visitor.clone();
            visitor.address = Some(format!("198.51.{place}.{round}"));
            let body = format!("_csrf={form}&email={email}&password=not+the+password");
            let begun = Instant::now();
            let answer = visitor.send("POST", "/login", &[("sec-fetch-site", "same-origin")], &body);
            times[place].push(begun.elapsed());
            assert_eq!(answer.status, 422, "{email}");
        }
    }
    let medians = times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    });
    // Without the work of Argon2 an answer takes a twentieth of the time.
    let (least, most) = (medians.iter().min().expect("four"), medians.iter().max().expect("four"));
    assert!(*most < 3 * *least, "{people:?}: {medians:?}");
}
