//! Making and changing a source by a form.

use actix_web::{http::StatusCode, web::Data};
use postern_domain::{dedup::DedupSpec, source::SourceKind};
use postern_frontend::{
    form::Form,
    links,
    pages::source_form::{SourceEditor, SourceForm},
    shell::Section,
};
use postern_pipeline::configure::source::{self as verbs, NewSource, SourceChange};
use postern_store::tenant::Source;
use serde_json::{Map, Value};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer},
    posted::Posted,
    source::find,
};
use crate::{
    App,
    auth::{Member, SourcesWrite},
    path::PathId,
    problem::Problem,
    query::Query,
};

type Id = Result<PathId<postern_domain::SourceId>, Halt>;

/// Senders that sign in a way of their own; the other words are schemes.
const PROVIDERS: [&str; 3] = ["stripe", "github", "standard-webhooks"];
const PUBLISH: &str = "publish";

pub(super) async fn new(member: Member<SourcesWrite>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let mut form = SourceForm::default();
    form.provider.value = query.text("provider").unwrap_or_default();
    query.finish()?;
    page(&app, &member, StatusCode::OK, None, form).await
}

pub(super) async fn edit(member: Member<SourcesWrite>, app: Data<App>, id: Id) -> Answer {
    let source = find(&rows::store(&app, &member), id).await?;
    let form = filled(&source);
    page(&app, &member, StatusCode::OK, Some(&source), form).await
}

pub(super) async fn create(member: Member<SourcesWrite>, app: Data<App>, posted: Posted) -> Answer {
    let tried = match read_new(&posted) {
        Ok(new) => verbs::create(&app.engine, &member.by(), new, rows::forget).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(done) => {
            let id = rows::made(done)?.id.to_string();
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &id), "created"))
        }
        Err(problem) => again(&app, &member, None, &posted, problem).await,
    }
}

pub(super) async fn save(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let source = find(&rows::store(&app, &member), id).await?;
    let tried = match read_change(&posted, &source) {
        Ok(change) => {
            let change = (source.id, change);
            verbs::update(&app.engine, &member.by(), change, rows::forget).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(done) => {
            let after = rows::made(done)?;
            let word = if after.updated_at == source.updated_at { "unchanged" } else { "saved" };
            Ok(answer::done(&links::source(&member.membership.tenant.to_string(), &after.id.to_string()), word))
        }
        Err(problem) => again(&app, &member, Some(&source), &posted, problem).await,
    }
}

/// The form as it was typed, without its secrets, and with what is wrong beside its fields.
async fn again(
    app: &Data<App>,
    member: &Member<SourcesWrite>,
    source: Option<&Source>,
    posted: &Posted,
    problem: Problem,
) -> Answer {
    let mut form = source.map(filled).unwrap_or_default();
    for field in form.fields_mut() {
        // Who sends is fixed once the source exists; a field that this sender does not have was not sent.
        let is_fixed = field.name == "provider" && source.is_some();
        if !is_fixed && field.name != "secrets" && !posted.all(&field.name).is_empty() {
            field.value = posted.text(&field.name).to_owned();
        }
    }
    if !answer::explain(&mut form, &problem) {
        return Err(problem.into());
    }
    page(app, member, problem.code().status(), source, form).await
}

async fn page(
    app: &Data<App>,
    member: &Member<SourcesWrite>,
    status: StatusCode,
    source: Option<&Source>,
    form: SourceForm,
) -> Answer {
    let nonce = Nonce::fresh();
    let view = SourceEditor {
        shell: answer::shell(app, member, Section::Sources, None, &nonce).await?,
        id: source.map(|source| source.id.to_string()),
        title: source.map(|source| source.name.clone()).unwrap_or_default(),
        form,
        secrets_kept: source.map_or(0, |source| source.secrets.len()),
    };
    Ok(answer::html(status, &view, &nonce))
}

fn sender(source: &Source) -> &str {
    match source.kind {
        SourceKind::Publish => PUBLISH,
        SourceKind::Webhook => source.provider.as_deref().or(source.scheme.as_deref()).unwrap_or("none"),
    }
}

fn filled(source: &Source) -> SourceForm {
    let mut form = SourceForm::default();
    form.name.value.clone_from(&source.name);
    sender(source).clone_into(&mut form.provider.value);
    for field in form.fields_mut() {
        let kept = field.name.strip_prefix("config.").and_then(|name| source.config.get(name));
        if let Some(value) = kept {
            field.value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        }
    }
    form.dedup_key.value.clone_from(&source.dedup.key);
    form.dedup_window_s.value = source.dedup.window_s.to_string();
    form.allowed_ips.value = source.allowed_ips.to_strings().join("\n");
    form.max_body_bytes.value = source.max_body_bytes.to_string();
    form
}

fn read_new(posted: &Posted) -> Result<NewSource, Problem> {
    let sender = posted.text("provider");
    let is_publish = sender == PUBLISH;
    let is_provider = PROVIDERS.contains(&sender);
    Ok(NewSource {
        name: posted.text("name").to_owned(),
        kind: if is_publish { SourceKind::Publish } else { SourceKind::Webhook },
        provider: is_provider.then(|| sender.to_owned()),
        scheme: (!is_provider && !is_publish).then(|| sender.to_owned()),
        secrets: secrets(posted).unwrap_or_default(),
        public_keys: Vec::new(),
        config: if is_publish { None } else { Some(config(posted, sender, Map::new())?) },
        public_url: None,
        allowed_ips: posted.lines("allowed_ips"),
        dedup: dedup(posted)?,
        answer: None,
        max_body_bytes: posted.number("max_body_bytes")?,
        rate_limit: None,
    })
}

fn read_change(posted: &Posted, source: &Source) -> Result<SourceChange, Problem> {
    let sender = sender(source);
    let is_webhook = source.kind == SourceKind::Webhook;
    let kept = source.config.as_object().cloned().unwrap_or_default();
    Ok(SourceChange {
        name: Some(posted.text("name").to_owned()),
        secrets: secrets(posted),
        config: if is_webhook { Some(config(posted, sender, kept)?) } else { None },
        allowed_ips: is_webhook.then(|| posted.lines("allowed_ips")),
        dedup: dedup(posted)?,
        max_body_bytes: posted.number("max_body_bytes")?,
        ..SourceChange::default()
    })
}

/// None typed: those that are kept stay.
fn secrets(posted: &Posted) -> Option<Vec<postern_domain::Secret<String>>> {
    let lines = posted.lines("secrets");
    (!lines.is_empty()).then(|| lines.into_iter().map(postern_domain::Secret::new).collect())
}

fn dedup(posted: &Posted) -> Result<Option<DedupSpec>, Problem> {
    let default = DedupSpec::default();
    Ok(Some(DedupSpec {
        key: posted.optional("dedup.key").unwrap_or(default.key),
        window_s: posted.number("dedup.window_s")?.unwrap_or(default.window_s),
    }))
}

/// What the form asks of this sender. What it does not ask stays as it is in `kept`.
fn config(posted: &Posted, sender: &str, mut kept: Map<String, Value>) -> Result<Value, Problem> {
    const NAMING: [&str; 2] = ["config.id_header", "config.type_header"];
    let own: &[&str] = match sender {
        "hmac" => &[
            "config.header",
            "config.prefix",
            "config.algorithm",
            "config.encoding",
            "config.secret_encoding",
            "config.template",
            "config.timestamp_header",
            "config.timestamp_unit",
        ],
        "token" => &["config.header", "config.prefix"],
        _ => &[],
    };
    let naming: &[&str] = if PROVIDERS.contains(&sender) { &[] } else { &NAMING };
    for name in own.iter().chain(naming) {
        // The unit is a select, which always has a value; without a timestamp it says nothing.
        let is_idle = *name == "config.timestamp_unit" && posted.optional("config.timestamp_header").is_none();
        set(&mut kept, name, posted.optional(name).filter(|_| !is_idle).map(Value::String));
    }
    if ["hmac", "stripe", "standard-webhooks"].contains(&sender) {
        set(&mut kept, "config.tolerance_s", posted.number::<i64>("config.tolerance_s")?.map(Value::from));
    }
    Ok(Value::Object(kept))
}

fn set(config: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    let key = name.strip_prefix("config.").unwrap_or(name);
    match value {
        Some(value) => {
            config.insert(key.to_owned(), value);
        }
        None => {
            config.remove(key);
        }
    }
}
