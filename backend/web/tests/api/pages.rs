//! The pages as a browser sees them: log in, forms with their token, roles, and everything that should not open a door.

use crate::{
    browser::{Browser, PASSWORD, person, token},
    harness::{Answer, Client, Server},
};

#[test]
fn a_person_logs_in_looks_around_and_logs_out() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::new(&server);
    assert_eq!(browser.get("/account").header("location"), Some("/login?next=%2Faccount"));
    let wrong = browser.log_in("ada@example.com", "not her password");
    assert_eq!((wrong.status, wrong.text.contains("password is wrong")), (422, true), "{}", wrong.text);
    let unknown = browser.log_in("nobody@example.com", "not her password");
    assert_eq!(unknown.status, 422, "an address that nobody has is answered the same");

    let inside = browser.log_in("ada@example.com", PASSWORD);
    assert_eq!((inside.status, inside.header("location")), (303, Some("/")), "{inside:?}");
    let tenant = browser.tenant();
    for page in
        ["/account".to_owned(), format!("{tenant}/keys"), format!("{tenant}/members"), format!("{tenant}/audit")]
    {
        let shown = browser.get(&page);
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
        let policy = shown.header("content-security-policy").expect("a policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    }
    assert!(browser.get(&format!("{tenant}/audit")).text.contains("session.started"));

    let before = browser.cookies.clone();
    let out = browser.fill("/account", "/logout", "");
    assert_eq!(out.header("location"), Some("/login?out=1"));
    // Whoever kept a copy of the cookie has nothing.
    browser.cookies = before;
    assert_eq!(browser.get("/account").status, 303);
}

#[test]
fn a_form_is_taken_from_our_own_pages_only() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let path = format!("{}/members", browser.tenant());
    let good = token(&browser.get(&path));
    let fields = "email=new@example.com&role=viewer&password=correct+horse+battery";
    let own: &[(&str, &str)] = &[("sec-fetch-site", "same-origin")];
    let with = |token: &str| format!("_csrf={token}&{fields}");
    for (why, headers, body) in [
        ("no token", own, fields.to_owned()),
        ("a token that was made up", own, with("AAAA")),
        ("another site, as the browser says", &[("sec-fetch-site", "cross-site")][..], with(&good)),
        ("another site, as its origin says", &[("origin", "https://evil.example")][..], with(&good)),
    ] {
        let refused = browser.send("POST", &path, headers, &body);
        assert_eq!(refused.status, 403, "{why}: {}", refused.text);
    }
    assert_eq!(browser.get(&format!("{path}?email=new@example.com&role=viewer")).status, 400, "a GET changes nothing");
    assert!(!browser.get(&path).text.contains("new@example.com"));

    // The token of one session is none in another.
    person(&client, "eve@example.com", "admin");
    let mut other = Browser::new(&server);
    other.log_in("eve@example.com", PASSWORD);
    assert_eq!(other.send("POST", &path, own, &with(&good)).status, 403);
    assert_eq!(browser.send("POST", &path, own, &with(&good)).status, 303);
    assert!(browser.get(&path).text.contains("new@example.com"));
}

#[test]
fn roles_and_tenants_end_where_they_should() {
    let server = Server::new();
    let (acme, other) = (server.tenant("acme"), server.tenant("other"));
    let viewer = person(&acme, "vic@example.com", "viewer");
    person(&other, "eve@example.com", "admin");
    let mut vic = Browser::new(&server);
    vic.log_in("vic@example.com", PASSWORD);
    let tenant = vic.tenant();
    assert_eq!(vic.get(&format!("{tenant}/members")).status, 200);
    assert!(
        !vic.get(&format!("{tenant}/members")).text.contains("action=\"") || {
            let shown = vic.get(&format!("{tenant}/members")).text;
            !shown.contains(&format!("action=\"{tenant}/members\""))
        }
    );
    let refused = vic.fill("/account", &format!("{tenant}/members"), "email=x@example.com&role=viewer&password=");
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(vic.get(&format!("{tenant}/keys")).status, 403, "a viewer does not see keys");

    let mut eve = Browser::new(&server);
    eve.log_in("eve@example.com", PASSWORD);
    for page in ["", "/keys", "/members", "/audit", "/audit/export?format=csv", "/deliveries/export?format=csv"] {
        let answer = eve.get(&format!("{tenant}{page}"));
        assert_eq!(answer.status, 404, "{page}: another tenant's page is like one that nobody has");
    }
    // A membership that ends is dead with the next click.
    assert_eq!(acme.call("DELETE", &format!("/api/v1/members/{viewer}"), None).status, 204);
    assert_eq!(vic.get(&format!("{tenant}/members")).status, 404);
}

#[test]
fn a_key_is_made_shown_once_used_and_revoked() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let keys = format!("{}/keys", browser.tenant());
    let wrong = browser.fill(
        &format!("{keys}/new"),
        &format!("{keys}/new"),
        "name=ci&expires=90&allowed_ips=nonsense&scopes=events%3Aread",
    );
    assert_eq!(
        (wrong.status, wrong.text.contains("value=\"ci\"")),
        (422, true),
        "what was typed stays: {}",
        wrong.text
    );
    let made = browser.fill(
        &format!("{keys}/new"),
        &format!("{keys}/new"),
        "name=ci&expires=90&allowed_ips=&scopes=events%3Aread",
    );
    let (_, rest) = made.text.split_once("pst_live_").expect("the key, this once");
    let key = format!(
        "pst_live_{}",
        rest.chars().take_while(|letter| letter.is_ascii_alphanumeric() || *letter == '_').collect::<String>()
    );
    let program = Client { server: &server, key };
    assert_eq!(program.get("/api/v1/events").status, 200);
    assert_eq!(program.get("/api/v1/sources").status, 403);
    let list = browser.get(&keys).text;
    assert_eq!(program.get("/api/v1/events").status, 200);
    assert!(!list.contains(&program.key), "the key is not shown again");
    let href = list
        .split("href=\"")
        .filter_map(|part| part.split('"').next())
        .filter(|href| href.ends_with("/delete"))
        .last()
        .expect("a way to revoke");
    let revoked = browser.fill(href, href, "");
    assert_eq!(revoked.status, 303, "{revoked:?}");
    assert_eq!(program.get("/api/v1/events").status, 401);
}

#[test]
fn the_audit_log_is_taken_away_whole_and_that_is_on_record() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    client.make_bin();
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let audit = format!("{}/audit", browser.tenant());
    let csv = browser.get(&format!("{audit}/export?format=csv&action=destination.created"));
    assert_eq!((csv.status, csv.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert!(csv.text.contains("destination.created") && !csv.text.contains("session.started"), "{}", csv.text);
    let lines = browser.get(&format!("{audit}/export?format=jsonl"));
    assert!(lines.text.contains("audit.exported"), "the export before is in this one: {}", lines.text);
    assert_eq!(browser.get(&format!("{audit}/export?format=xml")).status, 400);
    let shown = browser.get(&format!("{audit}?actor=ada@example.com")).text;
    let lists = |action: &str| shown.contains(&format!("<code>{action}</code>"));
    assert!(lists("audit.exported") && !lists("destination.created"), "who is found by address: {shown}");
    assert!(shown.contains("{&#34;action&#34;:&#34;destination.created&#34;}"), "what was taken away: {shown}");
}

#[test]
fn a_secret_is_shown_after_the_password_and_on_record() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    person(&client, "ed@example.com", "editor");
    let id = client.make_bin();
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let page = format!("{}/destinations/{id}", browser.tenant());
    server.clock.advance_ms(11 * 60 * 1_000);
    let asked = browser.fill(&page, &format!("{page}/reveal"), "");
    let way = asked.header("location").expect("a way to the password").to_owned();
    assert!(asked.status == 303 && way.starts_with("/reauth?next="), "{asked:?}");
    let password = PASSWORD.replace(' ', "+");
    let confirmed = browser.fill(&way, "/reauth", &format!("password={password}&next={page}"));
    assert_eq!(confirmed.header("location"), Some(page.as_str()), "{confirmed:?}");
    let shown = browser.fill(&page, &format!("{page}/reveal"), "");
    let (_, rest) = shown.text.split_once(">whsec_").expect("the secret");
    let secret: String = rest.chars().take_while(|letter| *letter != '<').collect();
    assert!(shown.status == 200 && secret.len() > 30, "{}", shown.text);
    assert!(!browser.get(&page).text.contains(&secret), "it is masked again");
    let audit = page.split("/destinations").next().map(|tenant| format!("{tenant}/audit")).expect("a tenant");
    assert!(browser.get(&audit).text.contains("destination.revealed"));

    let mut editor = Browser::new(&server);
    editor.log_in("ed@example.com", PASSWORD);
    assert_eq!(editor.fill(&page, &format!("{page}/reveal"), "").status, 403);
}

#[test]
fn every_page_opens_and_a_form_sets_up_the_first_event() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let tenant = browser.tenant();
    assert!(browser.get(&format!("{tenant}/")).text.contains("/start"), "an empty tenant is led on");
    let begun = browser.fill("/account", &format!("{tenant}/start"), "");
    assert_eq!(begun.status, 303, "{begun:?}");
    for page in [
        "/",
        "/start",
        "/sources",
        "/sources/new",
        "/destinations",
        "/destinations/new",
        "/connections",
        "/connections/new",
        "/events",
        "/requests",
        "/deliveries",
        "/deliveries?state=dead",
        "/keys/new",
    ] {
        let shown = browser.get(&format!("{tenant}{page}"));
        assert_eq!(shown.status, 200, "{page}: {}", shown.text);
        assert_eq!(shown.header("content-type"), Some("text/html; charset=utf-8"), "{page}");
    }
    let nowhere = browser.send("GET", &format!("{tenant}/nowhere"), &[("accept", "text/html,*/*")], "");
    assert_eq!((nowhere.status, nowhere.header("content-type")), (404, Some("text/html; charset=utf-8")));
    let missing = browser.get(&format!("{tenant}/events/evt_01jd9k7w000000000000000000"));
    assert_eq!((missing.status, missing.header("content-type")), (404, Some("text/html; charset=utf-8")));
}

#[test]
fn pages_are_compressed_and_answers_to_forms_are_not() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "admin");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let home = format!("{}/", browser.tenant());
    let plain = browser.get(&home);
    assert_eq!(plain.header("content-encoding"), None, "who does not ask gets it as it is");
    let packed = browser.send("GET", &home, &[("accept-encoding", "br, gzip")], "");
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    assert!(packed.header("vary").is_some_and(|vary| vary.contains("accept-encoding")));
    let length =
        |answer: &Answer| -> usize { answer.header("content-length").expect("a length").parse().expect("digits") };
    assert!(length(&packed) * 2 < length(&plain), "{} of {}", length(&packed), length(&plain));

    let form = token(&plain);
    let own = [("sec-fetch-site", "same-origin"), ("accept-encoding", "gzip")];
    let refused = browser.send("POST", &format!("{home}members"), &own, &format!("_csrf={form}&email=x&role=viewer"));
    assert_eq!((refused.status, refused.header("content-encoding")), (422, None));
    let listed = client.call_with("GET", "/api/v1/events", &[("accept-encoding", "gzip")], None);
    assert_eq!(listed.header("content-encoding"), None);
}

#[test]
fn a_connection_s_payload_is_chosen_on_its_form() {
    let server = Server::new();
    let client = server.tenant("acme");
    let (source, bin) = (client.make_source(), client.make_bin());
    person(&client, "ada@example.com", "editor");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let list = format!("{}/connections", browser.tenant());
    let new = format!("{list}/new");
    let ends = format!("source_id={source}&destination_id={bin}");
    assert_eq!(browser.fill(&new, &new, &format!("{ends}&payload=xml")).status, 422);
    assert_eq!(browser.fill(&new, &new, &format!("{ends}&payload=envelope")).status, 303);
    let made = || client.get("/api/v1/connections").json["data"][0].clone();
    assert_eq!(made()["payload"], "envelope");
    let id = made()["id"].as_str().expect("an id").to_owned();
    let edit = format!("{list}/{id}/edit");
    assert_eq!(browser.fill(&edit, &edit, "event_types=").status, 303);
    assert_eq!(made()["payload"], "envelope", "a form that does not say leaves it as it is");
    assert_eq!(browser.fill(&edit, &edit, "event_types=&payload=cloudevents").status, 303);
    assert_eq!(made()["payload"], "cloudevents");
    assert!(browser.get(&format!("{list}/{id}")).text.contains("CloudEvents"));
}
