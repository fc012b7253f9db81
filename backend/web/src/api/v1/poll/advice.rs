//! Whether to poll or to take webhooks: from what was measured of a source, and before that from four questions.

use actix_web::web::{self, Data};
use postern_domain::SourceId;
use postern_pipeline::polling::{self, Advised};
use postern_polling::advice::{Advice, Questions, first_choice};
use serde::Serialize;

use super::schema;
use crate::{
    App,
    auth::{Permit, SourcesRead},
    body::Json,
    openapi::Problems,
    path::PathId,
    problem::Problem,
    query::Query,
};

/// What `schema::PollAdvice` describes.
#[derive(Serialize)]
pub(crate) struct AdvisedView {
    #[serde(flatten)]
    advice: Advice,
    alarm: Option<&'static str>,
}

/// Advise on a source
///
/// From its own traffic: what it costs and gives, and what the other way would. Below seven days or a hundred events it
/// says that there is not enough data.
#[utoipa::path(
    get, path = "/api/v1/sources/{id}/advice", operation_id = "advise_source", tag = "polling",
    params(("id" = String, Path)),
    responses((status = 200, description = "What was measured, and what follows", body = schema::PollAdvice), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn measured(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    id: PathId<SourceId>,
    query: Query,
) -> Result<web::Json<AdvisedView>, Problem> {
    query.finish()?;
    let advice = polling::advice(&app.engine, caller.scope(), id.0).await?;
    let Advised { advice, alarm } = advice.ok_or_else(Problem::not_found)?;
    let alarm = alarm.map(|alarm| alarm.kind.as_str());
    Ok(web::Json(AdvisedView { advice, alarm }))
}

/// Advise before there is a source
///
/// A first choice from what its owner knows of the provider.
#[utoipa::path(
    post, path = "/api/v1/sources/advice", operation_id = "advise_first", tag = "polling",
    request_body = schema::PollQuestions,
    responses((status = 200, description = "What to begin with", body = schema::PollAdvice), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn first(_caller: Permit<SourcesRead>, body: Json<Questions>) -> web::Json<Advice> {
    web::Json(first_choice(&body.value))
}
