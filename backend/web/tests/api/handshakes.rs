//! Greetings at the front door: answered as their provider wants, no events, and secrets that are learned from them.

use serde_json::{Value, json};

use crate::harness::{Answer, Client, Server, request, until};

const SECRET: &str = "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81";
const BODY: &str = r#"{"events":[{"action":"changed"}]}"#;
/// Over the body, with the secret.
const SIGNATURE: &str = "5f67204555e6ed6fa32c912f3d6ae7aad9e9686b11fc7be044f7cafe67b63f53";

struct Asana<'a> {
    tenant: &'a Client<'a>,
    id: String,
    path: String,
}

impl<'a> Asana<'a> {
    fn new(tenant: &'a Client<'a>, secrets: &[&str]) -> Self {
        let source = json!({ "name": "a", "kind": "webhook", "provider": "asana", "secrets": secrets });
        let made = tenant.post("/api/v1/sources", source);
        assert_eq!(made.status, 201, "{made:?}");
        let url = made.json["ingest_url"].as_str().expect("a URL");
        let path = url.trim_start_matches("https://hooks.example.com").to_owned();
        Self { tenant, id: made.json["id"].as_str().expect("an id").to_owned(), path }
    }

    fn greet(&self, secret: &str) -> Answer {
        self.tenant.server.send(&request("POST", &self.path, &[("x-hook-secret", secret)], b""))
    }

    fn send(&self) -> Answer {
        let headers = [("x-hook-signature", SIGNATURE), ("content-type", "application/json")];
        self.tenant.server.send(&request("POST", &self.path, &headers, BODY.as_bytes()))
    }

    fn shown(&self) -> Value {
        self.tenant.get(&format!("/api/v1/sources/{}", self.id)).json
    }

    /// It is written soon after the answer.
    fn is_refused_on_record(&self, cause: &str) {
        let path = format!("/api/v1/requests?source_id={}", self.id);
        until("the refusal is on record", || self.tenant.get(&path).text.contains(cause));
    }
}

#[test]
fn a_secret_that_is_handed_over_is_that_of_the_source() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let asana = Asana::new(&tenant, &[]);
    assert_eq!(asana.shown()["handshake_until"], "2026-03-01T11:00:00.000000Z");
    assert_eq!(asana.send().status, 401, "nothing proves it yet");
    let answer = asana.greet(SECRET);
    assert_eq!((answer.status, answer.header("x-hook-secret"), &*answer.text), (200, Some(SECRET), ""), "{answer:?}");
    assert_eq!((&asana.shown()["secrets_count"], &asana.shown()["handshake_until"]), (&json!(1), &Value::Null));
    assert_eq!(asana.send().status, 200, "what it signs is taken in");
    assert_eq!(asana.greet(SECRET).status, 200, "an answer that was lost is given again");
    assert_eq!(asana.greet("0123456789abcdef0123456789abcdef").status, 401, "nobody else becomes the sender");
    asana.is_refused_on_record("missing_header");
    assert_eq!(asana.send().status, 200);
    let audit = tenant.get("/api/v1/audit");
    let learned = audit.json["data"].as_array().into_iter().flatten();
    let learned: Vec<&Value> = learned.filter(|entry| entry["action"] == "source.secret_learned").collect();
    assert_eq!((learned.len(), &learned[0]["target"]), (1, &json!(asana.id)));
    assert!(!audit.text.contains(SECRET) && !asana.shown().to_string().contains(SECRET));
    assert_eq!(tenant.get("/api/v1/events").json["data"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_secret_counts_only_while_it_is_awaited() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let asana = Asana::new(&tenant, &[]);
    server.clock.advance_ms(3_600_000);
    assert_eq!(asana.greet(SECRET).status, 401);
    asana.is_refused_on_record("handshake_not_awaited");
    assert_eq!(asana.shown()["secrets_count"], 0);
    let path = format!("/api/v1/sources/{}", asana.id);
    let awaited = tenant.call("POST", &format!("{path}/await-handshake"), None);
    assert_eq!((awaited.status, &awaited.json["handshake_until"]), (200, &json!("2026-03-01T12:00:00.000000Z")));
    let checked = json!({ "method": "POST", "headers": { "X-Hook-Secret": SECRET } });
    let checked = tenant.post(&format!("{path}/check"), checked);
    assert_eq!(
        (&checked.json["accepted"], &checked.json["answer"]["status"]),
        (&json!(true), &json!(200)),
        "{checked:?}"
    );
    assert_eq!(asana.shown()["secrets_count"], 0, "a check learns nothing");
    assert_eq!(asana.greet(SECRET).status, 200);
    let again = tenant.call("POST", &format!("{path}/await-handshake"), None);
    assert_eq!(again.refusal().2, ["secrets"]);
    assert_eq!(tenant.call("PATCH", &path, Some(json!({ "secrets": [] }))).status, 200);
    assert_eq!(asana.greet(SECRET).status, 401, "to take a secret away is not to ask for another");
    assert_eq!(tenant.call("POST", &format!("{path}/await-handshake"), None).status, 200);
    assert_eq!(asana.greet(SECRET).status, 200);
    let other = Asana::new(&tenant, &["0123456789abcdef0123456789abcdef"]);
    assert_eq!((other.shown()["handshake_until"].clone(), other.greet(SECRET).status), (Value::Null, 401));
    let stranger = format!("/api/v1/sources/{}/await-handshake", tenant.make_source());
    assert_eq!(tenant.call("POST", &stranger, None).refusal().2, ["provider"]);
}
