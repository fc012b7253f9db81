//! Pages that go on: what a stream tells, to whom, and when it ends.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    browser::{Browser, PASSWORD, person, token},
    harness::{Client, Server, request},
};

const PATIENCE: Duration = Duration::from_secs(20);

/// A stream that is open.
struct Stream {
    socket: TcpStream,
    read: String,
}

impl Stream {
    fn open(server: &Server, browser: &Browser<'_>, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut socket = TcpStream::connect(server.address).expect("connects");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let cookies: Vec<String> = browser.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let all = [&[("cookie", cookies.as_str()), ("accept", "text/html, text/event-stream")], headers].concat();
        socket.write_all(&request("GET", path, &all, b"")).expect("sent");
        let mut stream = Self { socket, read: String::new() };
        let head = stream.until("\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream"), "{head}");
        stream
    }

    /// Reads on until this has come; gives all that was read since it was asked last.
    fn until(&mut self, wanted: &str) -> String {
        let (mut some, begun) = ([0; 4_096], Instant::now());
        while !self.read.contains(wanted) {
            // An idle stream is written to now and then, so the timeout of the socket alone would never come.
            assert!(begun.elapsed() < PATIENCE, "{wanted} did not come: {}", self.read);
            let count = self.socket.read(&mut some).unwrap_or_else(|cause| panic!("{wanted}: {cause}: {}", self.read));
            assert!(count > 0, "it ended without {wanted}: {}", self.read);
            self.read.push_str(&String::from_utf8_lossy(&some[..count]));
        }
        std::mem::take(&mut self.read)
    }

    fn reads_to_its_end(&mut self) {
        let mut rest = Vec::new();
        self.socket.read_to_end(&mut rest).expect("it ends");
    }
}

fn live_href(html: &str) -> String {
    let (_, rest) = html.split_once("hx-sse:connect=\"").expect("a page that goes on");
    rest.split('"').next().expect("a value").replace("&#38;", "&").replace("&amp;", "&")
}

/// A tenant that events can be published for.
fn publisher<'a>(server: &'a Server, name: &str) -> Client<'a> {
    let client = server.tenant(name);
    client.make("/api/v1/sources", json!({ "name": "p", "kind": "publish" }));
    client
}

/// Takes in one event; gives its id.
fn publish(client: &Client<'_>) -> String {
    let made = client.post("/api/v1/events", json!({ "type": "order.paid", "data": {} }));
    assert_eq!(made.status, 202, "{made:?}");
    made.json["id"].as_str().expect("an id").to_owned()
}

#[test]
fn new_events_come_to_an_open_list_and_nobody_elses() {
    let server = Server::new();
    let (client, other) = (publisher(&server, "acme"), publisher(&server, "other"));
    person(&client, "ada@example.com", "viewer");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let tenant = browser.tenant();
    for page in [format!("{tenant}/events"), format!("{tenant}/")] {
        let before = publish(&client);
        let href = live_href(&browser.get(&page).text);
        let mut stream = Stream::open(&server, &browser, &href, &[]);
        let (theirs, mine) = (publish(&other), publish(&client));
        let told = stream.until("</table>");
        assert!(told.contains("id: ") && told.contains("data: "), "{told}");
        assert!(told.find(&mine) < told.find(&before) && told.contains(&before), "{page}: {told}");
        assert!(!told.contains(&theirs), "{told}");
        // Whoever comes back with the id of what he knows is told what he does not know.
        let id = told.split_once("id: ").and_then(|(_, rest)| rest.lines().next()).expect("an id").to_owned();
        drop(stream);
        let mut stream = Stream::open(&server, &browser, &href, &[("last-event-id", &id)]);
        let next = publish(&client);
        assert!(stream.until("</table>").contains(&next), "{page}");
    }
}

#[test]
fn a_filter_holds_for_what_comes() {
    let server = Server::new();
    let client = publisher(&server, "acme");
    person(&client, "ada@example.com", "viewer");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let tenant = browser.tenant();
    let href = live_href(&browser.get(&format!("{tenant}/events?type=order.*")).text);
    assert!(href.contains("type=order"), "{href}");
    let mut stream = Stream::open(&server, &browser, &href, &[]);
    let made = client.post("/api/v1/events", json!({ "type": "invoice.paid", "data": {} }));
    let left_out = made.json["id"].as_str().expect("an id").to_owned();
    let mine = publish(&client);
    let told = stream.until(&mine);
    assert!(!told.contains(&left_out), "{told}");
    let past = browser.get(&format!("{tenant}/events?from=2026-13-01"));
    assert!(!past.text.contains("hx-sse"), "nothing goes on where nothing is listed");
}

#[test]
fn a_stream_ends_with_what_it_was_opened_by() {
    let server = Server::new();
    let client = publisher(&server, "acme");
    let ada = person(&client, "ada@example.com", "viewer");
    person(&client, "bob@example.com", "viewer");
    let (mut first, mut second) = (Browser::new(&server), Browser::new(&server));
    first.log_in("ada@example.com", PASSWORD);
    second.log_in("bob@example.com", PASSWORD);
    let path = format!("{}/live/events", first.tenant());

    let mut stream = Stream::open(&server, &first, &path, &[]);
    assert_eq!(client.call("DELETE", &format!("/api/v1/members/{ada}"), None).status, 204);
    stream.until("event: ended");
    stream.reads_to_its_end();
    assert_eq!(first.get(&path).status, 404, "no member any more");

    let mut stream = Stream::open(&server, &second, &path, &[]);
    second.fill("/account", "/logout", "");
    stream.until("event: ended");
    stream.reads_to_its_end();
}

#[test]
fn a_stream_is_for_members_with_a_session() {
    let server = Server::new();
    let (client, other) = (publisher(&server, "acme"), publisher(&server, "other"));
    person(&client, "ada@example.com", "viewer");
    person(&other, "eve@example.com", "admin");
    let mut ada = Browser::new(&server);
    ada.log_in("ada@example.com", PASSWORD);
    let tenant = ada.tenant();
    let mut eve = Browser::new(&server);
    eve.log_in("eve@example.com", PASSWORD);
    let event = publish(&client);
    for stream in ["live/events".to_owned(), "live/overview".to_owned(), format!("live/events/{event}")] {
        let path = format!("{tenant}/{stream}");
        assert_eq!(Browser::new(&server).get(&path).status, 401, "{path}");
        assert_eq!(eve.get(&path).status, 404, "{path}");
        assert_eq!(ada.get(&format!("{path}?nonsense=1")).status, 400, "{path}");
    }
    let of_others = format!("{}/live/events/{event}", eve.tenant());
    assert_eq!(eve.get(&of_others).status, 404, "an event of somebody else's is none");
}

#[test]
fn the_first_event_comes_to_the_page_that_waits_for_it() {
    let server = Server::new();
    let client = server.tenant("acme");
    person(&client, "ada@example.com", "editor");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let tenant = browser.tenant();
    let start = format!("{tenant}/start");
    assert_eq!(browser.get(&format!("{tenant}/live/start")).status, 404, "nothing is set up");
    browser.fill("/account", &start, "");
    let page = browser.get(&start).text;
    assert!(page.contains("Nothing yet"), "{page}");
    assert!(
        !page.contains("http-equiv=\"refresh\""),
        "a page that reloads itself would lose a form that is being sent"
    );
    let mut stream = Stream::open(&server, &browser, &live_href(&page), &[]);
    assert_eq!(browser.fill(&start, &format!("{start}/send"), "").status, 303);
    let told = stream.until("</ol>");
    assert!(told.contains("evt_") && told.contains("Received"), "{told}");
}

#[test]
fn a_page_that_shows_the_same_has_the_same_mark_though_its_forms_differ() {
    let server = Server::new();
    let client = publisher(&server, "acme");
    let sources = client.get("/api/v1/sources").json;
    let source = sources["data"][0]["id"].as_str().expect("an id").to_owned();
    let bin = client.make("/api/v1/destinations", json!({ "name": "b", "kind": "bin" }));
    client.make("/api/v1/connections", json!({ "source_id": source, "destination_id": bin }));
    person(&client, "ada@example.com", "editor");
    let mut browser = Browser::new(&server);
    browser.log_in("ada@example.com", PASSWORD);
    let path = format!("{}/events/{}", browser.tenant(), publish(&client));
    let (first, second) = (browser.get(&path), browser.get(&path));
    assert!(first.text.contains("/cancel\""), "a form in the part that goes on: {}", first.text);
    assert_ne!(token(&first), token(&second), "a token that stays could be guessed by the length of the page");
    assert_eq!(live_href(&first.text), live_href(&second.text));
}
