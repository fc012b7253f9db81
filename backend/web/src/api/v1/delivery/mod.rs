//! `/deliveries`.

mod attempt;
pub(crate) mod change;
pub(crate) mod read;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/deliveries", [(Method::GET, web::get().to(read::list))]))
        .service(resource("/deliveries/{id}", [(Method::GET, web::get().to(read::find))]))
        .service(resource("/deliveries/{id}/retry", [(Method::POST, web::post().to(change::retry))]))
        .service(resource("/deliveries/{id}/cancel", [(Method::POST, web::post().to(change::cancel))]));
}
