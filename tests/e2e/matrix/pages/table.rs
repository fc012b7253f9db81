//! Every page and form, who may see or send it, and what a good one is answered with. A route of the source that is
//! missing here fails the walk, and so does a row without a route. To add one, add a row.

use super::source::written_routes;
use crate::matrix::tenant::Tenant;

/// Who a page is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    /// Whoever comes.
    Anybody,
    /// Whoever has a session.
    LoggedIn,
    /// Members of the tenant in the path with this permission.
    Member(&'static str),
}

use For::{Anybody, LoggedIn, Member};

/// Name, who it is for, status of a good one, fields: of a form its body, of a page its query. `{…}` in the fields is
/// filled in by [`filled`].
type Row = (&'static str, For, u16, &'static str);

const NEW_PASSWORD: &str = "current=correct+horse+battery&password=another+horse+battery";
const EDITED: &str = "name=edited&url=http%3A%2F%2F127.0.0.1%3A8080%2Fhook&retry.schedule_s=5,30";

const POLLED: &str = "name=edited&do=save&schedule_as=interval&poll.schedule.interval_s=86400\
    &poll.request.url=http%3A%2F%2F127.0.0.1%3A9%2Flist&poll.items=%24.data%5B*%5D&poll.id=%24.id\
    &poll.cursor.mode=integer&poll.cursor.value=%24.at";

/// In this order each role can do all of its own one after the other: what is deleted is needed no more, and the
/// session ends last.
const ROWS: &[Row] = &[
    ("GET /login", Anybody, 200, ""),
    ("POST /login", Anybody, 303, "email={email}&password=correct+horse+battery&next=//evil.example"),
    ("GET /assets/{file}", Anybody, 200, ""),
    ("GET /", LoggedIn, 303, ""),
    ("GET /account", LoggedIn, 200, ""),
    ("POST /account/theme", LoggedIn, 303, "theme=dark"),
    ("GET /reauth", LoggedIn, 200, ""),
    ("POST /reauth", LoggedIn, 303, "password=correct+horse+battery&next=/%5Cevil.example"),
    ("POST /t/{tenant}/start", Member("connections:write"), 303, ""),
    ("GET /t/{tenant}/start", Member("sources:read"), 200, ""),
    ("POST /t/{tenant}/start/send", Member("sources:write"), 303, ""),
    ("GET /t/{tenant}/", Member("events:read"), 200, "range=7d"),
    ("GET /t/{tenant}/events", Member("events:read"), 200, "q=matrix"),
    ("GET /t/{tenant}/events/{id}", Member("events:read"), 200, ""),
    ("GET /t/{tenant}/events/{id}/raw", Member("events:read"), 200, ""),
    ("GET /t/{tenant}/live/start", Member("sources:read"), 200, ""),
    ("GET /t/{tenant}/live/overview", Member("events:read"), 200, ""),
    ("GET /t/{tenant}/live/events", Member("events:read"), 200, "q=matrix"),
    ("GET /t/{tenant}/live/events/{id}", Member("events:read"), 200, ""),
    ("GET /t/{tenant}/requests", Member("requests:read"), 200, "outcome=refused"),
    ("GET /t/{tenant}/deliveries/export", Member("deliveries:read"), 200, "format=jsonl"),
    ("GET /t/{tenant}/deliveries", Member("deliveries:read"), 200, "state=dead"),
    ("POST /t/{tenant}/deliveries/{id}/retry", Member("deliveries:write"), 303, "next=//evil.example/"),
    ("POST /t/{tenant}/deliveries/{id}/cancel", Member("deliveries:write"), 303, "next=https://evil.example/"),
    ("GET /t/{tenant}/calls", Member("calls:read"), 200, "state=failed"),
    ("GET /t/{tenant}/calls/{id}", Member("calls:read"), 200, ""),
    ("GET /t/{tenant}/calls/{id}/raw", Member("calls:read"), 200, ""),
    ("POST /t/{tenant}/calls/{id}/cancel", Member("calls:write"), 303, ""),
    ("POST /t/{tenant}/calls/{id}/redrive", Member("calls:write"), 303, ""),
    ("GET /t/{tenant}/sources", Member("sources:read"), 200, "q=s"),
    ("GET /t/{tenant}/sources/new", Member("sources:write"), 200, "provider=github"),
    ("POST /t/{tenant}/sources/new", Member("sources:write"), 303, "name=made&provider=publish"),
    ("GET /t/{tenant}/sources/{id}", Member("sources:read"), 200, ""),
    ("GET /t/{tenant}/sources/{id}/edit", Member("sources:write"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/edit", Member("sources:write"), 303, "name=edited"),
    ("POST /t/{tenant}/sources/{id}/rotate-url", Member("sources:write"), 303, "overlap_s=3600"),
    ("POST /t/{tenant}/sources/{id}/await-handshake", Member("sources:write"), 422, ""),
    ("GET /t/{tenant}/sources/{id}/check", Member("sources:write"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/check", Member("sources:write"), 200, "headers=x-a%3A+1&body=a"),
    ("POST /t/{tenant}/sources/{id}/reveal", Member("keys:write"), 200, ""),
    ("GET /t/{tenant}/sources/advice", Member("sources:read"), 200, "offers_webhooks=yes&freshness_s=60&objects=9"),
    ("GET /t/{tenant}/sources/{id}/poll/edit", Member("sources:write"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/poll/edit", Member("sources:write"), 303, POLLED),
    ("POST /t/{tenant}/sources/{id}/poll/run", Member("sources:write"), 303, ""),
    ("GET /t/{tenant}/sources/{id}/runs", Member("sources:read"), 200, "state=failed"),
    ("GET /t/{tenant}/sources/{id}/cursor", Member("sources:read"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/cursor", Member("sources:write"), 200, "to=7&do=try"),
    ("POST /t/{tenant}/sources/{id}/held", Member("sources:write"), 303, "action=release"),
    ("GET /t/{tenant}/sources/{id}/advice", Member("sources:read"), 200, ""),
    ("GET /t/{tenant}/sources/{id}/poll/delete", Member("sources:write"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/poll/delete", Member("sources:write"), 303, ""),
    ("POST /t/{tenant}/sources/{id}/pause", Member("sources:write"), 303, ""),
    ("POST /t/{tenant}/sources/{id}/resume", Member("sources:write"), 303, ""),
    ("GET /t/{tenant}/destinations", Member("destinations:read"), 200, "q=b"),
    ("GET /t/{tenant}/destinations/new", Member("destinations:write"), 200, ""),
    ("POST /t/{tenant}/destinations/new", Member("destinations:write"), 200, "name=made&kind=bin"),
    ("GET /t/{tenant}/destinations/{id}", Member("destinations:read"), 200, ""),
    ("GET /t/{tenant}/destinations/{id}/edit", Member("destinations:write"), 200, ""),
    ("POST /t/{tenant}/destinations/{id}/edit", Member("destinations:write"), 303, EDITED),
    ("POST /t/{tenant}/destinations/{id}/reveal", Member("keys:write"), 200, ""),
    ("POST /t/{tenant}/destinations/{id}/pause", Member("destinations:write"), 303, ""),
    ("POST /t/{tenant}/destinations/{id}/resume", Member("destinations:write"), 303, ""),
    ("GET /t/{tenant}/connections", Member("connections:read"), 200, "source={source}"),
    ("GET /t/{tenant}/connections/new", Member("connections:write"), 200, "source_id={source}"),
    ("POST /t/{tenant}/connections/new", Member("connections:write"), 303, "source_id={source}&destination_id={bin}"),
    ("GET /t/{tenant}/connections/{id}", Member("connections:read"), 200, ""),
    ("GET /t/{tenant}/connections/{id}/edit", Member("connections:write"), 200, ""),
    ("POST /t/{tenant}/connections/{id}/edit", Member("connections:write"), 303, "event_types=payment.*"),
    ("POST /t/{tenant}/connections/{id}/pause", Member("connections:write"), 303, ""),
    ("POST /t/{tenant}/connections/{id}/resume", Member("connections:write"), 303, ""),
    ("GET /t/{tenant}/keys", Member("keys:read"), 200, ""),
    ("GET /t/{tenant}/keys/new", Member("keys:write"), 200, ""),
    ("POST /t/{tenant}/keys/new", Member("keys:write"), 200, "name=made&expires=90&scopes=events%3Aread"),
    ("GET /t/{tenant}/members", Member("members:read"), 200, ""),
    (
        "POST /t/{tenant}/members",
        Member("members:write"),
        303,
        "email=more-{bin}@example.com&role=viewer&password=correct+horse+battery",
    ),
    ("POST /t/{tenant}/members/{id}/role", Member("members:write"), 303, "role=editor"),
    ("GET /t/{tenant}/audit", Member("audit:read"), 200, "action=source.created"),
    ("GET /t/{tenant}/audit/export", Member("audit:read"), 200, "format=csv"),
    ("GET /t/{tenant}/keys/{id}/delete", Member("keys:write"), 200, ""),
    ("POST /t/{tenant}/keys/{id}/delete", Member("keys:write"), 303, ""),
    ("GET /t/{tenant}/members/{id}/delete", Member("members:write"), 200, ""),
    ("POST /t/{tenant}/members/{id}/delete", Member("members:write"), 303, ""),
    ("GET /t/{tenant}/connections/{id}/delete", Member("connections:write"), 200, ""),
    ("POST /t/{tenant}/connections/{id}/delete", Member("connections:write"), 303, ""),
    ("GET /t/{tenant}/destinations/{id}/delete", Member("destinations:write"), 200, ""),
    ("POST /t/{tenant}/destinations/{id}/delete", Member("destinations:write"), 303, ""),
    ("GET /t/{tenant}/sources/{id}/delete", Member("sources:write"), 200, ""),
    ("POST /t/{tenant}/sources/{id}/delete", Member("sources:write"), 303, ""),
    ("POST /account/sessions/{id}/end", LoggedIn, 303, ""),
    ("POST /account/password", LoggedIn, 303, NEW_PASSWORD),
    ("POST /logout", LoggedIn, 303, ""),
];

/// What only a source that polls has.
const POLLS: [&str; 5] = ["/{id}/poll/edit", "/{id}/poll/run", "/{id}/runs", "/{id}/cursor", "/{id}/held"];

/// One row, taken apart.
#[derive(Clone, Debug)]
pub(super) struct Page {
    /// `GET /t/{tenant}/events/{id}`.
    pub(super) name: &'static str,
    pub(super) method: reqwest::Method,
    pub(super) path: &'static str,
    pub(super) who: For,
    pub(super) good: u16,
    pub(super) fields: &'static str,
}

impl Page {
    pub(super) fn is_form(&self) -> bool {
        self.method == reqwest::Method::POST
    }

    pub(super) fn takes_id(&self) -> bool {
        self.path.contains("{id}")
    }

    pub(super) fn is_of_a_tenant(&self) -> bool {
        self.path.starts_with("/t/{tenant}/")
    }

    /// Asked by a script, which the log-in page would tell nothing.
    pub(super) fn is_live(&self) -> bool {
        self.path.starts_with("/t/{tenant}/live/")
    }

    /// `sources` of `/t/{tenant}/sources/{id}/pause`.
    fn collection(&self) -> &str {
        self.path.split('/').filter(|part| *part != "live").nth(3).expect("a collection")
    }

    /// The id of `things` that belongs into the path.
    pub(super) fn id<'a>(&self, things: &'a Tenant) -> &'a str {
        match self.path {
            "/t/{tenant}/deliveries/{id}/cancel" => &things.waiting,
            "/t/{tenant}/calls/{id}/cancel" => &things.waiting_call,
            "/t/{tenant}/sources/{id}/poll/delete" => &things.beside,
            path if POLLS.iter().any(|part| path.ends_with(part)) => &things.poller,
            _ if self.collection() == "keys" => &things.key,
            _ => things.id(self.collection()),
        }
    }
}

/// The rows in the order of the table. Fails when a route of the source is missing, or a row has none.
pub(super) fn pages() -> Vec<Page> {
    let mut written = written_routes();
    let unknown: Vec<_> = ROWS.iter().filter(|(name, ..)| !written.remove(*name)).map(|(name, ..)| name).collect();
    assert!(unknown.is_empty(), "in the table of pages and not in the source: {unknown:?}");
    assert!(written.is_empty(), "not in the table of pages, tests/e2e/matrix/pages/table.rs: {written:?}");
    let page = |&(name, who, good, fields): &Row| {
        let (method, path) = name.split_once(' ').expect("a method and a path");
        Page { name, method: method.parse().expect("a method"), path, who, good, fields }
    };
    ROWS.iter().map(page).collect()
}

/// The fields of a row, with the ids of `things`.
pub(super) fn filled(fields: &str, things: &Tenant) -> String {
    fields.replace("{source}", &things.source).replace("{bin}", &things.bin)
}

/// What each role may do, said once more here: a role that may do more than before is to be noticed.
pub(super) fn may(role: &str, permission: &str) -> bool {
    let (noun, verb) = permission.split_once(':').expect("a permission");
    match role {
        "owner" | "admin" => true,
        "editor" => noun != "keys" && permission != "members:write",
        "viewer" => verb == "read" && noun != "keys",
        other => panic!("what may a `{other}` do? Say so here"),
    }
}
