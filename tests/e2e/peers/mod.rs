//! The packages that providers and receivers really use agree with Postern: what they sign is accepted, what Postern
//! delivers they verify, and neither takes what was changed on the way. Scripts and versions are in `tests/peers`.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::harness::{Api, Arrival, Database, Receiver, Route, Server, on_every_database, poll_until, sign, text};

const TESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests");
const WHSEC: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
/// Not only ASCII: the bytes are signed, not the letters.
const BODY: &str = r#"{"id":"evt_peer","type":"invoice.paid","note":"Grüße, 世界 🎉","amount":1.10}"#;

on_every_database! {
    async fn what_providers_sign_is_accepted_and_tampered_is_refused(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        for (ask, provider, secret) in [
            ("stripe", "stripe", "whsec_peer_0123456789abcdef0123456789abcdef"),
            ("github", "github", "It's a Secret to Everybody"),
            ("standard", "standard-webhooks", WHSEC),
        ] {
            let front_door = source(&api, provider, secret).await;
            let question = json!({ "ask": ask, "secret": secret, "body": BODY, "id": "msg_peer" });
            let forged = json!({ "ask": ask, "secret": WHSEC.replace('M', "N"), "body": BODY, "id": "msg_forged" });
            let signed = ask_node(json!([question, forged])).await;
            let (headers, forged) = (headers(&signed[0]), headers(&signed[1]));
            accepts_only_what_was_signed(&api, &front_door, &headers, &forged).await;
        }
    }

    async fn what_is_delivered_is_verified_by_receivers_and_tampered_is_refused(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        let receiver = Receiver::start().await;
        let route = Route::to(&api, &receiver).await;
        let signature = sign::stripe(crate::harness::STRIPE_SECRET, sign::now_s(), BODY.as_bytes());
        let answer = api.post_raw(&route.front_door, &signature, BODY.as_bytes()).await.expect("an answer");
        let id = text(&answer.json(), "id");
        let arrival = poll_until(std::time::Duration::from_secs(15), "it is delivered", async || {
            receiver.of(&id).into_iter().next()
        })
        .await;
        assert_eq!(arrival.body, BODY.as_bytes());
        let questions = questions(&arrival, &route.signing_secret);
        for answers in [ask_node(questions.clone()).await, ask_python(questions).await] {
            let answers = answers.as_array().expect("a list");
            assert_eq!(answers[0], json!({ "verified": true }));
            assert_eq!(answers.len(), 7);
            for tampered in &answers[1..] {
                let cause = tampered["cause"].as_str().unwrap_or_default();
                assert!(cause.starts_with("WebhookVerificationError"), "{answers:?}");
            }
        }
    }
}

/// Makes a webhook source; gives the path of its front door.
async fn source(api: &Api, provider: &str, secret: &str) -> String {
    let fields = json!({ "name": provider, "kind": "webhook", "provider": provider, "secrets": [secret] });
    let url = text(&api.created("/sources", fields).await, "ingest_url");
    format!("/in/{}", url.rsplit('/').next().expect("a token"))
}

async fn accepts_only_what_was_signed(api: &Api, front_door: &str, signed: &sign::Headers, forged: &sign::Headers) {
    let post = async |headers: &sign::Headers, body: &str| {
        let answer = api.post_raw(front_door, headers, body.as_bytes()).await.expect("an answer");
        (answer.status, answer.json())
    };
    let changed_body = BODY.replace("1.10", "1.11");
    assert_eq!(post(signed, &changed_body).await.0, 401, "{front_door}: a changed body");
    assert_eq!(post(forged, BODY).await.0, 401, "{front_door}: signed with another secret");
    let is_signature = |name: &str| name.contains("signature");
    for at in 0..signed.len() {
        if is_signature(&signed[at].0) || signed[at].0 == "webhook-id" || signed[at].0 == "webhook-timestamp" {
            let mut changed = signed.clone();
            changed[at].1 = one_letter_changed(&changed[at].1);
            assert_eq!(post(&changed, BODY).await.0, 401, "{front_door}: {changed:?}");
            changed.remove(at);
            assert_eq!(post(&changed, BODY).await.0, 401, "{front_door}: without {}", signed[at].0);
        }
    }
    let (status, first) = post(signed, BODY).await;
    assert_eq!((status, &first["duplicate"]), (200, &json!(false)), "{front_door}: {first}");
    let (status, again) = post(signed, BODY).await;
    assert_eq!((status, &again["duplicate"], &again["id"]), (200, &json!(true), &first["id"]), "{front_door}");
}

/// The middle one, so that it is neither a version nor padding.
fn one_letter_changed(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == '1' { '2' } else { '1' };
    letters.into_iter().collect()
}

fn headers(answer: &Value) -> sign::Headers {
    let all = answer.as_object().expect("headers");
    all.iter().map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect()
}

/// The first is as it arrived; every other one differs in one thing.
fn questions(arrival: &Arrival, secret: &str) -> Value {
    let body = String::from_utf8(arrival.body.clone()).expect("UTF-8");
    let good = json!({ "ask": "verify", "secret": secret, "body": body, "headers": arrival.headers });
    let with = |name: &str, value: String| {
        let mut question = good.clone();
        question["headers"][name] = json!(value);
        question
    };
    let mut other_body = good.clone();
    other_body["body"] = json!(body.replace("1.10", "1.11"));
    let mut other_secret = good.clone();
    other_secret["secret"] = json!(WHSEC);
    let at_s: i64 = arrival.header("webhook-timestamp").parse().expect("a number");
    json!([
        good,
        other_body,
        other_secret,
        with("webhook-id", arrival.id().replace("evt_", "evt-")),
        with("webhook-timestamp", (at_s + 1).to_string()),
        with("webhook-timestamp", (at_s - 3_600).to_string()),
        with("webhook-signature", one_letter_changed(arrival.header("webhook-signature"))),
    ])
}

async fn ask_node(questions: Value) -> Value {
    let scripts = Path::new(TESTS).join("peers");
    present(&scripts.join("node_modules/standardwebhooks"));
    ask("node".into(), scripts.join("peers.mjs"), questions).await
}

async fn ask_python(questions: Value) -> Value {
    let venv = Path::new(TESTS).join(".cache/venv");
    present(&venv.join("installed.txt"));
    ask(venv.join("bin/python"), Path::new(TESTS).join("peers/peers.py"), questions).await
}

fn present(path: &Path) {
    assert!(path.exists(), "{} is missing: run `deploy/dev/setup.sh test`", path.display());
}

/// Questions and answers are JSON lists, by standard input and output.
async fn ask(program: PathBuf, script: PathBuf, questions: Value) -> Value {
    let work = move || {
        let mut command = Command::new(&program);
        let child = command.arg(&script).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child =
            child.unwrap_or_else(|cause| panic!("{}: {cause}: run `deploy/dev/setup.sh test`", program.display()));
        let mut input = child.stdin.take().expect("piped");
        input.write_all(questions.to_string().as_bytes()).expect("it reads");
        drop(input);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}", script.display());
        serde_json::from_slice(&output.stdout).expect("JSON")
    };
    tokio::task::spawn_blocking(work).await.expect("no panic")
}
