//! The pages of sources that poll. Each has a file; here are their paths.

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use super::{poll_advice, poll_cursor, poll_form, poll_run};
use crate::route::resource;

/// To be registered before the pages of sources, where every word stands for an id.
pub(super) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/t/{tenant}/sources/advice", [(Method::GET, web::get().to(poll_advice::first))]))
        .service(resource(
            "/t/{tenant}/sources/{id}/poll/edit",
            [(Method::GET, web::get().to(poll_form::edit)), (Method::POST, web::post().to(poll_form::save))],
        ))
        .service(resource(
            "/t/{tenant}/sources/{id}/poll/delete",
            [(Method::GET, web::get().to(poll_form::confirm)), (Method::POST, web::post().to(poll_form::delete))],
        ))
        .service(resource("/t/{tenant}/sources/{id}/poll/run", [(Method::POST, web::post().to(poll_run::run))]))
        .service(resource("/t/{tenant}/sources/{id}/runs", [(Method::GET, web::get().to(poll_run::list))]))
        .service(resource(
            "/t/{tenant}/sources/{id}/cursor",
            [(Method::GET, web::get().to(poll_cursor::show)), (Method::POST, web::post().to(poll_cursor::change))],
        ))
        .service(resource("/t/{tenant}/sources/{id}/held", [(Method::POST, web::post().to(poll_run::settle_held))]))
        .service(resource("/t/{tenant}/sources/{id}/advice", [(Method::GET, web::get().to(poll_advice::measured))]));
}
