//! `/events`.

pub(crate) mod change;
pub(crate) mod payload;
pub(crate) mod read;
pub(crate) mod shape;

use super::publish;
use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/events",
            [(Method::GET, web::get().to(read::list)), (Method::POST, web::post().to(publish::publish))],
        ))
        .service(resource("/events/{id}", [(Method::GET, web::get().to(read::find))]))
        .service(resource("/events/{id}/cancel", [(Method::POST, web::post().to(change::cancel))]))
        .service(resource("/events/{id}/payload", [(Method::GET, web::get().to(payload::find))]));
}
