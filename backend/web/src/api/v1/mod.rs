//! `/api/v1`: one folder or file for each noun. Every route stands behind [`identify`], and every handler names its
//! permission.

pub(crate) mod api_key;
pub(crate) mod attempt;
pub(crate) mod audit;
pub(crate) mod bin;
pub(crate) mod call;
pub(crate) mod catalogue;
pub(crate) mod connection;
pub(crate) mod delivery;
pub(crate) mod destination;
pub(crate) mod event;
mod kept;
pub(crate) mod member;
mod patch;
pub(crate) mod poll;
pub(crate) mod provider;
pub(crate) mod publish;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod schema;
pub(crate) mod source;

use actix_web::{
    middleware::from_fn,
    web::{self, ServiceConfig},
};

use crate::{auth::identify, route};

pub(crate) fn routes(config: &mut ServiceConfig) {
    let scope = web::scope("/api/v1")
        .wrap(from_fn(identify))
        .configure(provider::routes)
        .configure(poll::routes)
        .configure(source::routes)
        .configure(destination::routes)
        .configure(connection::routes)
        .configure(api_key::routes)
        .configure(member::routes)
        .configure(audit::routes)
        .configure(event::routes)
        .configure(call::routes)
        .configure(delivery::routes)
        .configure(attempt::routes)
        .configure(request::routes)
        .configure(bin::routes)
        .configure(queue::routes)
        .configure(catalogue::routes)
        .default_service(web::to(route::nowhere));
    config.service(scope);
}
