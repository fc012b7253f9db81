//! Making and changing a connection by a form.

use actix_web::{http::StatusCode, web::Data};
use postern_domain::{ConnectionId, payload::PayloadFormat};
use postern_frontend::{
    form::{Choice, Field, Form},
    links,
    pages::connection_form::{ConnectionEditor, ConnectionForm},
    shell::Section,
};
use postern_pipeline::configure::{
    MAX_PER_TENANT,
    connection::{self as verbs, ConnectionChange, NewConnection},
};
use postern_store::{TenantStore, tenant::Connection};

use super::{
    Halt,
    answer::{self, Nonce},
    config_rows::{self as rows, Answer},
    connection::{find, title},
    posted::Posted,
};
use crate::{
    App,
    auth::{ConnectionsWrite, Member},
    path::PathId,
    problem::{Code, Problem},
    query::Query,
};

type Id = Result<PathId<ConnectionId>, Halt>;

pub(super) async fn new(member: Member<ConnectionsWrite>, app: Data<App>, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let (source, destination) = (query.text("source_id"), query.text("destination_id"));
    query.finish()?;
    let ends = (source.unwrap_or_default(), destination.unwrap_or_default());
    let form = empty(&rows::store(&app, &member), ends).await?;
    page(&app, &member, StatusCode::OK, None, form).await
}

pub(super) async fn edit(member: Member<ConnectionsWrite>, app: Data<App>, id: Id) -> Answer {
    let found = find(&rows::store(&app, &member), id).await?;
    let form = filled(&found);
    page(&app, &member, StatusCode::OK, Some(&found), form).await
}

pub(super) async fn create(member: Member<ConnectionsWrite>, app: Data<App>, posted: Posted) -> Answer {
    let tried = match read_new(&posted) {
        Ok(new) => verbs::create(&app.engine, &member.by(), new, rows::forget).await.map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    let problem = match tried {
        Ok(done) => {
            let id = rows::made(done)?.id.to_string();
            return Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &id), "created"));
        }
        Err(problem) => problem,
    };
    let ends = (posted.text("source_id").to_owned(), posted.text("destination_id").to_owned());
    let mut form = empty(&rows::store(&app, &member), ends).await?;
    typed(&mut form, &posted);
    again(&app, &member, None, (form, problem)).await
}

pub(super) async fn save(member: Member<ConnectionsWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let before = find(&rows::store(&app, &member), id).await?;
    let tried = match read_change(&posted) {
        Ok(change) => {
            verbs::update(&app.engine, &member.by(), (before.id, change), rows::forget).await.map_err(Problem::from)
        }
        Err(problem) => Err(problem),
    };
    match tried {
        Ok(done) => {
            let after = rows::made(done)?;
            let word = if after.updated_at == before.updated_at { "unchanged" } else { "saved" };
            Ok(answer::done(&links::connection(&member.membership.tenant.to_string(), &after.id.to_string()), word))
        }
        Err(cause) => {
            let mut form = filled(&before);
            typed(&mut form, &posted);
            again(&app, &member, Some(&before), (form, cause)).await
        }
    }
}

/// The form with what is wrong beside its fields. An end that was deleted meanwhile is one of them.
async fn again(
    app: &Data<App>,
    member: &Member<ConnectionsWrite>,
    before: Option<&Connection>,
    (mut form, problem): (ConnectionForm, Problem),
) -> Answer {
    if problem.code() == Code::NotFound && !problem.errors().is_empty() {
        for error in problem.errors() {
            form.set_error(&error.field, &error.detail);
        }
        return page(app, member, StatusCode::UNPROCESSABLE_ENTITY, before, form).await;
    }
    if !answer::explain(&mut form, &problem) {
        return Err(problem.into());
    }
    page(app, member, problem.code().status(), before, form).await
}

async fn page(
    app: &Data<App>,
    member: &Member<ConnectionsWrite>,
    status: StatusCode,
    before: Option<&Connection>,
    form: ConnectionForm,
) -> Answer {
    let title = match before {
        Some(before) => title(&rows::ends(&rows::store(app, member), member.scope(), before).await?, before),
        None => String::new(),
    };
    let nonce = Nonce::fresh();
    let shell = answer::shell(app, member, Section::Connections, None, &nonce).await?;
    let view = ConnectionEditor { shell, id: before.map(|before| before.id.to_string()), title, form };
    Ok(answer::html(status, &view, &nonce))
}

async fn empty(store: &TenantStore, (source, destination): (String, String)) -> Result<ConnectionForm, Halt> {
    let sources = store.sources().list(None, MAX_PER_TENANT).await?;
    let destinations = store.destinations().list(None, MAX_PER_TENANT).await?;
    let sources = sources.iter().map(|found| Choice::new(found.id.to_string(), found.name.as_str()));
    let destinations = destinations.iter().map(|found| Choice::new(found.id.to_string(), found.name.as_str()));
    Ok(ConnectionForm {
        source_id: Field::select("source_id", source, sources.collect()),
        destination_id: Field::select("destination_id", destination, destinations.collect()),
        ..ConnectionForm::default()
    })
}

fn filled(connection: &Connection) -> ConnectionForm {
    let patterns: Vec<&str> = connection.event_types.iter().map(postern_domain::event_type::Pattern::as_str).collect();
    let mut form = ConnectionForm::default();
    form.event_types.value = patterns.join("\n");
    connection.payload.as_str().clone_into(&mut form.payload.value);
    form.delay_s.value = connection.delay_s.to_string();
    form
}

fn read_new(posted: &Posted) -> Result<NewConnection, Problem> {
    Ok(NewConnection {
        source: posted.text("source_id").parse().map_err(|_| Problem::invalid("source_id", "must be chosen"))?,
        destination: posted
            .text("destination_id")
            .parse()
            .map_err(|_| Problem::invalid("destination_id", "must be chosen"))?,
        event_types: posted.lines("event_types"),
        payload: read_payload(posted)?.unwrap_or_default(),
        delay_s: posted.number("delay_s")?.unwrap_or_default(),
    })
}

fn read_change(posted: &Posted) -> Result<ConnectionChange, Problem> {
    Ok(ConnectionChange {
        event_types: Some(posted.lines("event_types")),
        payload: read_payload(posted)?,
        // Nothing typed is no delay.
        delay_s: Some(posted.number("delay_s")?.unwrap_or_default()),
    })
}

fn read_payload(posted: &Posted) -> Result<Option<PayloadFormat>, Problem> {
    let chosen = Some(posted.text("payload")).filter(|text| !text.is_empty());
    let known = |text| PayloadFormat::parse(text).ok_or_else(|| Problem::invalid("payload", "must be chosen"));
    chosen.map(known).transpose()
}

/// What was typed comes back as it was.
fn typed(form: &mut ConnectionForm, posted: &Posted) {
    posted.text("event_types").clone_into(&mut form.event_types.value);
    posted.text("payload").clone_into(&mut form.payload.value);
    posted.text("delay_s").clone_into(&mut form.delay_s.value);
}
