//! `/`: on to the overview of a tenant, or to the log-in page.

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, Data, ServiceConfig},
};
use postern_frontend::links;
use postern_pipeline::people;

use super::{Halt, answer};
use crate::{App, auth::MaybeVisitor, route::resource};

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/", [(Method::GET, web::get().to(root))]));
}

async fn root(app: Data<App>, visitor: MaybeVisitor) -> Result<HttpResponse, Halt> {
    let Some(visitor) = visitor.0 else { return Ok(answer::see_other(links::LOGIN)) };
    let first = people::memberships(&app.engine, visitor.person.user).await?.into_iter().next();
    let path = first.map_or_else(|| links::ACCOUNT.to_owned(), |first| links::overview(&first.tenant.to_string()));
    Ok(answer::see_other(&path))
}
