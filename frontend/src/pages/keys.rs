//! The API keys of a tenant.

use askama::Template;

use crate::{
    Sample,
    format::Moment,
    parts::Paging,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
    state::State,
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/keys.html")]
pub struct KeyList {
    pub shell: Shell,
    pub rows: Vec<KeyRow>,
    pub paging: Paging,
}

#[derive(Clone, Debug)]
pub struct KeyRow {
    pub id: String,
    pub name: String,
    /// How the key begins.
    pub prefix: String,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub created_by: String,
    pub created: Moment,
    /// None: never.
    pub expires: Option<Moment>,
    /// In less than two weeks.
    pub expires_soon: bool,
    pub last_used: Option<Moment>,
    /// Active or expired.
    pub state: State,
    /// To the page that asks before it revokes; none for who may not.
    pub revoke_href: Option<String>,
}

impl Sample for KeyList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Keys),
            rows: taste.list(row),
            paging: rows::paging(taste),
        })
    }
}

fn row(taste: Taste, place: usize) -> KeyRow {
    KeyRow {
        id: sample::id("key", place),
        name: taste.name("checkout"),
        prefix: "pst_live_3fK9".to_owned(),
        scopes: taste.list(|_, place| ["events:read", "events:write", "sources:read"][place].to_owned()),
        allowed_ips: if place == 0 { Vec::new() } else { taste.list(|taste, _| taste.name("192.0.2.0/24")) },
        created_by: taste.name("ops@example.com"),
        created: sample::moment(place),
        expires: (place > 0).then(|| sample::moment(place)),
        expires_soon: place == 1,
        last_used: (place != 1).then(|| sample::moment(place)),
        state: [State::Active, State::Active, State::Expired][place],
        revoke_href: Some(format!("/t/x/keys/{place}/revoke")),
    }
}
