//! `/t/{tenant}/requests`: what was refused, and duplicates.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_frontend::{
    links,
    pages::requests::{RequestFilter, RequestList},
    shell::Section,
};
use postern_store::read::{self, RequestOutcome, Slice};

use super::{
    Halt,
    answer::{self, Nonce},
    list::{self, Asked, Names},
    rows,
};
use crate::{
    App,
    auth::{Member, RequestsRead},
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/t/{tenant}/requests", [(Method::GET, web::get().to(show))]));
}

async fn show(member: Member<RequestsRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let mut asked = Asked::of(query?);
    let wanted = read::RequestFilter {
        outcome: asked.parsed("outcome", "There is no such outcome.", RequestOutcome::parse),
        source: asked.parsed("source", "There is no such source.", |text| text.parse().ok()),
    };
    let (from, to) = (asked.moment("from"), asked.moment("to"));
    let store = app.engine.store.tenant(member.scope());
    let names = Names::read(&store, member.scope()).await?;
    let filter = RequestFilter {
        outcome: asked.select(
            "outcome",
            list::choices(
                [RequestOutcome::Refused, RequestOutcome::Duplicate, RequestOutcome::Flagged]
                    .map(RequestOutcome::as_str),
            ),
        ),
        source: asked.select("source", names.source_choices()),
        from: asked.field("from"),
        to: asked.field("to"),
    };
    let (here, filtered) = (asked.here(&links::requests(&names.tenant)), asked.is_filtered());
    let (mut problem, done) = (asked.problem.take(), asked.done.take());
    let page = asked.page(&app, member.scope(), "page:requests")?;
    let slice = match problem {
        Some(_) => Slice::default(),
        None => list::or_problem(store.list_requests(wanted, &page.window(from, to)).await, &mut problem)?,
    };
    let found = page.answer_slice(slice, |request| request);
    let shown = RequestList {
        shell: answer::shell(&app, &member, Section::Requests, done.as_deref(), &nonce).await?,
        filter,
        filtered,
        rows: rows::requests(&names, found.data),
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
        problem,
    };
    Ok(answer::show(&shown, &nonce))
}
