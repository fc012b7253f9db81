//! Cursors are good for the list, the filters and the tenant they came from, and limits have bounds.

use serde_json::{Value, json};

use super::stand::{Stand, one_after_the_other, webhook};
use crate::harness::{Api, Database, text};

const LISTS: [&str; 8] =
    ["sources", "destinations", "connections", "api-keys", "events", "deliveries", "requests", "audit"];

one_after_the_other! {
    async fn a_cursor_is_good_for_its_own_list_only(stand: Stand) {
        let other = stand.server.tenant("second").await;
        for name in ["one", "two", "three"] {
            webhook(&other, json!({ "scheme": "none", "name": name })).await;
            stand.post(&stand.front_door, &[], name.as_bytes()).await;
        }
        let events = format!("/events?limit=1&source_id={}", stand.source);
        let (sources, filtered) = (cursor(&stand.api, "/sources?limit=1").await, cursor(&stand.api, &events).await);
        let others = cursor(&other, "/sources?limit=1").await;
        // Asked for again, and with another limit, it goes on at the same place.
        let page = stand.api.found(&format!("/sources?limit=1&cursor={sources}")).await;
        assert_eq!(stand.api.found(&format!("/sources?limit=1&cursor={sources}")).await, page);
        assert_eq!(stand.api.found(&format!("/sources?limit=9&cursor={sources}")).await["data"][0], page["data"][0]);
        assert_eq!(stand.api.get(&format!("{events}&cursor={filtered}")).await.0, 200);
        for path in [
            format!("/sources?cursor={others}"),
            format!("/destinations?cursor={sources}"),
            format!("/events?cursor={sources}"),
            format!("/events?cursor={filtered}"),
            format!("/events?source_id={}&cursor={filtered}", stand.publisher),
            format!("{events}&type=a.b&cursor={filtered}"),
            format!("/requests?source_id={}&cursor={filtered}", stand.source),
        ] {
            assert_invalid_cursor(&stand.api, &path).await;
        }
        assert_invalid_cursor(&other, &format!("/sources?cursor={sources}")).await;
    }

    async fn a_cursor_of_one_bin_is_not_good_for_another(stand: Stand) {
        let mut bins = Vec::new();
        for name in ["one", "two"] {
            let bin = text(&stand.api.created("/destinations", json!({ "name": name, "kind": "bin" })).await, "id");
            crate::harness::connect(&stand.api, &stand.source, &bin).await;
            bins.push(bin);
        }
        for body in ["one", "two"] {
            let answer = stand.post(&stand.front_door, &[], body.as_bytes()).await;
            let path = format!("/events/{}", text(&answer.json(), "id"));
            crate::harness::poll_until(std::time::Duration::from_secs(15), "both bins have it", async || {
                (stand.api.found(&path).await["outcome"] == "delivered").then_some(())
            })
            .await;
        }
        let mine = cursor(&stand.api, &format!("/destinations/{}/requests?limit=1", bins[0])).await;
        assert_eq!(stand.api.get(&format!("/destinations/{}/requests?cursor={mine}", bins[0])).await.0, 200);
        assert_invalid_cursor(&stand.api, &format!("/destinations/{}/requests?cursor={mine}", bins[1])).await;
    }

    async fn a_cursor_that_was_changed_is_no_cursor(stand: Stand) {
        let good = cursor(&stand.api, "/sources?limit=1").await;
        let mut changed: Vec<String> = (0..good.len()).map(|at| with_another_letter(&good, at)).collect();
        changed.extend((0..good.len()).map(|length| good[..length].to_owned()));
        let long = "A".repeat(4_000);
        changed.extend([format!("{good}A"), format!("{good}="), format!("{good}{good}"), long]);
        changed.extend(["1", "null", "..", "eyJpZCI6MX0", "%F0%9F%8E%89", "%27%20OR%201=1"].map(str::to_owned));
        for cursor in changed {
            assert_invalid_cursor(&stand.api, &format!("/sources?cursor={cursor}")).await;
        }
        for list in LISTS {
            assert_invalid_cursor(&stand.api, &format!("/{list}?cursor=x")).await;
            assert_invalid_cursor(&stand.api, &format!("/{list}?cursor=")).await;
        }
    }

    async fn a_limit_has_bounds_and_a_query_has_known_parameters(stand: Stand) {
        for list in LISTS {
            for limit in ["0", "-1", "251", "1e9", "1000000000", "99999999999999999999", "1.5", "", "all", "0x10", "%201", "NaN"] {
                let (status, answer) = stand.api.get(&format!("/{list}?limit={limit}")).await;
                assert_refused(status, &answer, "limit", &format!("{list} limit={limit}"));
            }
            for limit in ["1", "250"] {
                assert_eq!(stand.api.get(&format!("/{list}?limit={limit}")).await.0, 200, "{list} limit={limit}");
            }
            for (query, field) in [("limit=1&limit=2", "limit"), ("limt=1", "limt"), ("tenant_id=1", "tenant_id")] {
                let (status, answer) = stand.api.get(&format!("/{list}?{query}")).await;
                assert_refused(status, &answer, field, &format!("{list} {query}"));
            }
            let many: String = (0..10_000).map(|n| format!("p{n}=1&")).collect();
            let (status, answer) = stand.api.get(&format!("/{list}?{}", &many[..60_000])).await;
            assert_eq!((status, &answer["code"]), (400, &json!("invalid_query")), "{list}: {answer}");
        }
        for (query, field) in [
            ("events?outcome=nonsense", "outcome"),
            ("events?from=yesterday", "from"),
            ("events?to=2026-13-01T00:00:00Z", "to"),
            ("events?type=a*b", "type"),
            ("deliveries?state=nonsense", "state"),
            ("requests?outcome=accepted", "outcome"),
            ("audit?from=1", "from"),
        ] {
            let (status, answer) = stand.api.get(&format!("/{query}")).await;
            assert_refused(status, &answer, field, query);
        }
    }
}

#[track_caller]
fn assert_refused(status: u16, answer: &Value, field: &str, what: &str) {
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_query")), "{what}: {answer}");
    assert_eq!(answer["errors"][0]["field"], field, "{what}: {answer}");
}

async fn cursor(api: &Api, path: &str) -> String {
    text(&api.found(path).await, "next_cursor")
}

async fn assert_invalid_cursor(api: &Api, path: &str) {
    let (status, answer) = api.get(path).await;
    assert_eq!((status, &answer["code"]), (400, &json!("invalid_cursor")), "{path}: {answer}");
}

fn with_another_letter(text: &str, at: usize) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    letters[at] = if letters[at] == 'A' { 'B' } else { 'A' };
    letters.into_iter().collect()
}
