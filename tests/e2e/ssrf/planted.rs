//! What came into the database past the API is refused when it is delivered.

use serde_json::{Value, json};

use super::{canary::Canary, vectors};
use crate::harness::{Api, Database, Inspector, Receiver, Reply, Server, connect, on_every_database, poll_until, text};

on_every_database! {
    async fn a_redirect_is_on_record_and_not_followed(database: Database) {
        let server = Server::start(database).await;
        let (api, canary) = (server.bootstrap().await, Canary::start());
        let inside = format!("http://127.0.0.1:{}/", canary.port);
        let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
        let mut receivers = Vec::new();
        for status in [301, 302, 303, 307, 308] {
            let receiver = Receiver::start().await;
            receiver.reply(Reply::Full(status, vec![("location", inside.clone())], Vec::new()));
            let destination = json!({ "name": "moved", "url": receiver.url(), "retry": { "schedule_s": [] } });
            connect(&api, &source, &text(&api.created("/destinations", destination).await, "id")).await;
            receivers.push((status, receiver));
        }
        let event = publish(&api, &source).await;
        for (status, receiver) in receivers {
            let deliveries = event["deliveries"].as_array().expect("deliveries");
            let to = |delivery: &&Value| delivery["attempts"][0]["request"]["url"] == receiver.url();
            let delivery = deliveries.iter().find(to).expect("a delivery to each");
            let result = &delivery["attempts"][0]["result"];
            assert_eq!((&result["status"], &delivery["state"]), (&json!(status), &json!("dead")), "{delivery}");
            assert_eq!(result["headers"]["location"], inside, "{delivery}");
            assert_eq!(receiver.count(), 1, "{status}");
        }
        canary.assert_untouched();
    }
}

pub(super) async fn a_url_planted_in_the_database_is_blocked_at_delivery(server: &Server) {
    let (api, canary) = (server.tenant("planted").await, Canary::start());
    let refused: Vec<_> = vectors().into_iter().filter(|vector| vector.is_refused_as_written()).collect();
    let mut urls: Vec<String> = refused.iter().map(|vector| vector.url.to_owned()).collect();
    // The same where somebody listens; a few would be let through at a port that is not refused for itself.
    let watched = refused.iter().filter(|vector| !["deny:port", "deny:self"].contains(&vector.expected));
    urls.extend(watched.filter_map(|vector| vector.at_port(canary.port)));
    assert!(urls.len() > 190, "{}", urls.len());
    deliver_to(server, &api, &urls).await.iter().for_each(assert_blocked);
    canary.assert_untouched();
}

/// Plants each URL in a destination of its own and delivers to it; gives the deliveries, in the order of the URLs.
pub(super) async fn deliver_to(server: &Server, api: &Api, urls: &[String]) -> Vec<Value> {
    /// Destinations are made over again by planting, which is quicker.
    const AT_ONCE: usize = 40;
    let source = text(&api.created("/sources", json!({ "name": "ours", "kind": "publish" })).await, "id");
    for number in 0..AT_ONCE.min(urls.len()) {
        let destination = json!({
            "name": format!("target {number} of {source}"),
            "url": "https://example.com/",
            "timeout_ms": 2_000,
            "retry": { "schedule_s": [] },
        });
        connect(api, &source, &text(&api.created("/destinations", destination).await, "id")).await;
    }
    let inspector = server.inspect().await;
    let mut found = Vec::new();
    for urls in urls.chunks(AT_ONCE) {
        plant(&inspector, &source, urls).await;
        let event = publish(api, &source).await;
        let deliveries = event["deliveries"].as_array().expect("deliveries");
        for url in urls {
            let to = |delivery: &&Value| delivery["attempts"][0]["request"]["url"] == **url;
            found.push(deliveries.iter().find(to).unwrap_or_else(|| panic!("nothing was delivered to {url}")).clone());
        }
    }
    found
}

/// One event to all that is connected to the source.
pub(super) async fn publish(api: &Api, source: &str) -> Value {
    let event = api.created("/events", json!({ "type": "a.b", "data": { "n": 1 }, "source_id": source })).await;
    let path = format!("/events/{}", text(&event, "id"));
    poll_until(std::time::Duration::from_secs(40), "every delivery was tried", async || {
        let event = api.found(&path).await;
        let deliveries = event["deliveries"].as_array().expect("deliveries");
        deliveries
            .iter()
            .all(|delivery| ["dead", "delivered"].iter().any(|state| delivery["state"] == *state))
            .then_some(event)
    })
    .await
}

/// Writes past the API, and raises the version so that what was written is read.
async fn plant(inspector: &Inspector, source: &str, urls: &[String]) {
    for (number, url) in urls.iter().enumerate() {
        let url = url.replace('\'', "''");
        let sql = format!(
            "UPDATE destinations SET url = '{url}', version = (SELECT version + 1 FROM config_version) \
             WHERE name = 'target {number} of {source}'"
        );
        assert_eq!(inspector.execute(&sql).await, 1, "{sql}");
    }
    inspector.execute("UPDATE config_version SET version = version + 1").await;
}

/// Tried once, blocked before anything was dialled, and the record tells no address that the URL does not.
#[track_caller]
pub(super) fn assert_blocked(delivery: &Value) {
    let attempts = delivery["attempts"].as_array().expect("attempts");
    assert_eq!(attempts.len(), 1, "{delivery}");
    let result = &attempts[0]["result"];
    assert_eq!(result["kind"], "blocked", "{delivery}");
    assert!(result["status"].is_null() && attempts[0]["timings"]["connect_us"].is_null(), "{delivery}");
    let detail = result["detail"].as_str().expect("a text");
    assert!(!detail.chars().any(|letter| letter.is_ascii_digit()) || detail.starts_with("this port"), "{detail}");
}
