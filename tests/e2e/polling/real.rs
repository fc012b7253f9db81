//! Servers that people run, as upstreams: json-server pages by the Link header and tags its pages; datasette has its
//! next link in the body and pages by key.

use sea_orm::sqlx::{
    AssertSqlSafe, SqlitePool, query,
    sqlite::{SqliteConnectOptions, SqlitePoolOptions},
};
use serde_json::{Value, json};

use super::{
    program::{OwnFile, Program},
    stand::{Polled, options, settings},
};
use crate::harness::{Database, Server, on_every_database};

fn orders(ids: std::ops::RangeInclusive<u32>) -> Vec<Value> {
    ids.map(|id| json!({ "id": id, "updated_at": format!("2026-03-01T00:{:02}:00Z", id / 4), "total": 1.5 })).collect()
}

async fn ids(source: &Polled) -> Vec<u32> {
    let mut ids: Vec<u32> = source.records("id").await.iter().map(|id| id.parse().expect("a number")).collect();
    ids.sort_unstable();
    ids
}

async fn fill(pool: &SqlitePool, ids: std::ops::RangeInclusive<u32>) {
    let rows: Vec<String> = ids.map(|id| format!("({id}, {id}.5, 'order {id}')")).collect();
    let sql = format!("INSERT INTO orders (id, total, note) VALUES {}", rows.join(", "));
    query(AssertSqlSafe(sql)).execute(pool).await.expect("rows");
}

on_every_database! {
    async fn json_server_is_read_by_its_links_and_tags(database: Database) {
        let server = Server::start_with(options(database)).await;
        let api = server.bootstrap().await;
        let upstream = Program::json_server(&json!({ "orders": orders(1..=95) })).await;
        let poll = settings(&format!("{}/orders", upstream.base), json!({
            "request": {
                "query": { "_page": "1", "_sort": "updated_at,id", "updated_at_gte": "{{cursor|default:2026-01-01T00:00:00Z}}" },
            },
            "items": "$[*]",
            "paginate": { "kind": "link", "size_param": "_limit", "size": 10 },
            "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
        }));
        let source = Polled::create(&api, poll).await;
        source.run_well().await;
        assert_eq!(ids(&source).await, (1..=95).collect::<Vec<_>>());
        // From its cursor on there is one short page, and its tag stays the same.
        source.run_well().await;
        let run = source.run_well().await;
        assert!(run["not_modified"].as_u64() >= Some(1), "{run}");
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        for order in orders(96..=99) {
            let added = http.post(format!("{}/orders", upstream.base)).header("content-type", "application/json");
            let added = added.body(order.to_string()).send().await.expect("an answer");
            assert_eq!(added.status().as_u16(), 201);
        }
        source.run_well().await;
        assert_eq!(ids(&source).await, (1..=99).collect::<Vec<_>>());
    }

    async fn datasette_is_read_by_the_links_in_its_pages(database: Database) {
        let server = Server::start_with(options(database)).await;
        let api = server.bootstrap().await;
        let file = OwnFile::named("shop.db");
        let connect = SqliteConnectOptions::new().filename(&file.0).create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(1).connect_with(connect).await.expect("a file");
        query("CREATE TABLE orders (id INTEGER PRIMARY KEY, total REAL, note TEXT)").execute(&pool).await.expect("a table");
        fill(&pool, 1..=250).await;
        let upstream = Program::datasette(&file.0).await;
        let poll = settings(&format!("{}/shop/orders.json", upstream.base), json!({
            "request": { "query": { "_shape": "objects", "_size": "40", "id__gte": "{{cursor|default:0}}" } },
            "items": "$.rows",
            "paginate": { "kind": "body_link", "path": "$.next_url" },
            "cursor": { "mode": "integer", "value": "$.id", "order": "asc" },
        }));
        let source = Polled::create(&api, poll).await;
        source.run_well().await;
        assert_eq!(ids(&source).await, (1..=250).collect::<Vec<_>>());
        let pages: u64 = source.runs().await.iter().map(|run| run["pages"].as_u64().expect("a number")).sum();
        assert!(pages >= 7, "two hundred and fifty rows are seven pages of forty: {pages}");
        fill(&pool, 251..=300).await;
        source.run_well().await;
        assert_eq!(ids(&source).await, (1..=300).collect::<Vec<_>>());
        assert_eq!(source.cursor().await["cursor"], 300);
    }
}
