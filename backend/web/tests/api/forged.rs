//! Cookies that we did not write, or that are not ours any more, at every kind of route.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use postern_seal::session;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, person, token},
    harness::{NOON, Server},
};

const SESSION: &str = "__Host-postern";
const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// A page, one of a tenant, a part of a page as htmx asks for it, an export, a form.
struct Doors {
    tenant: String,
    form: String,
}

impl Doors {
    fn are_shut(&self, browser: &mut Browser<'_>, why: &str) {
        let tenant = &self.tenant;
        let to_log_in = |path: &str| format!("/login?next={}", path.replace('/', "%2F"));
        for path in ["/account".to_owned(), format!("{tenant}/events"), format!("{tenant}/audit")] {
            assert_eq!(browser.get(&path).header("location"), Some(to_log_in(&path).as_str()), "{why}: {path}");
            let part = browser.send("GET", &path, &[("hx-request", "true")], "");
            assert_eq!(part.status, 303, "{why}: {path} as a part");
        }
        assert_eq!(browser.get(&format!("{tenant}/audit/export?format=csv")).status, 303, "{why}: an export");
        for path in ["/account/theme".to_owned(), format!("{tenant}/start")] {
            let sent = browser.send("POST", &path, &[OWN_PAGE], &format!("_csrf={}&theme=dark", self.form));
            assert!([303, 403].contains(&sent.status), "{why}: {path} answered {}", sent.status);
            assert!(sent.header("location").is_none_or(|way| way.starts_with("/login")), "{why}: {sent:?}");
        }
    }
}

fn part(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(text)
}

fn claims(token: &str) -> Value {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let claims = token.split('.').nth(1).expect("claims");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).expect("base64")).expect("JSON")
}

/// The same session under other claims, signed with the very key: only one spelling is ours.
fn under_our_key(server: &Server, ours: &str) -> Vec<(String, String)> {
    let (key_id, key) = session::keys(&server.keyring).into_iter().next().expect("a key");
    let sign = |header: Header, claims: &Value| {
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key.expose())).expect("signed")
    };
    let header = |algorithm| Header { kid: Some(key_id.clone()), ..Header::new(algorithm) };
    let good = claims(ours);
    let mut browser = Browser::new(server);
    browser.cookies.insert(SESSION.to_owned(), sign(header(Algorithm::HS256), &good));
    assert!(browser.is_logged_in(), "the others differ from a good one in one thing each");
    let changed = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let now = NOON.as_secs();
    let mut found = vec![
        ("HS384".to_owned(), sign(header(Algorithm::HS384), &good)),
        ("HS512".to_owned(), sign(header(Algorithm::HS512), &good)),
        ("no key id".to_owned(), sign(Header::new(Algorithm::HS256), &good)),
    ];
    for (name, value) in [
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!("9999999999")),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("iat", json!(now + 3_600)),
        ("aud", json!("postern-known")),
        ("aud", json!(["postern-pages", "x"])),
        ("iss", json!("somebody")),
        ("sub", json!("ses_01h455vb4pex5vsknk084sn02q")),
        ("sub", json!("")),
        ("role", json!("owner")),
    ] {
        found.push((format!("{name} {value}"), sign(header(Algorithm::HS256), &changed(name, value))));
    }
    for kid in ["", "k0", "../../../../dev/null", "' OR 1=1 --", "http://127.0.0.1/key", &"x".repeat(900)] {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::HS256) };
        found.push((format!("key id {kid:.10}"), sign(header, &good)));
    }
    found
}

/// Our own, taken apart and put together otherwise; and what anybody could sign.
fn without_our_key(ours: &str) -> Vec<(String, String)> {
    let parts: Vec<&str> = ours.split('.').collect();
    let [head, claims, signature] = parts.as_slice() else { panic!("a JWT has three parts") };
    let mut found = Vec::new();
    for algorithm in ["none", "None", "NONE", "nOnE", "", "HS256 ", "RS256", "ES256", "EdDSA"] {
        let head = part(&json!({ "typ": "JWT", "alg": algorithm, "kid": "k1" }).to_string());
        for signature in ["", signature] {
            found.push((format!("alg {algorithm:?}"), format!("{head}.{claims}.{signature}")));
        }
        found.push((format!("alg {algorithm:?} in two parts"), format!("{head}.{claims}")));
    }
    for key in ["", "secret", "postern", "k1"] {
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::HS256) };
        let signed = jsonwebtoken::encode(&header, &self::claims(ours), &EncodingKey::from_secret(key.as_bytes()));
        found.push((format!("signed with {key:?}"), signed.expect("signed")));
    }
    let last = signature.chars().last().expect("a letter");
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let place = alphabet.find(last).expect("base64");
    // Bits beyond the last byte: another spelling of the same signature.
    let respelled = alphabet.chars().nth(place ^ 1).expect("a letter");
    let respelled = format!("{}{respelled}", &signature[..signature.len() - 1]);
    for (why, text) in [
        ("re-spelled", format!("{head}.{claims}.{respelled}")),
        ("padded", format!("{ours}=")),
        ("padded inside", format!("{head}=.{claims}.{signature}")),
        ("one part more", format!("{ours}.{signature}")),
        ("one part less", format!("{head}.{claims}")),
        ("a dot more", format!("{ours}.")),
        ("a dot before", format!(".{ours}")),
        ("cut", ours[..ours.len() - 1].to_owned()),
        ("turned round", format!("{head}.{claims}.{}", signature.chars().rev().collect::<String>())),
        ("in capitals", ours.to_uppercase()),
        ("quoted twice", format!("%22{ours}%22")),
        ("nothing", String::new()),
        ("long", "x".repeat(5_000)),
        ("dots", "..".to_owned()),
    ] {
        found.push((why.to_owned(), text));
    }
    found
}

#[test]
fn a_cookie_that_we_did_not_write_opens_nothing() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::of(&server, "ada@example.com");
    let doors = Doors { tenant: browser.tenant(), form: token(&browser.get("/account")) };
    let ours = browser.cookies[SESSION].clone();
    let before = client.get("/api/v1/audit").json;
    let forged = under_our_key(&server, &ours).into_iter().chain(without_our_key(&ours));
    for (number, (why, forged)) in forged.enumerate() {
        assert_ne!(forged, ours, "{why}");
        browser.cookies.insert(SESSION.to_owned(), forged);
        assert!(!browser.is_logged_in(), "{why}");
        // All doors have one lock; a few of each sort try them all.
        if number % 9 == 0 {
            doors.are_shut(&mut browser, &why);
        }
    }
    for name in ["postern", "__Secure-postern", "__host-postern", "__Host-Postern", "__Host-postern-visit"] {
        browser.cookies = [(name.to_owned(), ours.clone())].into();
        assert!(!browser.is_logged_in(), "{name}");
    }
    browser.cookies.clear();
    let bearer = format!("Bearer {ours}");
    let cookie = format!("{SESSION}={ours}");
    for (path, header) in [("/account", ("authorization", &bearer)), ("/api/v1/events", ("cookie", &cookie))] {
        let answer = browser.send("GET", path, &[(header.0, header.1)], "");
        assert!([303, 401].contains(&answer.status), "{path}: what opens one is no key to the other");
    }
    assert_eq!(client.get("/api/v1/audit").json, before, "nothing was done");
    browser.cookies.insert(SESSION.to_owned(), ours);
    assert!(browser.is_logged_in());
}

#[test]
fn an_ended_session_is_dead_however_its_token_is_spelled() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "admin");
    let mut browser = Browser::of(&server, "ada@example.com");
    let doors = Doors { tenant: browser.tenant(), form: token(&browser.get("/account")) };
    let ours = browser.cookies[SESSION].clone();
    browser.fill("/account", "/logout", "");
    let later = claims(&ours)["iat"].as_i64().expect("a moment") + 1;
    let (key_id, key) = session::keys(&server.keyring).into_iter().next().expect("a key");
    let mut again = claims(&ours);
    again["iat"] = json!(later);
    let header = Header { kid: Some(key_id), ..Header::new(Algorithm::HS256) };
    let again = jsonwebtoken::encode(&header, &again, &EncodingKey::from_secret(key.expose())).expect("signed");
    for spelled in [ours.clone(), again, ours.replace('.', "%2e"), format!("\"{ours}\""), format!("%20{ours}")] {
        browser.cookies.insert(SESSION.to_owned(), spelled.clone());
        doors.are_shut(&mut browser, &spelled);
    }
}
