//! `/t/{tenant}/deliveries`: the list, its tab of the dead, and what a person may do to a delivery.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_domain::{ConnectionId, DeliveryId, DestinationId, Timestamp, delivery::DeliveryState};
use postern_frontend::{
    links,
    pages::deliveries::{DeliveryFilter, DeliveryList},
    shell::Section,
};
use postern_pipeline::deliveries;
use postern_store::read;

use super::{
    Halt,
    answer::{self, Nonce},
    export,
    list::{self, Asked, Names},
    posted::Posted,
    rows,
};
use crate::{
    App,
    auth::{DeliveriesRead, DeliveriesWrite, Member},
    export::Format,
    path::PathId,
    problem::{Code, Problem},
    query::Query,
    route::resource,
};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/deliveries", [(Method::GET, web::get().to(show))]))
        .service(resource("/t/{tenant}/deliveries/export", [(Method::GET, web::get().to(export::attempts))]))
        .service(resource("/t/{tenant}/deliveries/{id}/retry", [(Method::POST, web::post().to(retry))]))
        .service(resource("/t/{tenant}/deliveries/{id}/cancel", [(Method::POST, web::post().to(cancel))]));
}

async fn show(
    member: Member<DeliveriesRead>,
    app: Data<App>,
    query: Result<Query, Halt>,
) -> Result<HttpResponse, Halt> {
    let nonce = Nonce::fresh();
    let mut asked = Asked::of(query?);
    let Wanted { state, destination, connection, from, to } = Wanted::read(&mut asked)?;
    let wanted = read::DeliveryFilter { state, destination, connection, ..read::DeliveryFilter::default() };
    let store = app.engine.store.tenant(member.scope());
    let names = Names::read(&store, member.scope()).await?;
    let dead = wanted.state == Some(DeliveryState::Dead);
    let filter = DeliveryFilter {
        state: asked.select("state", list::choices(DeliveryState::ALL.map(DeliveryState::as_str))),
        destination: asked.select("destination", names.destination_choices()),
        connection: asked.field("connection"),
    };
    let beside_tab = wanted.destination.is_some() || wanted.connection.is_some() || from.is_some() || to.is_some();
    let filtered = beside_tab || (wanted.state.is_some() && !dead);
    let (here, done) = (asked.here(&links::deliveries(&names.tenant)), asked.done.take());
    let export = asked.here(&links::verb(&links::deliveries(&names.tenant), "export"));
    let page = asked.page(&app, member.scope(), "page:deliveries")?;
    let slice = rows::whole(store.list_deliveries(wanted, &page.window(from, to)).await)?;
    let found = page.answer_slice(slice, |delivery| delivery);
    let section = if dead { Section::Dead } else { Section::Deliveries };
    let shown = DeliveryList {
        shell: answer::shell(&app, &member, section, done.as_deref(), &nonce).await?,
        dead,
        filter,
        filtered,
        rows: rows::deliveries(&store, &names, found.data).await?,
        paging: list::paging(&here, &page, found.next_cursor.as_deref()),
        here,
        csv_href: export::href(&export, Format::Csv),
        jsonl_href: export::href(&export, Format::Jsonl),
    };
    Ok(answer::show(&shown, &nonce))
}

/// The filter of the list, and of the export of what it shows.
pub(super) struct Wanted {
    pub(super) state: Option<DeliveryState>,
    pub(super) destination: Option<DestinationId>,
    pub(super) connection: Option<ConnectionId>,
    pub(super) from: Option<Timestamp>,
    pub(super) to: Option<Timestamp>,
}

impl Wanted {
    pub(super) fn read(asked: &mut Asked) -> Result<Self, Halt> {
        let wanted = Self {
            state: asked.parsed("state", "There is no such state.", DeliveryState::parse),
            destination: asked.parsed("destination", "There is no such destination.", |text| text.parse().ok()),
            connection: asked.parsed("connection", "There is no such connection.", |text| text.parse().ok()),
            from: asked.moment("from"),
            to: asked.moment("to"),
        };
        // The page has no place for a sentence about its filters.
        let problem = asked.problem.take();
        problem.map_or(Ok(wanted), |problem| Err(Problem::new(Code::InvalidQuery, problem).into()))
    }
}

async fn retry(
    member: Member<DeliveriesWrite>,
    app: Data<App>,
    id: Result<PathId<DeliveryId>, Halt>,
    posted: Posted,
) -> Result<HttpResponse, Halt> {
    deliveries::retry(&app.engine, &member.by(), id?.0).await.map_err(Problem::from)?;
    Ok(answer::done(&back(&member, &posted), "retried"))
}

async fn cancel(
    member: Member<DeliveriesWrite>,
    app: Data<App>,
    id: Result<PathId<DeliveryId>, Halt>,
    posted: Posted,
) -> Result<HttpResponse, Halt> {
    deliveries::cancel(&app.engine, &member.by(), id?.0).await.map_err(Problem::from)?;
    Ok(answer::done(&back(&member, &posted), "cancelled"))
}

fn back(member: &Member<DeliveriesWrite>, posted: &Posted) -> String {
    let tenant = member.scope().tenant_id().to_string();
    let next = posted.text("next");
    if is_within(&tenant, next) { next.to_owned() } else { links::deliveries(&tenant) }
}

/// A form leads back to a page of the same tenant, and nowhere else.
fn is_within(tenant: &str, path: &str) -> bool {
    let harmless = |letter: char| letter.is_ascii_graphic() && !matches!(letter, '\\' | '#');
    path.starts_with(&links::overview(tenant)) && path.chars().all(harmless)
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn a_form_leads_back_within_its_tenant_only() {
        assert!(is_within("ten_1", "/t/ten_1/deliveries?state=dead"));
        for other in ["", "/t/ten_2/events", "//evil.example/t/ten_1/", "https://evil.example", "/t/ten_1/\r\nx: y"] {
            assert!(!is_within("ten_1", other), "{other}");
        }
    }
}
