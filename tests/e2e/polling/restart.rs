//! Settings that make it another list: whoever changes them says whether the cursor stays, and otherwise it begins again.

use serde_json::{Value, json};

use super::{
    feed::{Feed, moment},
    stand::{Polled, Stand, merge},
    upstream::{Asked, Said},
};
use crate::harness::{Database, on_every_database};

const BEGINNING: &str = "2026-01-01T00:00:00Z";

/// The same records under two names, each with two ids and two cursors.
fn answer(records: &Feed, asked: &Asked) -> Said {
    let since = asked.param("since").unwrap_or_default();
    let mut rows = records.all();
    for row in &mut rows {
        row["uid"] = json!(format!("u{}", row["id"]));
    }
    rows.retain(|row| match since.parse::<u64>() {
        Ok(since) => row["id"].as_u64() >= Some(since),
        Err(_) => row["updated_at"].as_str() >= Some(since.as_str()),
    });
    Said::json(&json!({ "data": rows.clone(), "rows": rows }))
}

fn incremental() -> Value {
    json!({
        "request": { "query": { "since": format!("{{{{cursor|default:{BEGINNING}}}}}") } },
        "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
        "first_run": "skip_existing",
    })
}

/// Each makes it another list.
fn changes() -> [(&'static str, Value); 4] {
    let by_number = json!({
        "request": { "query": { "since": "{{cursor|default:0}}" } },
        "cursor": { "mode": "integer", "value": "$.id", "order": "asc", "lookback_s": null, "settle_s": null },
    });
    [
        ("url", json!({})),
        ("items", json!({ "items": "$.rows" })),
        ("id", json!({ "id": "$.uid" })),
        ("cursor", by_number),
    ]
}

/// A source for each change: all that was there is passed over, one record comes, and then it is changed. Gives each with
/// the first `since` that it asked with after that.
async fn changed(stand: &Stand, records: &Feed, restart: Option<&str>) -> Vec<(&'static str, Polled, String)> {
    let path = |name: &str| format!("/{name}-{}", restart.unwrap_or("unsaid"));
    let mut sources = Vec::new();
    for (name, change) in changes() {
        sources.push((name, change, stand.source(&path(name), incremental()).await));
    }
    for (name, _, source) in &sources {
        source.first_run().await;
        assert_eq!(source.cursor().await["cursor"], json!(moment(last(records))), "{name}");
    }
    records.grow(1);
    let mut found = Vec::new();
    for (name, change, source) in sources {
        let path = if name == "url" { "/another".to_owned() } else { path(name) };
        let mut settings = stand.settings(&path, incremental());
        merge(&mut settings, change);
        let before = stand.upstream.asked_for(&path).len();
        let mut body = json!({ "poll": settings });
        if let Some(restart) = restart {
            body["poll_restart"] = json!(restart);
        }
        let (status, answer) = source.api.patch(&format!("/sources/{}", source.id), body).await;
        assert_eq!(status, 200, "{answer}");
        source.run_well().await;
        let since = stand.upstream.asked_for(&path)[before].param("since").expect("since");
        found.push((name, source, since));
    }
    found
}

fn last(records: &Feed) -> u32 {
    u32::try_from(records.len()).expect("few")
}

on_every_database! {
    async fn who_keeps_the_cursor_misses_nothing(database: Database) {
        let records = Feed::of(10);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| answer(&feed, asked)).await;
        for (name, source, since) in changed(&stand, &records, Some("keep")).await {
            // A cursor that is no number does not fit one that is.
            assert_eq!(since, if name == "cursor" { "0".to_owned() } else { moment(10) }, "{name}");
            // By another id the record at the cursor, which is read once more, is another one.
            let expected: &[&str] = if name == "id" { &["10", "11"] } else { &["11"] };
            assert_eq!(source.records("id").await, expected, "{name}");
        }
    }

    async fn who_begins_again_emits_nothing_of_what_is_there(database: Database) {
        let records = Feed::of(10);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| answer(&feed, asked)).await;
        let found = changed(&stand, &records, None).await;
        for (name, source, since) in &found {
            assert_eq!(since, if *name == "cursor" { "0" } else { BEGINNING }, "{name}");
            assert_eq!(source.records("id").await, Vec::<String>::new(), "{name}: {:?}", source.runs().await);
        }
        records.grow(1);
        for (name, source, _) in found {
            source.run_well().await;
            assert_eq!(source.records("id").await, ["12"], "{name}");
        }
        // Also where the list stays the same, if somebody says so.
        let source = stand.source("/same", incremental()).await;
        source.first_run().await;
        let mut again = stand.settings("/same", incremental());
        again["request"]["headers"] = json!({ "user-agent": "another" });
        let body = json!({ "poll": again, "poll_restart": "again" });
        let (status, answer) = source.api.patch(&format!("/sources/{}", source.id), body).await;
        assert_eq!(status, 200, "{answer}");
        source.run_well().await;
        assert_eq!(stand.upstream.asked_for("/same")[1].param("since").as_deref(), Some(BEGINNING));
        assert_eq!(source.events().await.len(), 0);
    }

    async fn who_reads_other_records_forgets_those_before(database: Database) {
        let records = Feed::of(10);
        let feed = records.clone();
        let stand = Stand::new(database, move |asked| answer(&feed, asked)).await;
        let found = changed(&stand, &records, Some("fresh")).await;
        records.grow(1);
        for (name, source, _) in found {
            source.run_well().await;
            assert_eq!(source.records("id").await, ["12"], "{name}: a first run passes over what is there");
            let cursor = source.cursor().await;
            assert_eq!(cursor["epoch"], 1, "{name}");
            assert!(cursor["data"].to_string().contains("what was seen is forgotten"), "{name}: {cursor}");
        }
    }
}
