//! Who changed, revealed or exported what.

use askama::Template;

use crate::{
    Sample,
    form::Field,
    format::{self, Moment},
    parts::Paging,
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/audit.html")]
pub struct AuditList {
    pub shell: Shell,
    pub filter: AuditFilter,
    pub filtered: bool,
    pub rows: Vec<AuditRow>,
    pub paging: Paging,
    /// With the same filter.
    pub csv_href: String,
    pub jsonl_href: String,
    /// A filter that could not be read, in words.
    pub problem: Option<String>,
}

/// Names: `actor`, `action`, `target`, `from`, `to`.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    pub actor: Field,
    pub action: Field,
    pub target: Field,
    pub from: Field,
    pub to: Field,
}

#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its place in the chain.
    pub seq: String,
    pub at: Moment,
    /// `ops@example.com`, `key ci`, `Postern`.
    pub actor: String,
    /// May be empty.
    pub remote: String,
    /// `destination.paused`.
    pub action: String,
    pub target: String,
    /// Where it still exists.
    pub target_href: Option<String>,
    pub changes: Vec<FieldChange>,
}

impl AuditRow {
    /// Folded, so that the entry stays a row.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.changes.len() > 3
    }
}

/// Secrets come as `changed`.
#[derive(Clone, Debug)]
pub struct FieldChange {
    pub field: String,
    /// Empty when there was none.
    pub before: String,
    pub after: String,
}

impl Sample for AuditList {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| Self {
            shell: taste.shell(Section::Audit),
            filter: AuditFilter {
                actor: rows::typed("actor", taste),
                action: rows::typed("action", taste),
                target: rows::typed("target", taste),
                from: rows::at("from", taste),
                to: rows::at("to", taste),
            },
            filtered: taste == Taste::Hostile,
            rows: taste.list(row),
            paging: rows::paging(taste),
            csv_href: taste.name("/t/x/audit/export?format=csv&actor=a"),
            jsonl_href: taste.name("/t/x/audit/export?format=jsonl"),
            problem: None,
        })
    }
}

fn row(taste: Taste, place: usize) -> AuditRow {
    let change = |taste: Taste, place| FieldChange {
        field: taste.name("timeout_ms"),
        before: if place == 0 { String::new() } else { taste.name("15000") },
        after: taste.name("30000"),
    };
    AuditRow {
        seq: format::count(48_211 - place as u64),
        at: sample::moment(place),
        actor: taste.name("ops@example.com"),
        remote: if place == 0 { String::new() } else { "203.0.113.7".to_owned() },
        action: taste.name("destination.updated"),
        target: taste.name("dst_01jd9k7w"),
        target_href: (place != 1).then(|| "/t/x/destinations/y".to_owned()),
        changes: if place == 2 { Vec::new() } else { taste.list(change) },
    }
}
