//! What a program does that pulls: lease, acknowledge, give back, extend.

pub(crate) mod lease;
pub(crate) mod receipt;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/destinations/{id}/lease", [(Method::POST, web::post().to(lease::lease))]))
        .service(resource("/destinations/{id}/ack", [(Method::POST, web::post().to(receipt::ack))]))
        .service(resource("/destinations/{id}/nack", [(Method::POST, web::post().to(receipt::nack))]))
        .service(resource("/destinations/{id}/extend", [(Method::POST, web::post().to(receipt::extend))]));
}
