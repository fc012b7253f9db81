//! API keys: looked at, made and shown once, revoked.

use actix_web::{
    HttpResponse, ResponseError,
    http::{Method, StatusCode},
    web::{self, Data, ServiceConfig},
};
use postern_domain::{ApiKeyId, Timestamp, permission::Permission};
use postern_frontend::{
    format, links,
    pages::{
        key_form::{KeyEditor, KeyForm, ScopeBox, ScopeGroup},
        key_made::KeyMade,
        keys::{KeyList, KeyRow},
    },
    parts::Paging,
    shell::Section,
    state::State,
};
use postern_pipeline::configure::{
    Done,
    api_key::{self, NewApiKey},
};
use postern_store::tenant::ApiKey;

use super::{
    Halt, answer,
    answer::Nonce,
    config_rows::{self, Deletion},
    event_curl::quoted,
    posted::Posted,
};
use crate::{
    App,
    auth::{KeysRead, KeysWrite, Member},
    path::PathId,
    problem::Problem,
    query::Query,
    route::resource,
};

const DAY_S: i64 = 86_400;
const SOON_S: i64 = 14 * DAY_S;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/keys", [(Method::GET, web::get().to(list))]))
        .service(resource(
            "/t/{tenant}/keys/new",
            [(Method::GET, web::get().to(form)), (Method::POST, web::post().to(create))],
        ))
        .service(resource(
            "/t/{tenant}/keys/{id}/delete",
            [(Method::GET, web::get().to(ask)), (Method::POST, web::post().to(revoke))],
        ));
}

async fn list(app: Data<App>, member: Member<KeysRead>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let mut query = query?.without_empty();
    let done = query.text("done");
    let page = query.page(&app, member.scope(), "page:keys")?;
    let nonce = Nonce::fresh();
    let shell = answer::shell(&app, &member, Section::Keys, done.as_deref(), &nonce).await?;
    let store = app.engine.store.tenant(member.scope());
    let rows = store.api_keys().list(page.after().map(ApiKeyId::from_uuid), page.fetch()).await?;
    let (now, here) = (app.engine.clock.now(), links::keys(&shell.tenant_id));
    let position = |row: &ApiKey| row.id.uuid().as_bytes().to_vec();
    let slice = page.answer(rows, position, |row| shown(&row, &shell.tenant_id, now));
    let older = slice.next_cursor.map(|cursor| links::with_query(&here, &[("cursor", &cursor)]));
    let newest = page.after().map(|_| here.clone());
    Ok(answer::show(&KeyList { shell, rows: slice.data, paging: Paging { older, newest } }, &nonce))
}

fn shown(key: &ApiKey, tenant: &str, now: Timestamp) -> KeyRow {
    let id = key.id.to_string();
    let left_s = key.expires_at.map(|at| at.as_secs() - now.as_secs());
    KeyRow {
        revoke_href: Some(links::verb(&links::key(tenant, &id), "delete")),
        name: key.name.clone(),
        prefix: format!("pst_live_{}_", key.public_id),
        scopes: key.scopes.iter().map(|scope| scope.as_str().to_owned()).collect(),
        allowed_ips: key.allowed_ips.to_strings(),
        created_by: key.created_by.clone(),
        created: format::moment(key.created_at.as_micros()),
        expires: key.expires_at.map(|at| format::moment(at.as_micros())),
        expires_soon: left_s.is_some_and(|left| (0..SOON_S).contains(&left)),
        last_used: key.last_used_at.map(|at| format::moment(at.as_micros())),
        state: if left_s.is_some_and(|left| left <= 0) { State::Expired } else { State::Active },
        id,
    }
}

async fn form(app: Data<App>, member: Member<KeysWrite>) -> Result<HttpResponse, Halt> {
    editor(&app, &member, StatusCode::OK, KeyForm::default(), &[]).await
}

async fn create(app: Data<App>, member: Member<KeysWrite>, posted: Posted) -> Result<HttpResponse, Halt> {
    let scopes = posted.all("scopes");
    let days: Option<i64> = posted.text("expires").parse().ok().filter(|days| (1..=3_650).contains(days));
    let new = NewApiKey {
        name: posted.text("name").to_owned(),
        scopes: scopes.clone(),
        allowed_ips: posted.lines("allowed_ips"),
        expires_at: days.map(|days| app.engine.clock.now().plus_secs(days * DAY_S)),
        own: member.role().permissions().to_vec(),
    };
    match api_key::create(&app.engine, &member.by(), new, |_| (0, String::new())).await {
        Ok(Done::Now(made)) => {
            let nonce = Nonce::fresh();
            let shell = answer::shell(&app, &member, Section::Keys, None, &nonce).await?;
            let url = app.settings.public_url.trim_end_matches('/');
            let key = made.text.expose().clone();
            let curl = format!(
                "curl -H {} {}",
                quoted(&format!("Authorization: Bearer {key}")),
                quoted(&format!("{url}/api/v1/events?limit=1"))
            );
            Ok(answer::show(&KeyMade { shell, name: made.key.name, key, curl }, &nonce))
        }
        Ok(Done::Before { .. }) => Err(Problem::internal(&"a form is not repeated").into()),
        Err(cause) => {
            let problem = Problem::from(cause);
            let mut form = KeyForm::default();
            form.name.value = posted.text("name").to_owned();
            form.allowed_ips.value = posted.text("allowed_ips").to_owned();
            form.expires.value = posted.text("expires").to_owned();
            if !answer::explain(&mut form, &problem) {
                return Err(problem.into());
            }
            editor(&app, &member, problem.status_code(), form, &scopes).await
        }
    }
}

async fn editor(
    app: &App,
    member: &Member<KeysWrite>,
    status: StatusCode,
    form: KeyForm,
    ticked: &[String],
) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Keys, None, &nonce).await?;
    let mut groups: Vec<ScopeGroup> = Vec::new();
    for permission in member.role().permissions() {
        let noun = permission.as_str().split(':').next().unwrap_or_default();
        let scope = ScopeBox {
            value: permission.as_str().to_owned(),
            text: sentence(*permission).to_owned(),
            checked: ticked.iter().any(|ticked| ticked == permission.as_str()),
        };
        let title = if noun == "keys" { "API keys".to_owned() } else { capital(noun) };
        match groups.iter_mut().find(|group| group.title == title) {
            Some(group) => group.scopes.push(scope),
            None => groups.push(ScopeGroup { title, scopes: vec![scope] }),
        }
    }
    Ok(answer::html(status, &KeyEditor { shell, form, groups }, &nonce))
}

fn capital(noun: &str) -> String {
    let mut letters = noun.chars();
    letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
}

const fn sentence(permission: Permission) -> &'static str {
    match permission {
        Permission::EventsRead => "look at events and their payloads",
        Permission::EventsWrite => "publish events",
        Permission::SourcesRead => "look at sources",
        Permission::SourcesWrite => "make, change and delete sources",
        Permission::DestinationsRead => "look at destinations",
        Permission::DestinationsWrite => "make, change and delete destinations",
        Permission::ConnectionsRead => "look at connections",
        Permission::ConnectionsWrite => "make, change and delete connections",
        Permission::DeliveriesRead => "look at deliveries and attempts",
        Permission::DeliveriesWrite => "retry and cancel deliveries",
        Permission::QueuesPull => "lease deliveries of queues, acknowledge them and give them back",
        Permission::RequestsRead => "look at refused and duplicate requests",
        Permission::CallsRead => "look at calls and their results",
        Permission::CallsWrite => "make, cancel and repeat calls",
        Permission::KeysRead => "look at API keys",
        Permission::KeysWrite => "make and revoke API keys",
        Permission::AuditRead => "read the audit log",
        Permission::MembersRead => "look at members",
        Permission::MembersWrite => "add, change and remove members",
    }
}

async fn ask(
    app: Data<App>,
    member: Member<KeysWrite>,
    id: Result<PathId<ApiKeyId>, Halt>,
) -> Result<HttpResponse, Halt> {
    let store = app.engine.store.tenant(member.scope());
    let key = store.api_keys().find(id?.0).await?.ok_or_else(Problem::not_found)?;
    let tenant = member.membership.tenant.to_string();
    let asked = Deletion {
        verb: "Revoke key",
        consequences: vec!["Programs that use it are refused from now on. This cannot be undone.".to_owned()],
        here: links::key(&tenant, &key.id.to_string()),
        cancel_href: links::keys(&tenant),
        thing: key.name,
    };
    config_rows::confirm(&app, &member, Section::Keys, asked).await
}

async fn revoke(
    app: Data<App>,
    member: Member<KeysWrite>,
    id: Result<PathId<ApiKeyId>, Halt>,
    _posted: Posted,
) -> Result<HttpResponse, Halt> {
    api_key::revoke(&app.engine, &member.by(), id?.0, |()| (0, String::new())).await?;
    Ok(answer::done(&links::keys(&member.membership.tenant.to_string()), "revoked"))
}
