//! The API for programs.

pub(crate) mod v1;

use actix_web::web::ServiceConfig;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.configure(v1::routes);
}
