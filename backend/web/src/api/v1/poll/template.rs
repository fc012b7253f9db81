//! What to begin with: settings for APIs that many poll.

use actix_web::web;
use postern_polling::templates::{self, PollTemplate, TemplateField};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::schema;
use crate::{auth::AnyKey, openapi::Problems, problem::Problem, query::Query};

/// Settings to begin with.
#[derive(Serialize, ToSchema)]
#[schema(as = PollTemplate)]
pub(crate) struct TemplateView {
    id: String,
    name: String,
    /// What it is for.
    about: String,
    /// What is to be filled in stands as `[[name]]` in it, by the names of `fields`.
    #[schema(value_type = schema::PollSettings)]
    poll: Value,
    fields: Vec<TemplateFieldView>,
    /// Of the API.
    docs_url: String,
}

/// What only the customer knows.
#[derive(Serialize, ToSchema)]
#[schema(as = PollTemplateField)]
pub(crate) struct TemplateFieldView {
    name: String,
    label: String,
    example: String,
    is_secret: bool,
}

#[derive(Serialize, ToSchema)]
#[schema(as = PollTemplates)]
pub(crate) struct TemplatesView {
    data: Vec<TemplateView>,
}

/// List settings to begin with
#[utoipa::path(
    get, path = "/api/v1/poll-templates", operation_id = "list_poll_templates", tag = "polling",
    responses((status = 200, description = "All of them", body = TemplatesView), Problems),
    extensions(("x-permission" = json!("any")))
)]
pub(crate) async fn list(_caller: AnyKey, query: Query) -> Result<web::Json<TemplatesView>, Problem> {
    query.finish()?;
    Ok(web::Json(TemplatesView { data: templates::all().into_iter().map(view).collect() }))
}

fn view(template: PollTemplate) -> TemplateView {
    let field = |field: TemplateField| TemplateFieldView {
        name: field.name,
        label: field.label,
        example: field.example,
        is_secret: field.is_secret,
    };
    TemplateView {
        id: template.id,
        name: template.name,
        about: template.about,
        poll: template.settings,
        fields: template.fields.into_iter().map(field).collect(),
        docs_url: template.docs_url,
    }
}
