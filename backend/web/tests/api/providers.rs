//! Providers: what the API tells of them, what a form asks for one, and how far a source can be trusted.

use serde_json::json;

use crate::{
    browser::{Browser, person},
    harness::{Client, Server, request},
};

#[test]
fn every_key_may_read_what_is_known_of_providers() {
    let server = Server::new();
    let owner = server.tenant("acme");
    let weak = owner.weaker(&["audit:read"]);
    let listed = weak.get("/api/v1/providers");
    assert_eq!(listed.status, 200, "{}", listed.text);
    let data = listed.json["data"].as_array().expect("a list");
    let stripe = data.iter().find(|provider| provider["id"] == "stripe").expect("Stripe");
    assert_eq!(weak.get("/api/v1/providers/stripe").json, *stripe);
    for provider in data {
        assert!(provider["name"].is_string() && provider["category"].is_string(), "{provider}");
        assert!(provider["trust_meaning"].as_str().is_some_and(|text| text.len() > 20), "{provider}");
        let schemes = provider["schemes"].as_array().expect("schemes");
        assert!(!schemes.is_empty() && schemes[0]["trust_level"] == provider["trust_level"], "{provider}");
    }
    assert_eq!(weak.get("/api/v1/providers/nobody").refusal().1, "not_found");
    assert_eq!(weak.get("/api/v1/providers?q=stripe").refusal().1, "invalid_query");
    let nobody = server.send(&request("GET", "/api/v1/providers", &[], b""));
    assert_eq!(nobody.refusal().1, "unauthenticated");
}

fn source(owner: &Client<'_>, fields: serde_json::Value) -> String {
    let mut body = json!({ "name": "s", "kind": "webhook" });
    body.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    owner.make("/api/v1/sources", body)
}

#[test]
fn the_trust_level_stands_wherever_a_source_is_shown() {
    let server = Server::new();
    let owner = server.tenant("acme");
    person(&owner, "ada@example.com", "admin");
    let token =
        json!({ "scheme": "token", "config": { "header": "x-token" }, "secrets": ["a-token-of-24-characters"] });
    let (token, open) = (source(&owner, token), source(&owner, json!({ "scheme": "none" })));
    let published = owner.make("/api/v1/sources", json!({ "name": "p", "kind": "publish" }));
    let mut browser = Browser::of(&server, "ada@example.com");
    let tenant = browser.tenant();
    for (id, level, said) in [
        (&token, json!("D"), "shows a shared secret and signs nothing"),
        (&open, json!("E"), "proves nothing"),
        (&published, json!(null), "an API key"),
    ] {
        assert_eq!(owner.get(&format!("/api/v1/sources/{id}")).json["trust_level"], level);
        let page = browser.get(&format!("{tenant}/sources/{id}")).text;
        assert!(page.contains(said), "{page}");
    }
    let listed = owner.get("/api/v1/sources").json;
    let levels: Vec<_> =
        listed["data"].as_array().expect("a list").iter().map(|row| row["trust_level"].clone()).collect();
    assert_eq!(levels, [json!("D"), json!("E"), json!(null)]);
    let list = browser.get(&format!("{tenant}/sources")).text;
    assert!(list.contains("trust D") && list.contains("trust E"), "{list}");
}

#[test]
fn a_provider_that_is_not_known_any_more_breaks_no_page() {
    let server = Server::new();
    let owner = server.tenant("acme");
    person(&owner, "ada@example.com", "admin");
    let id = source(&owner, json!({ "provider": "github", "secrets": ["It's a Secret to Everybody"] }));
    server.sql("UPDATE sources SET provider = 'of-old', scheme = 'of-old'");
    let mut browser = Browser::of(&server, "ada@example.com");
    let tenant = browser.tenant();
    for path in ["sources".to_owned(), format!("sources/{id}"), format!("sources/{id}/edit")] {
        let page = browser.get(&format!("{tenant}/{path}"));
        assert_eq!((page.status, page.text.contains("of-old")), (200, true), "{path}: {}", page.text);
    }
    let edit = format!("{tenant}/sources/{id}/edit");
    let refused = browser.fill(&edit, &edit, "name=renamed&allowed_ips=");
    assert_eq!((refused.status, refused.text.contains("There is a problem")), (422, true), "{}", refused.text);
    assert_eq!(owner.get(&format!("/api/v1/sources/{id}")).json["trust_level"], json!(null));
}

#[test]
fn a_search_finds_by_name_and_by_what_a_provider_is_for() {
    let server = Server::new();
    person(&server.tenant("acme"), "ada@example.com", "editor");
    let mut browser = Browser::of(&server, "ada@example.com");
    let page = format!("{}/sources/new", browser.tenant());
    let link = |id: &str| format!("{page}?provider={id}\"");
    let all = browser.get(&page).text;
    for id in ["stripe", "github", "standard-webhooks", "hmac", "none", "publish"] {
        assert!(all.contains(&link(id)), "{id}");
    }
    let found = browser.get(&format!("{page}?q=STRI+pay")).text;
    assert!(found.contains(&link("stripe")) && !found.contains(&link("github")), "{found}");
    assert!(found.contains(&link("hmac")), "those for anybody else are always at hand");
    assert!(browser.get(&format!("{page}?q=nobody+at+all")).text.contains("No provider fits."));
    let unknown = browser.get(&format!("{page}?provider=nobody"));
    assert_eq!((unknown.status, unknown.text.contains("No provider fits.")), (200, true));
}

#[test]
fn a_form_says_what_was_typed_again_but_no_secret() {
    let server = Server::new();
    let owner = server.tenant("acme");
    person(&owner, "ada@example.com", "editor");
    let mut browser = Browser::of(&server, "ada@example.com");
    let page = format!("{}/sources/new", browser.tenant());
    let typed = "provider=hmac&name=Ledger&secrets=a-secret-of-the-ledger&config.header=x-sig&config.algorithm=sha512\
                 &config.template=%7Btimestamp%7D.%7Bbody%7D&config.encoding=hex";
    let refused = browser.fill(&format!("{page}?provider=hmac"), &page, typed);
    assert_eq!(refused.status, 422, "{}", refused.text);
    assert!(
        refused.text.contains("value=\"sha512\" selected") && refused.text.contains("config.timestamp_header-error")
    );
    assert!(!refused.text.contains("a-secret-of-the-ledger"));
    let whole = format!("{typed}&config.timestamp_header=x-time&allowed_ips=192.0.2.0%2F24&response.status=204");
    let made = browser.fill(&format!("{page}?provider=hmac"), &page, &whole);
    assert_eq!(made.status, 303, "{}", made.text);
    let source = &owner.get("/api/v1/sources").json["data"][0];
    let config = json!({ "header": "x-sig", "algorithm": "sha512", "template": "{timestamp}.{body}", "timestamp_header": "x-time" });
    assert_eq!(source["config"], config, "what is as usual is not said");
    assert_eq!((&source["response"]["status"], &source["allowed_ips"]), (&json!(204), &json!(["192.0.2.0/24"])));
}
