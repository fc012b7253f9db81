//! `/t/{tenant}/events`.

use actix_web::{
    HttpRequest, HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{delivery::EventOutcome, event_type::Pattern};
use postern_frontend::{
    links,
    pages::events::{EventFilter, EventList},
    shell::Section,
};
use postern_store::read::{self, Search, Slice};

use super::{
    Halt,
    answer::{self, Nonce},
    list::{self, Asked, Names},
    live::{self, Part},
    rows,
};
use crate::{
    App,
    auth::{EventsRead, Member},
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/events", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/live/events", [(Method::GET, web::get().to(go_on))]));
}

async fn show(member: Member<EventsRead>, app: Data<App>, query: Result<Query, Halt>) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let (mut shown, live) = list(&app, &member, query?, &nonce).await?;
    if let Some(live) = live {
        let part = Part::of(&shown.as_live(), &shown.shell.csrf)?;
        shown.shell.live_href = part.live_href(&live);
    }
    Ok(answer::show(&shown, &nonce))
}

async fn go_on(
    request: HttpRequest,
    member: Result<Member<EventsRead>, Halt>,
    app: Data<App>,
) -> Result<HttpResponse, Halt> {
    let text = request.query_string().to_owned();
    let seen = Query::read(&text)?.aside(live::SEEN);
    live::stream(&app, &request, member, seen, move |app, member| {
        let query = Query::read(&text);
        async move {
            let mut query = query?;
            query.aside(live::SEEN);
            let (shown, _) = list(&app, &member, query, &Nonce::fresh()).await?;
            Part::of(&shown.as_live(), &shown.shell.csrf)
        }
    })
    .await
}

/// The list, and where to hear what comes new on top of it: only its newest page goes on.
async fn list(
    app: &Data<App>,
    member: &Member<EventsRead>,
    query: Query,
    nonce: &Nonce,
) -> Result<(EventList, Option<String>), Halt> {
    let mut asked = Asked::of(query);
    let wanted = read::EventFilter {
        source: asked.parsed("source", "There is no such source.", |text| text.parse().ok()),
        event_type: asked
            .parsed("type", "Type is none: write it as invoice.paid or invoice.*.", |text| Pattern::parse(text).ok()),
        outcome: asked.parsed("outcome", "There is no such outcome.", EventOutcome::parse),
        search: asked.text("q").map(|text| Search::parse(&text)),
    };
    let (from, to) = (asked.moment("from"), asked.moment("to"));
    let store = app.engine.store.tenant(member.scope());
    let names = Names::read(&store, member.scope()).await?;
    let filter = EventFilter {
        source: asked.select("source", names.source_choices()),
        event_type: asked.field("type"),
        outcome: asked.select("outcome", list::choices(EventOutcome::ALL.map(EventOutcome::as_str))),
        from: asked.field("from"),
        to: asked.field("to"),
        q: asked.field("q"),
    };
    let (here, filtered) = (asked.here(&links::events(&names.tenant)), asked.is_filtered());
    let (mut problem, done) = (asked.problem.take(), asked.done.take());
    let live = asked.here(&links::live(&names.tenant, "events"));
    let page = asked.page(app, member.scope(), "page:events")?;
    let slice = match problem {
        Some(_) => Slice::default(),
        None => list::or_problem(store.list_events(&wanted, &page.window(from, to)).await, &mut problem)?,
    };
    let found = page.answer_slice(slice, |event| event);
    let shown = EventList {
        shell: answer::shell(app, member, Section::Events, done.as_deref(), nonce).await?,
        filter,
        filtered,
        rows: rows::events(&names, found.data),
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
        problem,
    };
    let goes_on = shown.problem.is_none() && page.after_bytes().is_none();
    Ok((shown, goes_on.then_some(live)))
}
