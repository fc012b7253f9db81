//! A server with two tenants, and people of each role.

use reqwest::Method;

use super::table::{Page, filled};
use crate::{
    harness::{Answer, Browser, Database, Inspector, Options, Server, member},
    matrix::tenant::Tenant,
};

pub(super) const OWN_PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

pub(super) struct House {
    pub(super) server: Server,
    pub(super) own: Tenant,
    pub(super) other: Tenant,
    pub(super) own_tenant: String,
    pub(super) other_tenant: String,
    /// Of the owner: a session that is not used.
    pub(super) session: String,
    /// Tokens that are good in other sessions: of the owner, and of a stranger.
    pub(super) foreign_tokens: [String; 2],
    asset: String,
    inspector: Inspector,
}

impl House {
    pub(super) async fn new(database: Database) -> Self {
        let options = Options::new(database).env("POSTERN_PUBLIC_URL", "https://hooks.example.com");
        let server = Server::start_with(options).await;
        let own = Tenant::new(server.bootstrap().await).await;
        let other = Tenant::new(server.tenant("second").await).await;
        for role in ["admin", "editor", "viewer"] {
            member(&own.api, &format!("{role}@example.com"), role).await;
        }
        let mut owner = Visitor::of(Browser::logged_in(&server, "first@example.com").await).await;
        let mut stranger = Browser::logged_in(&server, "second@example.com").await;
        let mut second = Visitor::of(Browser::logged_in(&server, "first@example.com").await).await;
        second.renew().await;
        let session = second.sessions.first().expect("the first one").clone();
        let page = String::from_utf8_lossy(&owner.browser.get("/account").await.body).into_owned();
        let (_, asset) = page.split_once("/assets/").expect("a style sheet");
        let asset = asset.split('"').next().expect("a name").to_owned();
        let own_tenant = tenant_of(&mut owner.browser).await;
        let other_tenant = tenant_of(&mut stranger).await;
        let foreign_tokens = [second.token, stranger.token().await];
        let inspector = server.inspect().await;
        Self { server, own, other, own_tenant, other_tenant, session, foreign_tokens, asset, inspector }
    }

    pub(super) fn email(&self, role: &str) -> String {
        format!("{}@example.com", if role == "owner" { "first" } else { role })
    }

    /// Somebody logged in, with a session of their own.
    pub(super) async fn visitor(&self, email: &str) -> Visitor {
        Visitor::of(Browser::logged_in(&self.server, email).await).await
    }

    /// One more of everything in the own tenant, to be changed and deleted.
    pub(super) async fn things(&self) -> Tenant {
        Tenant::new(self.own.api.clone()).await
    }

    /// The path of a page with an id of `things` in it.
    pub(super) fn path(&self, page: &Page, things: &Tenant, tenant: &str) -> String {
        let id = if page.is_of_a_tenant() && page.takes_id() { page.id(things) } else { &self.session };
        page.path.replace("{tenant}", tenant).replace("{id}", id).replace("{file}", &self.asset)
    }

    pub(super) fn fields(&self, page: &Page, email: &str) -> String {
        filled(page.fields, &self.own).replace("{email}", email)
    }
}

async fn tenant_of(browser: &mut Browser) -> String {
    let root = browser.get("/").await;
    let way = root.header("location").expect("a way on").to_owned();
    way.trim_matches('/').trim_start_matches("t/").to_owned()
}

/// Somebody with a browser, logged in or not.
pub(super) struct Visitor {
    pub(super) browser: Browser,
    /// Of every form of this session.
    pub(super) token: String,
    /// The other ones of the same person, newest first.
    pub(super) sessions: Vec<String>,
}

impl Visitor {
    pub(super) async fn of(mut browser: Browser) -> Self {
        let token = browser.token().await;
        Self { browser, token, sessions: Vec::new() }
    }

    /// Reads the token and the sessions again.
    pub(super) async fn renew(&mut self) {
        self.token = self.browser.token().await;
        let page = String::from_utf8_lossy(&self.browser.get("/account").await.body).into_owned();
        let others = page.split("<tr>").filter(|row| !row.contains("(this one)"));
        let ends = others.filter_map(|row| row.split_once("/account/sessions/")?.1.split_once("/end\""));
        self.sessions = ends.map(|(id, _)| id.to_owned()).collect();
    }

    /// Asks for a page, or sends its form as a page of ours would.
    pub(super) async fn ask(&mut self, page: &Page, path: &str, fields: &str) -> Answer {
        let answer = if page.is_form() {
            let body = format!("_csrf={}&{fields}", self.token);
            self.browser.send(Method::POST, path, &[OWN_PAGE], Some(&body)).await
        } else if fields.is_empty() {
            self.browser.get(path).await
        } else {
            self.browser.get(&format!("{path}?{fields}")).await
        };
        guarded(&answer, page);
        answer
    }
}

/// The headers that protect are on every answer, whatever it says, and it leads to this site only.
pub(super) fn guarded(answer: &Answer, page: &Page) {
    let has = |name: &str, value: &str| {
        let found = answer.header(name).unwrap_or_default();
        assert!(found.contains(value), "{} ({}): {name} is `{found}`", page.name, answer.status);
    };
    has("strict-transport-security", "max-age=31536000");
    let way = answer.header("location").unwrap_or("/");
    assert!(way.starts_with('/') && !way[1..].starts_with(['/', '\\']), "{} leads to {way}", page.name);
    has("x-content-type-options", "nosniff");
    has("cross-origin-opener-policy", "same-origin");
    has("cross-origin-resource-policy", "same-origin");
    let referrer = answer.header("referrer-policy").unwrap_or_default();
    assert!(["same-origin", "no-referrer"].contains(&referrer), "{}: {referrer}", page.name);
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{}: {policy}", page.name);
    assert!(policy.contains("frame-ancestors 'none'") || policy.contains("sandbox"), "{}: {policy}", page.name);
    if page.path != "/assets/{file}" {
        has("cache-control", "no-store");
    }
}

/// What must not differ between what somebody has and what nobody has; `hidden` is what was asked for.
pub(super) fn shown(answer: &Answer, hidden: &[&str]) -> (u16, Option<String>, String) {
    let policy = answer.header("content-security-policy").unwrap_or_default();
    let nonce = policy.split_once("'nonce-").and_then(|(_, rest)| rest.split('\'').next()).unwrap_or("no nonce");
    let body = String::from_utf8_lossy(&answer.body).replace(nonce, "NONCE");
    let form = body.split_once("name=\"_csrf\" value=\"").and_then(|(_, rest)| rest.split('"').next());
    let body = body.replace(form.unwrap_or("no form"), "CSRF");
    let body = hidden.iter().fold(body, |body, id| body.replace(id, "ID"));
    (answer.status, answer.header("content-type").map(str::to_owned), body)
}

/// A statement and the number it gave.
type Count = (&'static str, i64);

/// What a change would show in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Footprint {
    counts: Vec<Count>,
    sessions: Vec<(String, String)>,
    users: Vec<(String, String)>,
}

impl Footprint {
    pub(super) async fn of(house: &House) -> Self {
        let mut counts = Vec::new();
        for sql in [
            "SELECT version FROM config_version",
            "SELECT count(*) FROM audit_entries WHERE action NOT LIKE 'session.%'",
            "SELECT count(*) FROM events",
            "SELECT count(*) FROM deliveries",
            "SELECT count(*) FROM memberships",
        ] {
            counts.push((sql, house.inspector.number(sql).await));
        }
        let id = house.inspector.either("hex(id)", "id::text");
        let ended = house.inspector.either("coalesce(ended_at, 0) || ''", "coalesce(ended_at, 0)::text");
        let sessions = format!("SELECT {id}, {ended} FROM sessions ORDER BY id");
        let users = "SELECT email, theme || coalesce(password_hash, '') FROM users ORDER BY email";
        let (sessions, users) = (house.inspector.pairs(&sessions).await, house.inspector.pairs(users).await);
        Self { counts, sessions, users }
    }

    pub(super) fn without_sessions(&self) -> (&[Count], &[(String, String)]) {
        (&self.counts, &self.users)
    }
}
