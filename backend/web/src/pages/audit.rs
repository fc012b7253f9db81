//! The audit log, looked at with filters.

use std::collections::HashMap;

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::TenantScope;
use postern_frontend::{
    format, links,
    pages::audit::{AuditFilter as Shown, AuditList, AuditRow, FieldChange},
    shell::Section,
};
use postern_store::{
    TenantStore,
    tenant::{AuditEntry, AuditFilter},
};
use serde_json::Value;

use super::{
    Halt, answer,
    answer::Nonce,
    export,
    list::{self, Asked, Names},
};
use crate::{
    App,
    auth::{AuditRead, Member},
    export::Format,
    query::Query,
    route::resource,
};

const MAX_ACTORS: u64 = 1_000;
const SHOWN_LEN: usize = 300;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/audit", [(Method::GET, web::get().to(list))]))
        .service(resource("/t/{tenant}/audit/export", [(Method::GET, web::get().to(export::audit))]));
}

/// What ids in the log are called.
pub(super) struct Called {
    names: Names,
    /// Users by their e-mail address, keys by their name.
    actors: HashMap<String, String>,
}

impl Called {
    pub(super) async fn read(store: &TenantStore, scope: TenantScope) -> Result<Self, Halt> {
        let names = Names::read(store, scope).await?;
        let members = store.members(None, MAX_ACTORS).await?;
        let keys = store.api_keys().list(None, MAX_ACTORS).await?;
        let members = members.into_iter().map(|member| (member.user.to_string(), member.email));
        let keys = keys.into_iter().map(|key| (key.id.to_string(), format!("key {}", key.name)));
        Ok(Self { names, actors: members.chain(keys).collect() })
    }

    /// Who it was, by kind and id.
    pub(super) fn actor(&self, kind: &str, id: &str) -> String {
        match kind {
            "engine" => "Postern".to_owned(),
            "operator" => "operator".to_owned(),
            _ => self.actors.get(id).map_or(id, String::as_str).to_owned(),
        }
    }

    /// The id of who is called so.
    fn id_of(&self, name: String) -> String {
        let found = self.actors.iter().find(|(_, known)| known.eq_ignore_ascii_case(name.trim()));
        found.map_or(name, |(id, _)| id.clone())
    }
}

pub(super) fn wanted(asked: &mut Asked, called: &Called) -> AuditFilter {
    AuditFilter {
        actor: asked.text("actor").map(|name| called.id_of(name)),
        action: asked.text("action"),
        target: asked.text("target"),
        from: asked.moment("from"),
        to: asked.moment("to"),
    }
}

async fn list(member: Member<AuditRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut asked = Asked::of(query?);
    let store = app.engine.store.tenant(member.scope());
    let called = Called::read(&store, member.scope()).await?;
    let filter = wanted(&mut asked, &called);
    let tenant = member.membership.tenant.to_string();
    let export = asked.here(&links::verb(&links::audit(&tenant), "export"));
    let (here, filtered, problem) = (asked.here(&links::audit(&tenant)), asked.is_filtered(), asked.problem.take());
    let shown = Shown {
        actor: asked.field("actor"),
        action: asked.field("action"),
        target: asked.field("target"),
        from: asked.field("from"),
        to: asked.field("to"),
    };
    let page = asked.page(&app, member.scope(), "page:audit")?;
    let after = page.after_bytes().and_then(|bytes| bytes.try_into().ok()).map(i64::from_be_bytes);
    let entries = match problem {
        Some(_) => Vec::new(),
        None => store.audit(&filter, after, page.fetch()).await?,
    };
    let slice =
        page.answer(entries, |entry: &AuditEntry| entry.seq.to_be_bytes().to_vec(), |entry| row(&entry, &called));
    let nonce = Nonce::fresh();
    let page = AuditList {
        shell: answer::shell(&app, &member, Section::Audit, None, &nonce).await?,
        filter: shown,
        filtered,
        rows: slice.data,
        paging: list::paging(&here, &page, slice.next_cursor.as_deref()),
        csv_href: export::href(&export, Format::Csv),
        jsonl_href: export::href(&export, Format::Jsonl),
        problem,
    };
    Ok(answer::show(&page, &nonce))
}

fn row(entry: &AuditEntry, called: &Called) -> AuditRow {
    AuditRow {
        seq: format::count(u64::try_from(entry.seq).unwrap_or(0)),
        at: format::moment_ms(entry.at.as_micros()),
        actor: called.actor(&entry.actor_kind, &entry.actor_id),
        remote: entry.remote.clone(),
        action: entry.action.clone(),
        target: entry.target.clone(),
        target_href: called.names.href(&entry.target),
        changes: changes(&entry.data),
    }
}

/// What differs between before and after; of what is new or gone, all that says something. What an entry says beside that,
/// as it is.
fn changes(data: &Value) -> Vec<FieldChange> {
    let part = |name: &str| data.get(name).and_then(Value::as_object).cloned().unwrap_or_default();
    let (before, after) = (part("before"), part("after"));
    let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let mut all: Vec<FieldChange> = names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange { field: name.clone(), before: text(before.get(name)), after: text(after.get(name)) })
        .filter(|change| !(change.before.is_empty() && change.after.is_empty()))
        .collect();
    // Secrets are in neither; that they changed stands in the list.
    let changed = data.get("changed").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in changed.iter().filter_map(Value::as_str) {
        if !all.iter().any(|change| change.field == name) {
            all.push(FieldChange { field: name.to_owned(), before: "secret".to_owned(), after: "changed".to_owned() });
        }
    }
    let said = data.as_object().into_iter().flatten();
    let said = said.filter(|(name, _)| !["before", "after", "changed"].contains(&name.as_str()));
    all.extend(
        said.map(|(name, value)| FieldChange { field: name.clone(), before: String::new(), after: text(Some(value)) })
            .filter(|said| !said.after.is_empty()),
    );
    all
}

fn text(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::Array(list)) if list.is_empty() => String::new(),
        Some(Value::Object(object)) if object.is_empty() => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    text.chars().take(SHOWN_LEN).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_entry_says_beside_changes_is_shown() {
        let data = json!({ "from": { "value": 7 }, "to": null, "reason": "read it again", "replay": true });
        let shown: Vec<(String, String)> =
            changes(&data).into_iter().map(|change| (change.field, change.after)).collect();
        let shown: Vec<(&str, &str)> = shown.iter().map(|(field, after)| (field.as_str(), after.as_str())).collect();
        assert_eq!(shown, [("from", "{\"value\":7}"), ("reason", "read it again"), ("replay", "true")]);
    }

    #[test]
    fn changes_name_what_differs_and_secrets_only_by_name() {
        let data = json!({ "before": { "name": "a", "url": "x" }, "after": { "name": "b", "url": "x" }, "changed": ["name", "secrets"] });
        let changes = changes(&data);
        let shown: Vec<(&str, &str, &str)> = changes
            .iter()
            .map(|change| (change.field.as_str(), change.before.as_str(), change.after.as_str()))
            .collect();
        assert_eq!(shown, [("name", "a", "b"), ("secrets", "secret", "changed")]);
    }
}
