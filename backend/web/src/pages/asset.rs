//! Styles and scripts. Their paths change with their content, so they are kept by browsers for as long as they like.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{
        Method,
        header::{self, HeaderValue},
    },
    web::{self, ServiceConfig},
};
use postern_frontend::assets;

use super::Halt;
use crate::{problem::Problem, route::resource};

const FOR_EVER: &str = "public, max-age=31536000, immutable";

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/assets/{file}", [(Method::GET, web::get().to(show))]));
}

async fn show(request: HttpRequest) -> Result<HttpResponse, Halt> {
    let asset = assets::find(request.path()).ok_or_else(Problem::not_found)?;
    let accepted = request.headers().get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok());
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, asset.content_type))
        .insert_header((header::CACHE_CONTROL, FOR_EVER))
        .insert_header((header::VARY, HeaderValue::from_static("accept-encoding")));
    if accepted.is_some_and(|accepted| accepted.contains("gzip")) {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        return Ok(response.body(asset.gzip));
    }
    Ok(response.body(asset.plain))
}
