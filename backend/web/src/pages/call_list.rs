//! `/t/{tenant}/calls`: the requests that Postern makes for the tenant.

use actix_web::{HttpResponse, web::Data};
use postern_domain::call::CallState;
use postern_frontend::{
    format, links,
    pages::calls::{CallFilter, CallList, CallRow},
    shell::Section,
};
use postern_store::{
    calls::{self, Call},
    read::Slice,
};

use super::{
    Halt,
    answer::{self, Nonce},
    call::state,
    list::{self, Asked, Names},
    rows::shown,
};
use crate::{
    App,
    auth::{CallsRead, Member},
    query::Query,
};

pub(super) async fn show(
    member: Member<CallsRead>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let mut asked = Asked::of(query?);
    let wanted = calls::CallFilter {
        state: asked.parsed("state", "There is no such state.", CallState::parse),
        source: asked.parsed("source", "There is no such source.", |text| text.parse().ok()),
    };
    let (from, to) = (asked.moment("from"), asked.moment("to"));
    let store = app.engine.store.tenant(member.scope());
    let names = Names::read(&store, member.scope()).await?;
    let filter = CallFilter {
        state: asked.select("state", list::choices(CallState::ALL.map(CallState::as_str))),
        source: asked.select("source", names.source_choices()),
        from: asked.field("from"),
        to: asked.field("to"),
    };
    let (here, filtered) = (asked.here(&links::calls(&names.tenant)), asked.is_filtered());
    let (mut problem, done) = (asked.problem.take(), asked.done.take());
    let page = asked.page(&app, member.scope(), "page:calls")?;
    let slice = match problem {
        Some(_) => Slice::default(),
        None => list::or_problem(store.list_calls(wanted, &page.window(from, to)).await, &mut problem)?,
    };
    let found = page.answer_slice(slice, |call| row(&names, call));
    let view = CallList {
        shell: answer::shell(&app, &member, Section::Calls, done.as_deref(), &nonce).await?,
        filter,
        filtered,
        rows: found.data,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
        problem,
        curl: curl(&app.settings.public_url),
    };
    Ok(answer::show(&view, &nonce))
}

fn row(names: &Names, call: Call) -> CallRow {
    CallRow {
        href: links::call(&names.tenant, &call.id.to_string()),
        id: call.id.to_string(),
        target: format!("{} {}", call.method, call.url),
        source: names.source(call.source),
        state: state(call.state),
        note: match (call.error, call.response) {
            (Some(error), _) => error.detail,
            (None, Some(response)) => response.status.to_string(),
            (None, None) => String::new(),
        },
        attempts: format::count(u64::try_from(call.attempts).unwrap_or(0)),
        next: call.due_at.map(shown),
        created: shown(call.created_at),
    }
}

fn curl(public_url: &str) -> String {
    let body = r#"{"request":{"method":"GET","url":"https://example.com/"},"metadata":{"order":7}}"#;
    format!(
        "curl {public_url}/api/v1/calls -H \"authorization: Bearer $KEY\" -H 'content-type: application/json' -d '{body}'"
    )
}
