//! The event catalogue: the vocabulary that providers' types map to. The same for every tenant.

use actix_web::{
    http::Method,
    web::{self, ServiceConfig},
};
use postern_catalogue::{Catalogue, CommonType, document};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    auth::{ConnectionsRead, Permit},
    openapi::Problems,
    problem::Problem,
    query::Query,
    route::resource,
};

/// The common types, and the schemas of what connections send.
#[derive(Serialize, ToSchema)]
#[schema(as = Catalogue)]
pub(crate) struct CatalogueView {
    data: Vec<CommonTypeView>,
    /// JSON Schema of what a connection with the payload `envelope` sends.
    #[schema(value_type = Object)]
    envelope: Value,
    /// JSON Schema of what a connection with the payload `cloudevents` sends.
    #[schema(value_type = Object)]
    cloudevent: Value,
}

/// A type of the vocabulary.
#[derive(Serialize, ToSchema)]
#[schema(as = CommonType)]
pub(crate) struct CommonTypeView {
    /// `payment.received`.
    #[serde(rename = "type")]
    name: &'static str,
    /// `payment`.
    family: String,
    description: &'static str,
    /// JSON Schema, draft 2020-12, of `data` in the envelope.
    #[schema(value_type = Object)]
    schema: &'static Value,
    #[schema(value_type = Object)]
    example: &'static Value,
}

impl CommonTypeView {
    fn of(common: &'static CommonType) -> Self {
        Self {
            name: common.name(),
            family: common.family().as_str().to_owned(),
            description: common.description(),
            schema: common.schema(),
            example: common.example(),
        }
    }
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/catalogue", [(Method::GET, web::get().to(read))]));
}

/// Read the event catalogue
#[utoipa::path(
    get, path = "/api/v1/catalogue", operation_id = "get_catalogue", tag = "connections",
    responses((status = 200, description = "The common types, with schema and example", body = CatalogueView), Problems),
    extensions(("x-permission" = json!("connections:read")))
)]
pub(crate) async fn read(_caller: Permit<ConnectionsRead>, query: Query) -> Result<web::Json<CatalogueView>, Problem> {
    query.finish()?;
    Ok(web::Json(CatalogueView {
        data: Catalogue::builtin().types().iter().map(CommonTypeView::of).collect(),
        envelope: document::envelope_schema(),
        cloudevent: document::cloud_event_schema(),
    }))
}
