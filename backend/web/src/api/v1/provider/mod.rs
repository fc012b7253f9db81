//! `/providers`: what is known of those who send. The same for every tenant.

pub(crate) mod read;
pub(crate) mod shape;

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};

use crate::route::resource;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/providers", [(Method::GET, web::get().to(read::list))]))
        .service(resource("/providers/{provider}", [(Method::GET, web::get().to(read::find))]));
}
