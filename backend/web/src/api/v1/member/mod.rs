//! `/members`.

pub(crate) mod change;
pub(crate) mod read;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

/// Under this path each has its own.
pub(crate) const PATH: &str = "/api/v1/members";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/members",
            [(Method::GET, web::get().to(read::list)), (Method::POST, web::post().to(change::create))],
        ))
        .service(resource(
            "/members/{id}",
            [
                (Method::GET, web::get().to(read::find)),
                (Method::PATCH, web::patch().to(change::update)),
                (Method::DELETE, web::delete().to(change::delete)),
            ],
        ));
}
