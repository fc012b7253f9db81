//! Pages and cursors.

use serde_json::Value;

use crate::harness::Server;

#[test]
fn pages_follow_each_other_without_gaps() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let made: Vec<String> = (0..7).map(|_| tenant.make_source()).collect();
    let mut seen = Vec::new();
    let mut path = "/api/v1/sources?limit=3".to_owned();
    let mut pages = 0;
    loop {
        let page = tenant.get(&path);
        assert_eq!(page.status, 200, "{page:?}");
        seen.extend(
            page.json["data"]
                .as_array()
                .expect("a list")
                .iter()
                .map(|row| row["id"].as_str().expect("an id").to_owned()),
        );
        pages += 1;
        let Some(cursor) = page.json["next_cursor"].as_str() else { break };
        path = format!("/api/v1/sources?limit=3&cursor={cursor}");
    }
    assert_eq!((pages, seen), (3, made));
    assert_eq!(tenant.get("/api/v1/sources?limit=7").json["next_cursor"], Value::Null, "a full last page is the last");
}

#[test]
fn the_audit_trail_comes_in_pages_too() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let _ = (tenant.make_source(), tenant.make_bin());
    let first = tenant.get("/api/v1/audit?limit=2");
    let cursor = first.json["next_cursor"].as_str().expect("more");
    let second = tenant.get(&format!("/api/v1/audit?limit=2&cursor={cursor}"));
    let seqs = |page: &Value| {
        page["data"].as_array().expect("a list").iter().map(|row| row["seq"].as_i64()).collect::<Vec<_>>()
    };
    assert_eq!([seqs(&first.json), seqs(&second.json)].concat(), [Some(5), Some(4), Some(3), Some(2)]);
    let entry = &first.json["data"][0];
    assert_eq!(
        (&entry["action"], &entry["actor"]["kind"], &entry["remote"]),
        (&"destination.created".into(), &"api_key".into(), &"127.0.0.1".into())
    );
    let moment = tenant.get("/api/v1/audit?from=2026-03-01T10:00:00%2B00:00&to=2026-03-01T10:00:00Z");
    assert_eq!((moment.status, moment.json["data"].as_array().map(Vec::len)), (200, Some(0)));
}

#[test]
fn a_cursor_works_for_its_own_list_only() {
    let server = Server::new();
    let (a, b) = (server.tenant("a"), server.tenant("b"));
    for tenant in [&a, &b] {
        let _ = (tenant.make_source(), tenant.make_source(), tenant.make_bin(), tenant.make_bin());
    }
    let cursor = a.get("/api/v1/sources?limit=1").json["next_cursor"].as_str().expect("more").to_owned();
    assert_eq!(a.get(&format!("/api/v1/sources?limit=1&cursor={cursor}")).status, 200);
    let filtered =
        a.get("/api/v1/audit?limit=1&action=source.created").json["next_cursor"].as_str().expect("more").to_owned();
    let swapped = format!("{}{}", &cursor[1..], &cursor[..1]);
    for (tenant, path) in [
        (&b, format!("/api/v1/sources?cursor={cursor}")),
        (&a, format!("/api/v1/destinations?cursor={cursor}")),
        (&a, format!("/api/v1/audit?cursor={filtered}")),
        (&a, format!("/api/v1/audit?action=x&cursor={filtered}")),
        (&a, format!("/api/v1/sources?cursor={swapped}")),
        (&a, "/api/v1/sources?cursor=".to_owned()),
        (&a, "/api/v1/sources?cursor=%00".to_owned()),
    ] {
        let answer = tenant.get(&path);
        assert_eq!(answer.refusal().0, 400, "{path}");
    }
}

#[test]
fn a_query_that_cannot_be_used_is_named() {
    let server = Server::new();
    let tenant = server.tenant("a");
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=251", "limit"),
        ("limit=x", "limit"),
        ("limit=-1", "limit"),
        ("limit=", "limit"),
        ("page=2", "page"),
        ("limit=1&limit=2", "limit"),
        ("LIMIT=1", "LIMIT"),
    ] {
        let answer = tenant.get(&format!("/api/v1/sources?{query}"));
        assert_eq!(answer.refusal(), (400, "invalid_query", vec![field]), "{query}");
    }
    assert_eq!(tenant.get("/api/v1/audit?from=yesterday").refusal().2, ["from"]);
    assert_eq!(tenant.get("/api/v1/sources?limit=250").status, 200);
}
