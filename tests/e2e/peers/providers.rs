//! The front door takes what a provider's own package takes, and nothing else.

use serde_json::{Value, json};

use super::{
    Language,
    sdks::{self, Sdk},
    tampering::{Request, Signed},
};
use crate::harness::{Api, Database, Server, on_every_database, sign, text};

/// Where the provider was told to send, unless that is signed.
const ELSEWHERE: &str = "https://hooks.example.com/in/peer";

on_every_database! {
    async fn what_providers_sign_is_accepted_and_tampered_is_refused(database: Database) {
        let server = Server::start(database).await;
        let api = server.bootstrap().await;
        for language in [Language::Node, Language::Python] {
            let sdks: Vec<Sdk> = sdks::all().into_iter().filter(|sdk| sdk.language == language).collect();
            let cases = signed(language, sdks).await;
            agreed_by_the_packages(language, &cases).await;
            for case in &cases {
                agreed_by_the_front_door(&api, case).await;
            }
        }
    }
}

/// A package, what it signed, and what is wrong with the others.
struct Case {
    sdk: Sdk,
    signed: Signed,
    wrong: Vec<(String, Request)>,
}

/// One process signs everything, since starting one is what takes long.
async fn signed(language: Language, sdks: Vec<Sdk>) -> Vec<Case> {
    let questions = sdks.iter().flat_map(|sdk| {
        [(&sdk.secret, "peer_signed"), (&sdk.other_secret, "peer_forged")].map(|(secret, id)| {
            let at_ms = (sign::now_s() + sdk.ahead_s) * 1000;
            let url = sdk.public_url().unwrap_or(ELSEWHERE);
            json!({
                "ask": "sign", "sdk": sdk.name, "secret": secret, "url": url, "body": sdk.body, "id": id, "at_ms": at_ms,
            })
        })
    });
    let answers = language.ask(questions.collect()).await;
    let answers = answers.as_array().expect("a list").chunks_exact(2);
    let cases = sdks.into_iter().zip(answers).map(|(sdk, answers)| {
        let (signed, forged) = (Signed::read(&sdk, &answers[0]), Signed::read(&sdk, &answers[1]));
        let mut wrong = signed.tampered(&sdk);
        wrong.push(("signed with another secret".to_owned(), forged.request));
        Case { sdk, signed, wrong }
    });
    cases.collect()
}

/// Otherwise the test would compare Postern with itself.
async fn agreed_by_the_packages(language: Language, cases: &[Case]) {
    let (mut questions, mut expected) = (Vec::new(), Vec::new());
    for case in cases {
        questions.push(question(case, &case.signed.request));
        expected.push((case.sdk.name, "as it was signed", true));
        for (change, request) in &case.wrong {
            questions.push(question(case, request));
            expected.push((case.sdk.name, change, false));
        }
    }
    let answers = language.ask(Value::Array(questions)).await;
    let answers = answers.as_array().expect("a list");
    assert_eq!(answers.len(), expected.len());
    for (answer, (name, change, is_good)) in answers.iter().zip(expected) {
        assert_eq!(answer["verified"], is_good, "the package of {name}, {change}: {answer}");
    }
}

fn question(case: &Case, request: &Request) -> Value {
    let url = case.sdk.public_url().unwrap_or(ELSEWHERE);
    let separator = if url.contains('?') { "&" } else { "?" };
    let url = if request.query.is_empty() { url.to_owned() } else { [url, separator, &request.query].concat() };
    let headers: serde_json::Map<String, Value> =
        request.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let key = case.signed.public_key.as_ref().unwrap_or(&case.sdk.secret);
    json!({ "ask": "verify", "sdk": case.sdk.name, "key": key, "url": url, "body": request.body, "headers": headers })
}

async fn agreed_by_the_front_door(api: &Api, case: &Case) {
    let name = case.sdk.name;
    let source = source(api, case).await;
    let front_door = format!("/in/{}", text(&source, "ingest_url").rsplit('/').next().expect("a token"));
    let post = async |request: &Request| {
        let path = [front_door.as_str(), &request.query].join("?");
        api.post_raw(path.trim_end_matches('?'), &request.headers, request.body.as_bytes()).await.expect("an answer")
    };
    for (change, request) in &case.wrong {
        let answer = post(request).await;
        assert_eq!(answer.status, 401, "{name}, {change}: {}", String::from_utf8_lossy(&answer.body));
    }
    for time in ["once", "again"] {
        let answer = post(&case.signed.request).await;
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        assert!((200..300).contains(&answer.status), "{name}, {time}: {} {body}", answer.status);
    }
    // The second one is known to be the first, and the others left nothing.
    let events = api.found(&format!("/events?source_id={}", text(&source, "id"))).await;
    assert_eq!(events["data"].as_array().map(Vec::len), Some(1), "{name}: {events}");
}

async fn source(api: &Api, case: &Case) -> Value {
    let mut fields = case.sdk.source.clone();
    fields["name"] = json!(case.sdk.name);
    fields["kind"] = json!("webhook");
    match &case.signed.public_key {
        Some(key) => fields["public_keys"] = json!([key]),
        None => fields["secrets"] = json!([case.sdk.secret]),
    }
    api.created("/sources", fields).await
}
