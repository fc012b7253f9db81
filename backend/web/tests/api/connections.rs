//! Connections: between two things of one tenant, once for each pair.

use serde_json::{Value, json};

use crate::harness::Server;

#[test]
fn a_pair_is_connected_once() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let (source, destination) = (tenant.make_source(), tenant.make_bin());
    let body = json!({ "source_id": source, "destination_id": destination, "event_types": ["payment.*", "x"] });
    let made = tenant.post("/api/v1/connections", body.clone());
    assert_eq!((made.status, &made.json["event_types"]), (201, &json!(["payment.*", "x"])));
    let again = tenant.post("/api/v1/connections", body.clone());
    assert_eq!(again.refusal().1, "already_exists");
    let id = made.json["id"].as_str().expect("an id");
    assert!(again.text.contains(id));
    assert_eq!(tenant.call("DELETE", &format!("/api/v1/connections/{id}"), None).status, 204);
    assert_eq!(tenant.post("/api/v1/connections", body).status, 201);
}

#[test]
fn an_id_that_is_not_ones_own_is_answered_like_one_that_nobody_has() {
    let server = Server::new();
    let (a, b) = (server.tenant("a"), server.tenant("b"));
    let (source, destination) = (a.make_source(), a.make_bin());
    let theirs = (b.make_source(), b.make_bin());
    let connect = |source: &str, destination: &str| {
        a.post("/api/v1/connections", json!({ "source_id": source, "destination_id": destination }))
    };
    let bodies = |mut answer: crate::harness::Answer| {
        answer.json.as_object_mut().expect("a problem").remove("trace_id");
        answer.json
    };
    let unknown: Value = bodies(connect("src_00000000000000000000000000", &destination));
    assert_eq!(unknown["code"], "not_found");
    assert_eq!(bodies(connect(&theirs.0, &destination)), unknown);
    assert_eq!(bodies(connect(&destination, &destination)), unknown);
    assert_eq!(bodies(connect("", &destination)), unknown);
    assert_eq!(connect(&source, &theirs.1).refusal(), (404, "not_found", vec!["destination_id"]));
    assert_eq!(connect(&source, &destination).status, 201);
}

#[test]
fn a_pattern_that_is_none_is_refused() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let id = tenant
        .make("/api/v1/connections", json!({ "source_id": tenant.make_source(), "destination_id": tenant.make_bin() }));
    let patch = |types: Value| {
        tenant.call("PATCH", &format!("/api/v1/connections/{id}"), Some(json!({ "event_types": types })))
    };
    assert_eq!(patch(json!(["a.*"])).json["event_types"], json!(["a.*"]));
    assert_eq!(patch(json!(["*.a"])).refusal(), (422, "invalid_fields", vec!["event_types"]));
    assert_eq!(patch(json!(vec!["a"; 101])).refusal().2, ["event_types"]);
    assert_eq!(patch(json!([1])).refusal().2, ["event_types[0]"]);
    assert_eq!(patch(json!([])).json["event_types"], json!([]));
}

#[test]
fn a_connection_says_in_which_form_it_hands_events_on() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let ends = || json!({ "source_id": tenant.make_source(), "destination_id": tenant.make_bin() });
    let made = tenant.post("/api/v1/connections", ends());
    assert_eq!((made.status, &made.json["payload"]), (201, &json!("raw")), "unless said otherwise");
    let mut asked = ends();
    asked["payload"] = json!("envelope");
    let made = tenant.post("/api/v1/connections", asked.clone());
    assert_eq!((made.status, &made.json["payload"]), (201, &json!("envelope")));
    let path = format!("/api/v1/connections/{}", made.json["id"].as_str().expect("an id"));
    let patch = |payload: Value| tenant.call("PATCH", &path, Some(json!({ "payload": payload })));
    assert_eq!(patch(json!("cloudevents")).json["payload"], "cloudevents");
    assert_eq!(tenant.call("PATCH", &path, Some(json!({}))).json["payload"], "cloudevents", "what is not said stays");
    assert_eq!(tenant.call("GET", &path, None).json["payload"], "cloudevents");
    for wrong in ["Raw", "xml", ""].map(Value::from) {
        assert_eq!(patch(wrong.clone()).refusal(), (422, "invalid_fields", vec!["payload"]), "{wrong}");
    }
    asked["payload"] = json!("xml");
    assert_eq!(tenant.post("/api/v1/connections", asked).refusal(), (422, "invalid_fields", vec!["payload"]));
    let audit = tenant.call("GET", "/api/v1/audit?action=connection.updated", None);
    let entry = &audit.json["data"][0]["data"];
    assert_eq!((&entry["before"]["payload"], &entry["after"]["payload"]), (&json!("envelope"), &json!("cloudevents")));
    assert_eq!(entry["changed"], json!(["payload"]));
}

#[test]
fn the_catalogue_is_there_to_be_read() {
    let server = Server::new();
    let tenant = server.tenant("a");
    let found = tenant.call("GET", "/api/v1/catalogue", None);
    assert_eq!(found.status, 200);
    let types = found.json["data"].as_array().expect("types");
    let received = types.iter().find(|common| common["type"] == "payment.received").expect("payment.received");
    assert_eq!(received["family"], "payment");
    assert_eq!(received["schema"]["required"], json!(["payment_id", "amount", "currency"]));
    assert!(received["example"]["amount"].is_i64());
    assert_eq!(found.json["envelope"]["title"], "envelope");
    assert_eq!(found.json["cloudevent"]["title"], "cloudevent");
}
