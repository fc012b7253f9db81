//! The OpenAPI document: every operation with its permission, its problems and its shapes.
//!
//! Each handler describes itself; here they are listed. `docs/reference/openapi.json` is a copy that is checked.

use std::collections::BTreeMap;

use actix_web::{
    HttpResponse,
    http::Method,
    web::{self, ServiceConfig},
};
use utoipa::{
    IntoParams, IntoResponses, Modify, OpenApi,
    openapi::{
        Content, Ref, RefOr, Response, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{
    api::v1::{
        api_key, attempt, audit, bin, call, catalogue, connection, delivery, destination, event, member, poll,
        provider, publish, queue, request, schema, source,
    },
    problem::{FieldError, ProblemBody},
    route::resource,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Postern",
        description = "A multi-tenant gateway for asynchronous integration. Every call needs `Authorization: Bearer pst_…`; \
                       the key says which tenant it is for. Errors are RFC 9457 problems; look at their `code`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    paths(
        provider::read::list, provider::read::find,
        source::read::list, source::read::find, source::change::create, source::change::update,
        source::change::delete, source::change::pause, source::change::resume, source::check::check,
        source::front_door::rotate_url, source::front_door::await_handshake,
        poll::template::list, poll::test::test, poll::run::ask, poll::run::list, poll::quarantine::list,
        poll::cursor::find,
        poll::cursor::change, poll::held::settle, poll::advice::measured, poll::advice::first,
        destination::read::list, destination::read::find, destination::change::create, destination::change::update,
        destination::change::delete, destination::change::pause, destination::change::resume,
        connection::read::list, connection::read::find, connection::change::create, connection::change::update,
        connection::change::delete, connection::change::pause, connection::change::resume,
        api_key::read::list, api_key::read::find, api_key::change::create, api_key::change::revoke,
        member::read::list, member::read::find, member::change::create, member::change::update, member::change::delete,
        audit::list, audit::export,
        publish::publish, event::read::list, event::read::find, event::payload::find, event::change::cancel,
        call::create::create, call::read::list, call::read::find, call::result::find, call::change::cancel,
        call::change::redrive,
        delivery::read::list, delivery::read::find, delivery::change::retry, delivery::change::cancel,
        attempt::export,
        request::list, bin::list, catalogue::read,
        queue::lease::lease, queue::receipt::ack, queue::receipt::nack, queue::receipt::extend,
    ),
    components(schemas(ProblemBody<'static>, FieldError, schema::ExportFormat)),
    security(("api_key" = [])),
    modifiers(&Credential)
)]
struct Document;

/// The document as pretty JSON, without a newline at its end; the same text from the same source.
#[must_use]
pub fn document() -> String {
    serde_json::to_string_pretty(&Document::openapi()).unwrap_or_default()
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(resource("/openapi.json", [(Method::GET, web::get().to(show))]));
}

async fn show() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document())
}

/// `limit` and `cursor`, which every list takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct ListParams {
    /// Rows in a page.
    #[param(default = 50, minimum = 1, maximum = 250)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// `format`, which every export takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct ExportParams {
    #[param(value_type = Option<schema::ExportFormat>, default = "jsonl")]
    format: Option<String>,
}

/// `Idempotency-Key`, which every change takes.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "described; read by name")]
pub(crate) struct OnceHeader {
    /// The same change with the same key is made once, and answered alike for 24 hours.
    #[param(rename = "Idempotency-Key", max_length = 200)]
    idempotency_key: Option<String>,
}

/// The refusals that any call may get.
pub(crate) struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        let problem = |description: &str| {
            let content = Content::new(Some(RefOr::Ref(Ref::from_schema_name("Problem"))));
            let response = ResponseBuilder::new().description(description).content("application/problem+json", content);
            RefOr::T(response.build())
        };
        [("4XX", "Refused; `code` says why"), ("5XX", "Not done; not your fault")]
            .into_iter()
            .map(|(status, description)| (status.to_owned(), problem(description)))
            .collect()
    }
}

struct Credential;

impl Modify for Credential {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("pst_live_…").build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}
