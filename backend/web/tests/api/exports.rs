//! What is taken away: by key and by page alike, on record, in pieces, and never a part that passes for the whole.

use std::net::TcpStream;

use serde_json::{Value, json};

use crate::{
    browser::{Browser, PASSWORD, person},
    harness::{Answer, Client, Server, request, until},
};

/// An event with a dead delivery and its one attempt, and a delivered one: to the tenant's one destination.
fn make_attempts(client: &Client<'_>) {
    let (source, destination) = (client.make_source(), client.make_bin());
    client.make("/api/v1/connections", json!({ "source_id": source, "destination_id": destination }));
    let rows = "FROM connections c JOIN tenants t ON t.id = c.tenant_id WHERE t.name = 'acme'";
    for (last, state, url) in [("1", "dead", "=cmd()"), ("2", "delivered", "https://a.example/x")] {
        // Made a second before the attempt began.
        let id = |kind: &str| format!("x'019ca8d72918700080000000000000{kind}{last}'");
        let (event, delivery, attempt) = (id("1"), id("2"), id("3"));
        client.server.sql(&format!(
            "INSERT INTO events (id, tenant_id, source_id, type, headers, remote, received_at, body_bytes, body_sha256, \
             filtered) SELECT {event}, c.tenant_id, c.source_id, 'payment.received', '{{}}', '', 1, 2, x'00', 0 {rows}; \
             INSERT INTO deliveries (id, tenant_id, event_id, source_id, connection_id, destination_id, state, retries, \
             attempts, body_bytes, finished_at) SELECT {delivery}, c.tenant_id, {event}, c.source_id, c.id, \
             c.destination_id, '{state}', 0, 1, 2, 1 {rows}; \
             INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, \
             started_at, duration_us, dns_us, method, url, request_headers, kind, status, response_bytes, truncated, \
             detail) SELECT {attempt}, c.tenant_id, {delivery}, c.destination_id, 1, 'engine', '', \
             1772359200123456, 1499, 7, 'POST', '{url}', '{{\"secret\":\"hush\"}}', 'answered', 500, 0, false, \
             ' +not \"ok\"' {rows}"
        ));
    }
}

/// As many attempts, each a kilobyte long.
fn fill(server: &Server, tenant: &str, count: usize) {
    server.sql(&format!(
        "INSERT INTO attempts (id, tenant_id, delivery_id, destination_id, number, actor_kind, actor_id, started_at, \
         duration_us, method, url, request_headers, kind, response_bytes, truncated) \
         WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < {count}) \
         SELECT unhex(printf('%012x70008%015x', 1772359200000 + n, n)), t.id, randomblob(16), randomblob(16), n, \
         'engine', '', 1772359200000000 + n * 1000, 1, 'POST', hex(zeroblob(512)), '{{}}', 'dns', 0, false \
         FROM numbers CROSS JOIN tenants t WHERE t.name = '{tenant}'"
    ));
}

fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).expect("an object on each line")).collect()
}

/// A request for an export that is not read.
fn begin(client: &Client<'_>, path: &str) -> TcpStream {
    let authorization = format!("Bearer {}", client.key);
    client.server.begin(&request("GET", path, &[("authorization", &authorization)], b""))
}

#[test]
fn attempts_are_written_out_with_the_same_names_in_both_formats() {
    let server = Server::new();
    let client = server.tenant("acme");
    make_attempts(&client);
    let jsonl = client.get("/api/v1/attempts/export?format=jsonl");
    assert_eq!((jsonl.status, jsonl.header("content-type")), (200, Some("application/jsonl")));
    let rows = lines(&jsonl);
    assert_eq!(rows.len(), 2);
    for (name, value) in [
        ("started_at", json!("2026-03-01T10:00:00.123456Z")),
        ("delivery_state", json!("dead")),
        ("number", json!(1)),
        ("event_type", json!("payment.received")),
        ("destination_name", json!("d")),
        ("actor_kind", json!("engine")),
        ("actor_id", Value::Null),
        ("url", json!("=cmd()")),
        ("result", json!("answered")),
        ("status", json!(500)),
        ("duration_ms", json!(1)),
        ("dns_us", json!(7)),
        ("total_us", json!(1499)),
    ] {
        assert_eq!(rows[0][name], value, "{name}");
    }
    let csv = client.get("/api/v1/attempts/export?format=csv");
    assert_eq!((csv.status, csv.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert_eq!(csv.header("content-disposition"), Some("attachment; filename=\"postern-attempts-2026-03-01.csv\""));
    let mut text = csv.text.split("\r\n");
    let columns: Vec<&str> = text.next().expect("a line of names").split(',').collect();
    // `json` sorts the names of an object; the line has them in their order.
    let order = columns.iter().map(|name| jsonl.text.find(&format!("\"{name}\":")).expect("a field"));
    assert!(order.is_sorted() && columns.len() == rows[0].as_object().expect("an object").len(), "{columns:?}");
    let row = text.next().expect("a row");
    for part in [",\"'=cmd()\",", ",\"' +not \"\"ok\"\"\",1,7,,,1499,", ",\"dead\",1,"] {
        assert!(row.contains(part), "{part} in {row}");
    }
    assert!(csv.whole && csv.text.ends_with("\r\n") && !csv.text.contains("hush"), "{}", csv.text);
}

#[test]
fn an_export_by_key_is_filtered_and_on_record() {
    let server = Server::new();
    let client = server.tenant("acme");
    make_attempts(&client);
    let count = |filter: &str| lines(&client.get(&format!("/api/v1/attempts/export?{filter}"))).len();
    assert_eq!((count(""), count("state=dead"), count("state=pending")), (2, 1, 0));
    assert_eq!(count("from=2026-03-01T10:00:00.123456Z"), 2);
    assert_eq!((count("from=2026-03-01T10:00:00.123457Z"), count("to=2026-03-01T10:00:00.123456Z")), (0, 0));
    let connection = client.get("/api/v1/connections").json["data"][0]["id"].as_str().expect("an id").to_owned();
    assert_eq!(count(&format!("connection_id={connection}")), 2);
    let unknown = client.get("/api/v1/attempts/export?connection_id=con_00000000000000000000000000");
    assert_eq!(unknown.refusal(), (404, "not_found", vec!["connection_id"]));
    for (query, field) in
        [("format=xml", "format"), ("state=lost", "state"), ("from=noon", "from"), ("limit=5", "limit")]
    {
        let refused = client.get(&format!("/api/v1/attempts/export?{query}"));
        assert_eq!(refused.refusal(), (400, "invalid_query", vec![field]));
    }
    let reader = client.weaker(&["deliveries:read"]);
    assert_eq!(reader.get("/api/v1/attempts/export?format=csv&state=dead").status, 200);
    let record = client.get("/api/v1/audit?action=attempt.exported&limit=1").json["data"][0].clone();
    assert_eq!(record["data"], json!({ "format": "csv", "filter": { "state": "dead" } }));
    let keys = client.get("/api/v1/api-keys").json;
    let weaker =
        keys["data"].as_array().and_then(|keys| keys.iter().find(|key| key["name"] == "weaker")).expect("a key");
    assert_eq!((&record["actor"]["kind"], &record["actor"]["id"]), (&json!("api_key"), &weaker["id"]));
    let refused = client.get("/api/v1/audit?action=attempt.exported").json["data"].as_array().map(Vec::len);
    assert_eq!(refused, Some(8), "what was refused was not taken away");
}

#[test]
fn a_page_and_a_key_take_away_the_same() {
    let server = Server::new();
    let client = server.tenant("acme");
    make_attempts(&client);
    person(&client, "vic@example.com", "viewer");
    let mut browser = Browser::new(&server);
    browser.log_in("vic@example.com", PASSWORD);
    let tenant = browser.tenant();
    for format in ["csv", "jsonl"] {
        let filter = format!("action=destination.created&format={format}");
        let (page, key) = (
            browser.get(&format!("{tenant}/audit/export?{filter}")),
            client.get(&format!("/api/v1/audit/export?{filter}")),
        );
        assert_eq!((page.status, key.status, page.whole && key.whole), (200, 200, true));
        assert!(page.text == key.text && page.text.contains("destination.created"), "{} {}", page.text, key.text);
        for name in ["content-type", "content-disposition", "content-security-policy", "cache-control"] {
            assert_eq!(page.header(name), key.header(name));
        }
    }
    let shown = browser.get(&format!("{tenant}/deliveries?state=dead")).text;
    let export = format!("{tenant}/deliveries/export?state=dead&format=jsonl");
    assert!(shown.contains(&export.replace('&', "&#38;")) || shown.contains(&export.replace('&', "&amp;")), "{shown}");
    let page = browser.get(&export);
    assert_eq!(page.text, client.get("/api/v1/attempts/export?state=dead").text);
    assert_eq!((page.status, lines(&page).len()), (200, 1));
    // The page's times are those at which the deliveries were made, a second before the attempts began.
    let since = |browser: &mut Browser<'_>, from: &str| {
        lines(&browser.get(&format!("{tenant}/deliveries/export?format=jsonl&from={from}"))).len()
    };
    assert_eq!((since(&mut browser, "2026-03-01T09:59:59"), since(&mut browser, "2026-03-01T10:00:00")), (2, 0));
    assert_eq!(browser.get(&format!("{tenant}/deliveries/export?state=lost")).status, 400);
    assert!(browser.get(&format!("{tenant}/audit?actor=vic@example.com")).text.contains("attempt.exported"));
}

#[test]
fn readers_that_stall_hold_nothing_and_make_way() {
    const ROWS: usize = 24_000;
    const PATH: &str = "/api/v1/attempts/export?format=jsonl";
    let server = Server::new();
    let (client, other) = (server.tenant("acme"), server.tenant("other"));
    person(&client, "vic@example.com", "viewer");
    let mut browser = Browser::new(&server);
    browser.log_in("vic@example.com", PASSWORD);
    let page = format!("{}/deliveries/export?format=csv", browser.tenant());
    fill(&server, "acme", ROWS);
    let first = begin(&client, PATH);
    until("the first is on record", || recorded(&client) == 1);
    let second = begin(&client, PATH);
    until("the second is on record", || recorded(&client) == 2);
    until("no connection is in use", || server.connections_in_use() == 0);
    client.make_bin();

    let refused = client.get(PATH);
    assert_eq!((refused.refusal().1, refused.header("retry-after")), ("rate_limited", Some("30")));
    let refused = browser.get(&page);
    assert_eq!((refused.status, refused.header("retry-after")), (429, Some("30")));
    assert!(refused.header("content-type").is_some_and(|kind| kind.starts_with("text/html")));
    assert_eq!(other.get(PATH).status, 200, "another tenant is not in the way");

    server.clock.advance_ms(120_000);
    let third = client.get(PATH);
    assert_eq!((third.status, third.whole, lines(&third).len()), (200, true, ROWS));
    let (first, second) = (Answer::read(first), Answer::read(second));
    assert!(!first.whole && second.whole, "the place of the first was given away");
    let numbers = lines(&second).into_iter().map(|row| row["number"].as_u64().expect("a number"));
    assert!(numbers.eq(0..ROWS as u64), "each once, in order");
    assert_eq!(client.get(PATH).status, 200, "places are free again");
}

fn recorded(client: &Client<'_>) -> usize {
    let entries = client.get("/api/v1/audit?action=attempt.exported").json;
    entries["data"].as_array().map_or(0, Vec::len)
}

#[test]
fn what_cannot_be_read_to_its_end_does_not_pass_for_the_whole() {
    let server = Server::new();
    let client = server.tenant("acme");
    fill(&server, "acme", 24_000);
    let begun = begin(&client, "/api/v1/attempts/export?format=csv");
    until("it is on record", || recorded(&client) == 1);
    until("its reader has stalled", || server.connections_in_use() == 0);
    server.lose_the_database();
    let answer = Answer::read(begun);
    assert_eq!((answer.status, answer.whole), (200, false));
    assert!(answer.text.starts_with("id,started_at,"), "{}", answer.text.get(..200).unwrap_or_default());
}

#[test]
fn who_goes_away_frees_the_place() {
    let server = Server::new();
    let client = server.tenant("acme");
    fill(&server, "acme", 24_000);
    let begun = [1, 2].map(|count| {
        let stream = begin(&client, "/api/v1/attempts/export");
        until("it is on record", || recorded(&client) == count);
        stream
    });
    assert_eq!(client.get("/api/v1/audit/export").status, 429);
    drop(begun);
    until("a place is free", || client.get("/api/v1/audit/export").status == 200);
}

#[test]
fn a_link_on_somebody_elses_page_starts_no_export() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "viewer");
    let mut browser = Browser::of(&server, "ada@example.com");
    let tenant = browser.tenant();
    let entries = || client.get("/api/v1/audit?action=audit.exported").json["data"].as_array().map_or(0, Vec::len);
    for (site, status, left) in
        [("cross-site", 403, 0), ("same-site", 403, 0), ("same-origin", 200, 1), ("none", 200, 2)]
    {
        let answer = browser.send("GET", &format!("{tenant}/audit/export?format=csv"), &[("sec-fetch-site", site)], "");
        assert_eq!((answer.status, entries()), (status, left), "{site}");
    }
    let path = format!("{tenant}/deliveries/export?format=csv");
    assert_eq!(browser.send("GET", &path, &[("sec-fetch-site", "cross-site")], "").status, 403);
}
