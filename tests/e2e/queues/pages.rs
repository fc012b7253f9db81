//! What a member sees of a queue.

use serde_json::json;

use super::stand::{Queue, Stand};
use crate::harness::{Browser, Database, connect, on_every_database, text};

/// The page as text.
async fn page(browser: &mut Browser, path: &str) -> String {
    let answer = browser.get(path).await;
    assert_eq!(answer.status, 200, "{path}");
    String::from_utf8_lossy(&answer.body).into_owned()
}

#[track_caller]
fn says(page: &str, words: &str) {
    assert!(page.contains(words), "`{words}` is not on the page");
}

on_every_database! {
    async fn a_queue_is_made_by_a_form_and_its_page_says_what_waits(database: Database) {
        let Stand { queue, server } = Stand::new(database, json!({})).await;
        let mut browser = Browser::logged_in(&server, "first@example.com").await;
        let home = browser.get("/").await;
        let tenant = home.header("location").expect("a way in").trim_end_matches('/').to_owned();
        let typed = "name=Night+jobs&kind=queue&url=&headers=&rate_limit.per_s=&rate_limit.burst=&concurrency=32\
                     &timeout_ms=15000&retry.schedule_s=5&retry.jitter_pct=10&queue.visibility_s=120\
                     &queue.max_receives=2&queue.max_in_flight=10&queue.retry_delay_s=0";
        let made = browser.post(&format!("{tenant}/destinations/new"), typed).await;
        let made = String::from_utf8_lossy(&made.body).into_owned();
        says(&made, "Night jobs");
        assert!(!made.contains("whsec_"), "nothing is sent, so nothing is signed");
        let listed = queue.api.found("/destinations").await;
        let listed = listed["data"].as_array().expect("a list");
        let jobs = listed.iter().find(|one| one["name"] == "Night jobs").expect("it was made");
        assert_eq!(jobs["queue"]["visibility_s"], 120);
        let never = typed.replace("max_receives=2", "max_receives=0");
        let wrong = browser.post(&format!("{tenant}/destinations/new"), &never).await;
        assert_eq!(wrong.status, 422);
        says(&String::from_utf8_lossy(&wrong.body), "must be 1 to 100");

        says(&page(&mut browser, &format!("{tenant}/destinations?q=queue")).await, "Night jobs");
        let jobs = Queue { id: text(jobs, "id"), ..queue.clone() };
        connect(&jobs.api, &jobs.source, &jobs.id).await;
        let first = jobs.publish(1).await;
        jobs.publish(2).await;
        let leased = jobs.lease_one(json!({})).await;
        let shown = page(&mut browser, &format!("{tenant}/destinations/{}", jobs.id)).await;
        for words in ["In the queue", "Oldest waits since", "curl -X POST", &format!("destinations/{}/lease", jobs.id)] {
            says(&shown, words);
        }
        assert!(shown.contains("$KEY") && !shown.contains(jobs.api.key()));
        says(&page(&mut browser, &format!("{tenant}/events/{first}")).await, "waits to be acknowledged or given back");

        let receipt = json!({ "receipt": leased["receipt"], "reason": "no room on the disk" });
        jobs.call("nack", receipt).await;
        let shown = page(&mut browser, &format!("{tenant}/events/{first}")).await;
        for words in ["Received from Night jobs, the first time", "given back: no room on the disk", "Waits in the queue to be leased", "1 of 2\u{202f}receives"] {
            says(&shown, words);
        }
        let last = jobs.lease(json!({ "max": 9 })).await;
        let last = last.iter().find(|one| one["event"]["id"] == first).expect("it was given back");
        assert_eq!(jobs.ack(&text(last, "receipt")).await, "acknowledged");
        says(&page(&mut browser, &format!("{tenant}/events/{first}")).await, "Received from Night jobs, time 2: acknowledged");

        let edited = "name=Day+jobs&queue.visibility_s=60&queue.max_receives=3&queue.max_in_flight=10&queue.retry_delay_s=5";
        assert_eq!(browser.post(&format!("{tenant}/destinations/{}/edit", jobs.id), edited).await.status, 303);
        let edited = jobs.api.found(&format!("/destinations/{}", jobs.id)).await;
        assert_eq!((&edited["name"], &edited["queue"]["retry_delay_s"]), (&json!("Day jobs"), &json!(5)));
    }
}
