//! `/sources`.

pub(crate) mod change;
pub(crate) mod check;
pub(crate) mod front_door;
pub(crate) mod read;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

/// Under this path each has its own.
pub(crate) const PATH: &str = "/api/v1/sources";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/sources",
            [(Method::GET, web::get().to(read::list)), (Method::POST, web::post().to(change::create))],
        ))
        .service(resource(
            "/sources/{id}",
            [
                (Method::GET, web::get().to(read::find)),
                (Method::PATCH, web::patch().to(change::update)),
                (Method::DELETE, web::delete().to(change::delete)),
            ],
        ))
        .service(resource("/sources/{id}/check", [(Method::POST, web::post().to(check::check))]))
        .service(resource("/sources/{id}/rotate-url", [(Method::POST, web::post().to(front_door::rotate_url))]))
        .service(resource(
            "/sources/{id}/await-handshake",
            [(Method::POST, web::post().to(front_door::await_handshake))],
        ))
        .service(resource("/sources/{id}/pause", [(Method::POST, web::post().to(change::pause))]))
        .service(resource("/sources/{id}/resume", [(Method::POST, web::post().to(change::resume))]));
}
