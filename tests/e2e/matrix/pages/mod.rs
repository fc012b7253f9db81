//! Who sees which page and who may send which form, over every route of the dashboard: without a session, as a member of
//! another tenant, in each role, and with forms that no page of ours has sent.
//!
//! [`table`] says who a page is for and what a good request is; the rest follows from it. Start at [`walk`].

mod forged;
mod house;
mod source;
mod table;

use self::{
    house::{Footprint, House, Visitor, shown},
    table::{For, Page, filled, may, pages},
};
use crate::{
    harness::{Browser, Database, on_every_database},
    matrix::unknown,
};

const ROLES: [&str; 4] = ["owner", "admin", "editor", "viewer"];
const TENANT_OF_NOBODY: &str = "ten_01jd9k7w000000000000000000";

on_every_database! {
    async fn every_page_is_for_those_it_is_for(database: Database) {
        let house = Box::pin(House::new(database)).await;
        Box::pin(walk(&house)).await;
    }
}

/// What is refused comes first: it may leave no trace. Then each role does all that it may.
async fn walk(house: &House) {
    let pages = pages();
    let before = Footprint::of(house).await;
    for page in &pages {
        without_a_session(house, page).await;
    }
    let mut stranger = house.visitor("second@example.com").await;
    let mut owner = house.visitor("first@example.com").await;
    let logged_in = Footprint::of(house).await;
    assert_eq!(before.without_sessions(), logged_in.without_sessions());
    for page in &pages {
        as_a_stranger(house, page, &mut stranger).await;
    }
    with_ids_of_a_stranger(house, &mut stranger).await;
    forged::walk(house, &pages, &mut owner).await;
    assert_eq!(Footprint::of(house).await, logged_in, "a refused request left a trace");
    let others = house.other.state().await;
    for role in ROLES {
        in_a_role(house, &pages, role).await;
    }
    assert_eq!(house.other.state().await, others, "what is done in one tenant has changed another");
    for page in pages.iter().filter(|page| page.who == For::Anybody) {
        let path = house.path(page, &house.own, &house.own_tenant);
        let mut anybody = Visitor::of(Browser::new(&house.server)).await;
        let answer = anybody.ask(page, &path, &house.fields(page, "second@example.com")).await;
        assert_eq!(answer.status, page.good, "{}", page.name);
    }
}

/// A page leads to the log-in page and from there back to itself; a form does nothing.
async fn without_a_session(house: &House, page: &Page) {
    if page.who == For::Anybody {
        return;
    }
    let path = house.path(page, &house.own, &house.own_tenant);
    let fields = filled(page.fields, &house.own);
    let mut nobody = Visitor::of(Browser::new(&house.server)).await;
    let answer = nobody.ask(page, &path, &fields).await;
    if page.is_live() {
        return assert_eq!(answer.status, 401, "{} without a session", page.name);
    }
    assert_eq!(answer.status, 303, "{} without a session", page.name);
    let location = answer.header("location").expect("a way on");
    let way = reqwest::Url::parse("https://hooks.example.com").and_then(|base| base.join(location)).expect("a URL");
    assert_eq!(way.path(), "/login", "{}", page.name);
    let next = way.query_pairs().find(|(name, _)| name == "next").map(|(_, value)| value.into_owned());
    let here = if fields.is_empty() { path } else { format!("{path}?{fields}") };
    let expected = (!page.is_form() && page.path != "/").then_some(here);
    assert_eq!(next, expected, "{}", page.name);
}

/// Somebody else's tenant, and somebody else's id under one's own, are answered like those that nobody has.
async fn as_a_stranger(house: &House, page: &Page, stranger: &mut Visitor) {
    if page.path == "/account/sessions/{id}/end" {
        let path = page.path.replace("{id}", &house.session);
        assert_eq!(stranger.ask(page, &path, "").await.status, 404, "somebody else's session");
    }
    if !page.is_of_a_tenant() {
        return;
    }
    let fields = filled(page.fields, &house.own);
    let id = if page.takes_id() { page.id(&house.own) } else { "" };
    let nobodys_id = if page.takes_id() { unknown(id) } else { String::new() };
    let at = |tenant: &str, id: &str| page.path.replace("{tenant}", tenant).replace("{id}", id);
    let own = house.own_tenant.as_str();
    let mut tried = vec![at(own, id)];
    if page.takes_id() {
        tried.push(at(&house.other_tenant, id));
    }
    // What is no id at all is read by the same code for a page and its form.
    if !page.is_form() {
        let no_tenants = ["1", &unknown(own).replace("ten_", "evt_"), &own.to_uppercase()];
        tried.extend(no_tenants.map(|tenant| at(tenant, id)));
        let no_ids = [own, &id.to_uppercase(), &format!("{id}0"), "1", "..%2f..%2fkeys"];
        tried.extend(no_ids.iter().filter(|_| page.takes_id()).map(|id| at(&house.other_tenant, id)));
    }
    let nobodys = stranger.ask(page, &at(TENANT_OF_NOBODY, &nobodys_id), &fields).await;
    assert_eq!(nobodys.status, 404, "{}", page.name);
    if page.takes_id() {
        let within = stranger.ask(page, &at(&house.other_tenant, &nobodys_id), &fields).await;
        assert_eq!(shown(&within, &[]), shown(&nobodys, &[]), "{} with an id of nobody", page.name);
    }
    for path in tried {
        let answer = stranger.ask(page, &path, &fields).await;
        assert_eq!(shown(&answer, &[]), shown(&nobodys, &[]), "{} at {path}", page.name);
    }
}

/// In a filter or a form, somebody else's id is like one that nobody has, and nothing is made of it.
async fn with_ids_of_a_stranger(house: &House, stranger: &mut Visitor) {
    let (theirs, own) = (&house.own, &house.other);
    let filters = [
        ("connections?source=", &theirs.source),
        ("connections?destination=", &theirs.bin),
        ("connections/new?source_id=", &theirs.source),
        ("connections/new?destination_id=", &theirs.bin),
        ("events?source=", &theirs.source),
        ("events?q=", &theirs.event),
        ("deliveries?destination=", &theirs.destination),
        ("deliveries?connection=", &theirs.connection),
        ("requests?source=", &theirs.source),
        ("calls?source=", &theirs.source),
        ("audit?target=", &theirs.source),
        ("audit?actor=", &theirs.member),
    ];
    for (path, id) in filters {
        let nobodys_id = unknown(id);
        let somebodys = stranger.browser.get(&format!("/t/{}/{path}{id}", house.other_tenant)).await;
        let nobodys = stranger.browser.get(&format!("/t/{}/{path}{nobodys_id}", house.other_tenant)).await;
        let hidden = [id.as_str(), &nobodys_id];
        assert_eq!(shown(&somebodys, &hidden), shown(&nobodys, &hidden), "{path}");
    }
    let path = format!("/t/{}/connections/new", house.other_tenant);
    let ends = [(&theirs.source, &own.bin), (&own.source, &theirs.bin), (&theirs.source, &theirs.bin)];
    for (source, destination) in ends {
        let made = stranger.browser.post(&path, &format!("source_id={source}&destination_id={destination}")).await;
        assert_eq!(made.status, 422, "{source} to {destination}");
    }
}

/// First all that the role may not, which leaves no trace, then all that it may.
async fn in_a_role(house: &House, pages: &[Page], role: &str) {
    let things = house.things().await;
    let email = house.email(role);
    let mut visitor = house.visitor(&email).await;
    house.visitor(&email).await;
    let before = Footprint::of(house).await;
    let is_open = |page: &Page| match page.who {
        For::Anybody | For::LoggedIn => true,
        For::Member(permission) => may(role, permission),
    };
    for page in pages.iter().filter(|page| !is_open(page)) {
        let path = house.path(page, &things, &house.own_tenant);
        let refused = visitor.ask(page, &path, &filled(page.fields, &things)).await;
        let For::Member(permission) = page.who else { unreachable!("only members are refused") };
        let says = String::from_utf8_lossy(&refused.body).contains(permission);
        assert_eq!((refused.status, says), (403, true), "{} as {role}", page.name);
    }
    assert_eq!(Footprint::of(house).await, before, "what {role} was refused left a trace");
    // A password that is given anew changes the session, and with it the token of its forms.
    let mut is_changed = true;
    for page in pages.iter().filter(|page| page.who != For::Anybody && is_open(page)) {
        let mut path = house.path(page, &things, &house.own_tenant);
        if is_changed {
            visitor.renew().await;
        }
        is_changed = page.who == For::LoggedIn;
        if page.who == For::LoggedIn {
            path = page.path.replace("{id}", visitor.sessions.first().map_or("", String::as_str));
        }
        let answer = visitor.ask(page, &path, &filled(page.fields, &things)).await;
        assert_eq!(answer.status, page.good, "{} as {role}: {}", page.name, String::from_utf8_lossy(&answer.body));
    }
    assert!(!visitor.browser.is_logged_in().await, "{role} has logged out");
}
