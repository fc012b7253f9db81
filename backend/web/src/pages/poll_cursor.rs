//! The cursor of a source by its page: where it stands, how it came there, and a way to somewhere else.

use actix_web::{http::StatusCode, web::Data};
use postern_domain::SourceId;
use postern_frontend::{
    form::Form,
    links,
    pages::poll_cursor::{MoveForm, MoveRow, PollCursor},
    parts::Fact,
    poll::CursorStep,
    shell::Section,
};
use postern_pipeline::{
    configure::poll::{self, Moved},
    polling::TestResult,
};
use postern_polling::CursorMode;
use postern_store::{
    polling::{Keys, MoveRead, PollState},
    tenant::Source,
};
use serde_json::Value;

use super::{
    Halt,
    answer::{self, Nonce},
    audit::Called,
    config_rows::{self as configured, Answer},
    list,
    poll_run::polling_source,
    poll_tried::{self, InForm},
    poll_words as words,
    posted::Posted,
    rows::{self, shown},
};
use crate::{
    App,
    auth::{Member, Need, SourcesRead, SourcesWrite},
    page::PageRequest,
    path::PathId,
    poll_trial::{self, Asked},
    problem::Problem,
    query::Query,
};

type Id = Result<PathId<SourceId>, Halt>;

pub(super) async fn show(member: Member<SourcesRead>, app: Data<App>, id: Id, query: Result<Query, Halt>) -> Answer {
    let mut query = query?.without_empty();
    let done = query.aside("done");
    let source = polling_source(&configured::store(&app, &member), id).await?;
    let page = query.page(&app, member.scope(), &list_name(&source))?;
    let view = Shown { source, form: MoveForm::default(), tried: None, can_move: false, done, page };
    self::page(&app, &member, StatusCode::OK, view).await
}

/// The first button shows what a run from there would find; only then there is a second, which moves.
pub(super) async fn change(member: Member<SourcesWrite>, app: Data<App>, id: Id, posted: Posted) -> Answer {
    let source = polling_source(&configured::store(&app, &member), id).await?;
    let mut form = MoveForm::default();
    for field in form.fields_mut() {
        posted.text(&field.name).clone_into(&mut field.value);
    }
    let is_seen = posted.all("seen").first().is_some_and(|seen| seen == posted.text("to"));
    let moves = is_seen && posted.text("do") == "move";
    let tried = match read(&source, &posted) {
        Ok(to) if moves => move_to(&app, &member, &source, to, &posted).await.map(|()| None),
        Ok(to) => {
            let asked = Asked::from_cursor(source.id, to, keys(&posted));
            poll_trial::run(&app, member.scope(), asked).await.map(Some)
        }
        Err(problem) => Err(problem),
    };
    let (status, tried) = match tried {
        Ok(None) => {
            let here = links::source(&member.membership.tenant.to_string(), &source.id.to_string());
            return Ok(answer::done(&links::verb(&here, "cursor"), "moved"));
        }
        Ok(tried) => (StatusCode::OK, tried),
        Err(problem) if answer::explain(&mut form, &problem) => (problem.code().status(), None),
        Err(problem) => return Err(problem.into()),
    };
    let page = Query::read("")?.page(&app, member.scope(), &list_name(&source))?;
    let can_move = tried.is_some() || (is_seen && form.to.error.is_none());
    self::page(&app, &member, status, Shown { source, form, tried, can_move, done: None, page }).await
}

async fn move_to(
    app: &App,
    member: &Member<SourcesWrite>,
    source: &Source,
    to: Option<Value>,
    posted: &Posted,
) -> Result<(), Problem> {
    let wish = Moved::parse(source.id, to, posted.text("reason"), keys(posted))?;
    poll::move_cursor(&app.engine, &member.by(), wish, configured::forget).await?;
    Ok(())
}

fn keys(posted: &Posted) -> Keys {
    if posted.text("replay") == "yes" { Keys::Fresh } else { Keys::Same }
}

/// What was typed, in the form that this source's cursor has.
fn read(source: &Source, posted: &Posted) -> Result<Option<Value>, Problem> {
    let settings = poll::settings_of(source)?;
    let to = posted.optional("to").map(|text| match (settings.cursor.mode, text.parse::<i64>()) {
        (CursorMode::Timestamp | CursorMode::Integer, Ok(number)) => Value::from(number),
        _ => Value::from(text),
    });
    poll::check_cursor("to", &settings, to.as_ref()).map_err(Problem::from)?;
    Ok(to)
}

fn list_name(source: &Source) -> String {
    format!("page:cursor:{}", source.id)
}

struct Shown {
    source: Source,
    form: MoveForm,
    tried: Option<TestResult>,
    can_move: bool,
    done: Option<String>,
    page: PageRequest,
}

async fn page<N: Need>(app: &Data<App>, member: &Member<N>, status: StatusCode, asked: Shown) -> Answer {
    let store = configured::store(app, member);
    let Shown { source, form, tried, can_move, done, page } = asked;
    let state = store.poll_state(source.id).await?.ok_or_else(Problem::not_found)?;
    let slice = rows::whole(store.cursor_moves(source.id, &page.window(None, None)).await)?;
    let called = Called::read(&store, member.scope()).await?;
    let found = page.answer_slice(slice, |step| row(&called, step));
    let here = links::verb(&links::source(&member.membership.tenant.to_string(), &source.id.to_string()), "cursor");
    let nonce = Nonce::fresh();
    let view = PollCursor {
        shell: answer::shell(app, member, Section::Sources, done.as_deref(), &nonce).await?,
        id: source.id.to_string(),
        facts: facts(&state),
        name: source.name,
        form,
        can_move,
        tried: tried.map(|found| poll_tried::shown(found, InForm::No)),
        moves: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
    };
    Ok(answer::html(status, &view, &nonce))
}

fn facts(state: &PollState) -> Vec<Fact> {
    let progress = &state.progress;
    let mut facts = vec![Fact::new("Cursor", words::cursor_text(progress.cursor.as_ref()))];
    let coming = progress.coming();
    if coming.is_some() && coming != progress.cursor.as_ref() {
        let text = words::cursor_text(coming);
        facts.push(Fact::new("When all pages are read", text));
    }
    if progress.resume.is_some() {
        facts.push(Fact::new("Pages", "the last run ended between two; the next goes on there"));
    }
    if state.epoch > 0 {
        facts.push(Fact::new("Times that all was sent again", state.epoch.to_string()));
    }
    facts
}

fn row(called: &Called, step: MoveRead) -> MoveRow {
    MoveRow {
        at: shown(step.at),
        who: called.actor(&step.actor_kind, &step.actor_id),
        why: step.reason,
        step: CursorStep { from: words::cursor_text(step.from.as_ref()), to: words::cursor_text(step.to.as_ref()) },
    }
}
