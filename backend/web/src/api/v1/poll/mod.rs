//! What polls: runs, the cursor, tests, advice, templates. The settings themselves are part of a source.

pub(crate) mod advice;
pub(crate) mod cursor;
pub(crate) mod held;
pub(crate) mod quarantine;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod shape;
pub(crate) mod template;
pub(crate) mod test;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

/// To be registered before `/sources/{id}`, which takes every word for an id.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/poll-templates", [(Method::GET, web::get().to(template::list))]))
        .service(resource("/sources/poll/test", [(Method::POST, web::post().to(test::test))]))
        .service(resource("/sources/advice", [(Method::POST, web::post().to(advice::first))]))
        .service(resource("/sources/{id}/poll", [(Method::POST, web::post().to(run::ask))]))
        .service(resource("/sources/{id}/runs", [(Method::GET, web::get().to(run::list))]))
        .service(resource(
            "/sources/{id}/cursor",
            [(Method::GET, web::get().to(cursor::find)), (Method::POST, web::post().to(cursor::change))],
        ))
        .service(resource("/sources/{id}/quarantine", [(Method::GET, web::get().to(quarantine::list))]))
        .service(resource("/sources/{id}/held", [(Method::POST, web::post().to(held::settle))]))
        .service(resource("/sources/{id}/advice", [(Method::GET, web::get().to(advice::measured))]));
}
