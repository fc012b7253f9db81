//! `/calls`.

pub(crate) mod change;
pub(crate) mod create;
pub(crate) mod read;
pub(crate) mod result;
pub(crate) mod schema;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource(
            "/calls",
            [(Method::GET, web::get().to(read::list)), (Method::POST, web::post().to(create::create))],
        ))
        .service(resource("/calls/{id}", [(Method::GET, web::get().to(read::find))]))
        .service(resource("/calls/{id}/result", [(Method::GET, web::get().to(result::find))]))
        .service(resource("/calls/{id}/cancel", [(Method::POST, web::post().to(change::cancel))]))
        .service(resource("/calls/{id}/redrive", [(Method::POST, web::post().to(change::redrive))]));
}
