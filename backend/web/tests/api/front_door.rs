//! What guards the front door besides signatures: methods, types, tokens, addresses, bodies that come again, and a URL
//! that is replaced.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server, request, until};

struct Door<'a> {
    tenant: &'a Client<'a>,
    id: String,
    path: String,
}

impl<'a> Door<'a> {
    fn open(tenant: &'a Client<'a>, more: Value) -> Self {
        let mut source = json!({ "name": "s", "kind": "webhook" });
        source.as_object_mut().expect("an object").extend(more.as_object().cloned().unwrap_or_default());
        let made = tenant.post("/api/v1/sources", source);
        assert_eq!(made.status, 201, "{made:?}");
        let id = made.json["id"].as_str().expect("an id").to_owned();
        Self { tenant, id, path: path_of(&made) }
    }

    fn send(&self, method: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        self.tenant.server.send(&request(method, &self.path, headers, body.as_bytes()))
    }

    fn change(&self, verb: &str, body: Option<Value>) -> Answer {
        self.tenant.call("POST", &format!("/api/v1/sources/{}/{verb}", self.id), body)
    }

    fn events(&self) -> usize {
        let events = self.tenant.get(&format!("/api/v1/events?source_id={}", self.id));
        events.json["data"].as_array().map_or(0, Vec::len)
    }

    /// What is on record, newest first; it is written soon after the answer.
    fn requests(&self, count: usize) -> Vec<Value> {
        let list = || {
            let page = self.tenant.get(&format!("/api/v1/requests?source_id={}", self.id));
            page.json["data"].as_array().cloned().unwrap_or_default()
        };
        until("the requests are on record", || list().len() >= count);
        list()
    }
}

fn path_of(source: &Answer) -> String {
    let url = source.json["ingest_url"].as_str().expect("a URL");
    url.trim_start_matches("https://hooks.example.com").to_owned()
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn only_what_is_listed_comes_in() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(
        &tenant,
        json!({
            "scheme": "none", "allowed_methods": ["put"], "content_types": ["Application/JSON"],
            "header_token": { "name": "X-Own", "value": "0123456789abcdef" },
        }),
    );
    let token = ("x-own", "0123456789abcdef");
    assert_eq!(door.send("PUT", &[JSON, token], "{}").status, 200);
    assert_eq!(door.send("PUT", &[("content-type", "application/json; charset=utf-8"), token], "{}").status, 200);
    for (method, headers, status, cause) in [
        ("POST", vec![JSON, token], 405, "method"),
        ("GET", vec![token], 405, "method"),
        ("PUT", vec![("content-type", "text/plain"), token], 415, "content_type"),
        ("PUT", vec![token], 415, "content_type"),
        ("PUT", vec![JSON], 401, "header_token"),
        ("PUT", vec![JSON, ("x-own", "0123456789abcdeF")], 401, "header_token"),
        ("PUT", vec![JSON, token, token], 401, "header_token"),
    ] {
        let before = door.requests(0).len();
        let answer = door.send(method, &headers, if method == "GET" { "" } else { "{}" });
        assert_eq!(answer.refusal().0, status, "{method} {headers:?}: {answer:?}");
        assert_eq!(door.requests(before + 1)[0]["cause"], cause, "{method} {headers:?}");
    }
    assert_eq!(door.events(), 2);
    let shown = tenant.get(&format!("/api/v1/sources/{}", door.id));
    assert_eq!((&shown.json["header_token"], &shown.json["allowed_methods"]), (&json!("x-own"), &json!(["PUT"])));
    let event = tenant.get("/api/v1/events").json["data"][0]["id"].as_str().expect("an id").to_owned();
    for path in [&*format!("sources/{}", door.id), &*format!("events/{event}"), "audit", "requests"] {
        let seen = tenant.get(&format!("/api/v1/{path}"));
        assert!(seen.status == 200 && !seen.text.contains("0123456789abcdef"), "{path}: {seen:?}");
    }
    let cleared = json!({ "header_token": null, "allowed_methods": [], "content_types": [] });
    assert_eq!(tenant.call("PATCH", &format!("/api/v1/sources/{}", door.id), Some(cleared)).status, 200);
    assert_eq!(door.send("POST", &[], "{}").status, 200);
}

#[test]
fn what_guards_a_source_is_checked_by_field() {
    let server = Server::new();
    let tenant = server.tenant("a");
    for (field, value) in [
        ("allowed_methods", json!(["DELETE"])),
        ("content_types", json!(["json"])),
        ("replay", json!("ignore")),
        ("allowed_ips", json!(["provider"])),
    ] {
        let body = json!({ "name": "s", "kind": "webhook", "scheme": "none", field: value });
        assert_eq!(tenant.post("/api/v1/sources", body).refusal().2, [field]);
    }
    for (name, value, field) in [
        ("a b", "0123456789abcdef", "header_token.name"),
        ("Host", "0123456789abcdef", "header_token.name"),
        ("x-own", "short", "header_token.value"),
        ("x-own", "0123456789abcde\u{e9}", "header_token.value"),
    ] {
        let token = json!({ "name": name, "value": value });
        let body = json!({ "name": "s", "kind": "webhook", "scheme": "none", "header_token": token });
        assert_eq!(tenant.post("/api/v1/sources", body).refusal().2, [field], "{name}");
    }
    let published = json!({ "name": "p", "kind": "publish", "allowed_methods": ["POST"] });
    assert_eq!(tenant.post("/api/v1/sources", published).refusal().2, ["allowed_methods"]);
}

#[test]
fn an_old_url_works_until_its_time_is_over() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let mut door = Door::open(&tenant, json!({ "scheme": "none" }));
    let first = door.path.clone();
    let rotated = door.change("rotate-url", Some(json!({ "overlap_s": 60 })));
    assert_eq!(rotated.status, 200, "{rotated:?}");
    assert_eq!(rotated.json["old_url_until"], "2026-03-01T10:01:00.000000Z");
    let second = path_of(&rotated);
    let by = |door: &mut Door<'_>, path: &str| {
        path.clone_into(&mut door.path);
        door.send("POST", &[], "{}").status
    };
    assert_ne!(first, second);
    assert_eq!((by(&mut door, &first), by(&mut door, &second)), (200, 200));
    server.clock.advance_ms(60_000);
    assert_eq!((by(&mut door, &first), by(&mut door, &second)), (404, 200));
    let third = path_of(&door.change("rotate-url", Some(json!({}))));
    let fourth = path_of(&door.change("rotate-url", Some(json!({ "overlap_s": 0 }))));
    assert_eq!([&second, &third, &fourth].map(|path| by(&mut door, path)), [404, 404, 200]);
    assert_eq!(door.change("rotate-url", Some(json!({ "overlap_s": 2_592_001 }))).refusal().2, ["overlap_s"]);
    let last = &tenant.get("/api/v1/audit?limit=1").json["data"][0];
    assert_eq!(last["action"], "source.url_rotated");
    let audit = tenant.get("/api/v1/audit").text;
    let tokens = [&first, &second, &third, &fourth].map(|path| path.trim_start_matches("/in/"));
    assert!(tokens.iter().all(|token| !audit.contains(token)));
    let publisher = tenant.make("/api/v1/sources", json!({ "name": "p", "kind": "publish" }));
    let refused = tenant.post(&format!("/api/v1/sources/{publisher}/rotate-url"), json!({}));
    assert_eq!(refused.refusal().0, 422, "{refused:?}");
}

/// With `secret`, over `{"n":1}`.
const BY_GITHUB: &str = "sha256=6fa5be2f70320000ff34068147f41771bb3988b55befa85ad18278ed662c9096";

fn by_github(door: &Door<'_>, delivery: &str) -> Answer {
    let headers = [("x-hub-signature-256", BY_GITHUB), ("x-github-delivery", delivery), ("x-github-event", "push")];
    door.send("POST", &headers, r#"{"n":1}"#)
}

#[test]
fn a_body_that_comes_again_under_an_unsigned_id_is_flagged() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(&tenant, json!({ "provider": "github", "secrets": ["secret"] }));
    let first = by_github(&door, "one");
    assert_eq!((first.status, &first.json["duplicate"]), (200, &json!(false)), "{first:?}");
    assert_eq!(by_github(&door, "one").json["duplicate"], true, "a retry is a duplicate as ever");
    let second = by_github(&door, "two");
    assert_eq!((second.status, &second.json["duplicate"]), (200, &json!(false)));
    let requests = door.requests(2);
    let flagged = &requests[0];
    assert_eq!((&flagged["outcome"], &flagged["cause"]), (&json!("flagged"), &json!("replayed_body")), "{flagged}");
    assert_eq!((&flagged["dedup_key"], &flagged["event_id"]), (&json!("two"), &first.json["id"]));
    assert!(flagged["expected"].as_str().is_some_and(|text| text.contains(second.json["id"].as_str().expect("an id"))));
    assert_eq!(requests[1]["cause"], "duplicate");
    assert_eq!(tenant.get("/api/v1/requests?outcome=flagged").json["data"].as_array().map(Vec::len), Some(1));
    assert_eq!(door.events(), 2);
    server.clock.advance_ms(604_801_000);
    assert_eq!(by_github(&door, "three").status, 200);
    assert_eq!(door.requests(2).len(), 2, "its window is over");
}

#[test]
fn a_source_may_refuse_or_allow_such_bodies() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let strict = Door::open(&tenant, json!({ "provider": "github", "secrets": ["secret"], "replay": "refuse" }));
    assert_eq!(by_github(&strict, "one").status, 200);
    assert_eq!(by_github(&strict, "one").json["duplicate"], true);
    let refused = by_github(&strict, "two");
    assert_eq!((refused.refusal().0, refused.refusal().1), (409, "already_exists"));
    assert_eq!(strict.requests(2)[0]["cause"], "replayed_body");
    assert_eq!(strict.events(), 1);
    let loose = Door::open(&tenant, json!({ "provider": "github", "secrets": ["secret"], "replay": "allow" }));
    assert_eq!((by_github(&loose, "one").status, by_github(&loose, "two").status), (200, 200));
    assert_eq!(by_github(&loose, "two").json["duplicate"], true);
    assert_eq!(loose.requests(1).len(), 1, "only the duplicate");
}

#[test]
fn of_two_replays_at_the_same_moment_one_is_refused() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(&tenant, json!({ "provider": "github", "secrets": ["secret"], "replay": "refuse" }));
    let mut statuses = std::thread::scope(|scope| {
        let door = &door;
        let senders = ["one", "two"].map(|id| scope.spawn(move || by_github(door, id).status));
        senders.map(|sender| sender.join().expect("an answer"))
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    assert_eq!(door.events(), 1);
    assert_eq!(door.requests(1)[0]["cause"], "replayed_body");
}

#[test]
fn the_same_id_with_another_body_says_so() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(&tenant, json!({ "scheme": "none", "config": { "id_header": "x-id" } }));
    assert_eq!(door.send("POST", &[("x-id", "one")], "{}").json["duplicate"], false);
    assert_eq!(door.send("POST", &[("x-id", "one")], "[]").json["duplicate"], true);
    assert_eq!(door.requests(1)[0]["cause"], "duplicate_with_other_body");
}

#[test]
fn whoever_looks_whether_somebody_is_there_is_no_event() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(&tenant, json!({ "scheme": "none" }));
    assert_eq!(door.send("HEAD", &[], "").status, 200);
    let options = door.send("OPTIONS", &[], "");
    assert_eq!((options.status, options.header("allow")), (204, Some("POST, PUT, PATCH, HEAD, OPTIONS")));
    assert_eq!(door.send("GET", &[], "").refusal().0, 405);
    assert_eq!(door.events(), 0);
    assert_eq!(door.requests(1).len(), 1, "the GET alone");
}

#[test]
fn the_addresses_that_a_provider_publishes_may_be_the_only_ones() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let source =
        json!({ "provider": "telegram", "secrets": ["a-secret_token"], "allowed_ips": ["provider", "192.0.2.7"] });
    let door = Door::open(&tenant, source);
    let from = |address: &str| {
        let headers = [("x-telegram-bot-api-secret-token", "a-secret_token"), ("x-forwarded-for", address), JSON];
        door.send("POST", &headers, &format!(r#"{{"update_id":{}}}"#, address.len()))
    };
    let answer = from("149.154.167.220");
    assert_eq!(
        (answer.status, answer.text.as_str()),
        (200, ""),
        "what Telegram would read as a command is not answered"
    );
    assert_eq!(from("192.0.2.7").status, 200);
    assert_eq!(from("198.51.100.44").refusal().0, 403);
    let shown = tenant.get(&format!("/api/v1/sources/{}", door.id));
    assert_eq!(shown.json["allowed_ips"], json!(["provider", "192.0.2.7/32"]));
}

#[test]
fn a_key_that_cannot_be_had_is_no_reason_to_give_up() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let door = Door::open(&tenant, json!({ "provider": "paypal", "config": { "webhook_id": "1JE4291016473214C" } }));
    let from = |place: &str| {
        let headers = [
            ("paypal-transmission-id", "one"),
            ("paypal-transmission-time", "2026-03-01T10:00:00Z"),
            ("paypal-transmission-sig", "c2lnbmF0dXJl"),
            ("paypal-cert-url", place),
            ("paypal-auth-algo", "SHA256withRSA"),
            JSON,
        ];
        door.send("POST", &headers, r#"{"id":"WH-1"}"#)
    };
    // Nobody answers to names here.
    let later = from("https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-a5cafa77");
    assert_eq!((later.refusal().0, later.header("retry-after")), (503, Some("2")), "{later:?}");
    assert_eq!(door.requests(1)[0]["cause"], "key_unreachable");
    for elsewhere in
        ["https://api.paypal.com.evil.example/certs/1", "http://api.paypal.com/certs/1", "https://127.0.0.1/"]
    {
        assert_eq!(from(elsewhere).refusal().0, 401, "{elsewhere}");
    }
    assert_eq!(door.events(), 0);
}
