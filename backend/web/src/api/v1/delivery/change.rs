//! Trying a delivery again, and calling one off.

use actix_web::{HttpResponse, http::StatusCode, web::Data};
use postern_domain::DeliveryId;
use postern_pipeline::deliveries;

use super::shape::DeliveryDetailView;
use crate::{
    App,
    answer::current,
    auth::{DeliveriesWrite, Permit},
    idempotency::Idempotency,
    openapi::{OnceHeader, Problems},
    path::PathId,
    problem::Problem,
};

/// Try a delivery again, now
///
/// Whatever became of it: one that is dead, delivered or cancelled begins its schedule anew, one that waits does not
/// wait any longer. The next attempt is on record as yours.
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/retry", operation_id = "retry_delivery", tag = "deliveries",
    params(("id" = String, Path), OnceHeader),
    responses((status = 202, description = "It is due", body = DeliveryDetailView), Problems),
    extensions(("x-permission" = json!("deliveries:write")))
)]
pub(crate) async fn retry(
    caller: Permit<DeliveriesWrite>,
    app: Data<App>,
    id: PathId<DeliveryId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let done = deliveries::retry(&app.engine, &caller.by(once.with_body(&[])), id.0).await?;
    Ok(current(StatusCode::ACCEPTED, &done, &now(&caller, &app, id.0).await?))
}

/// Call off a delivery that waits
#[utoipa::path(
    post, path = "/api/v1/deliveries/{id}/cancel", operation_id = "cancel_delivery", tag = "deliveries",
    params(("id" = String, Path), OnceHeader),
    responses((status = 200, description = "It is cancelled", body = DeliveryDetailView), Problems),
    extensions(("x-permission" = json!("deliveries:write")))
)]
pub(crate) async fn cancel(
    caller: Permit<DeliveriesWrite>,
    app: Data<App>,
    id: PathId<DeliveryId>,
    once: Idempotency,
) -> Result<HttpResponse, Problem> {
    let done = deliveries::cancel(&app.engine, &caller.by(once.with_body(&[])), id.0).await?;
    Ok(current(StatusCode::OK, &done, &now(&caller, &app, id.0).await?))
}

async fn now(caller: &Permit<DeliveriesWrite>, app: &App, id: DeliveryId) -> Result<DeliveryDetailView, Problem> {
    let store = app.engine.store.tenant(caller.scope());
    let delivery = store.find_delivery(id).await?.ok_or_else(Problem::not_found)?;
    Ok(DeliveryDetailView::of(delivery))
}
