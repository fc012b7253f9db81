//! Ending a lease, and making one longer. Each names its receipt, and a receipt that is lost ends nothing.

use actix_web::web::{self, Data};
use postern_domain::DestinationId;
use postern_pipeline::queue::receipt as verb;

use super::shape::{AckPage, AckRequest, AckView, ExtendRequest, ExtendView, NackRequest, NackView};
use crate::{
    App,
    auth::{Permit, QueuesPull},
    body::Json,
    openapi::Problems,
    path::PathId,
    problem::Problem,
};

/// Acknowledge deliveries: they are delivered
///
/// Each receipt is answered in its place. The same may be sent again: what a receipt has acknowledged stays so.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/ack", operation_id = "acknowledge_deliveries", tag = "queues",
    params(("id" = String, Path)), request_body = AckRequest,
    responses((status = 200, description = "What became of each", body = AckPage), Problems),
    extensions(("x-permission" = json!("queues:pull")))
)]
pub(crate) async fn ack(
    caller: Permit<QueuesPull>,
    app: Data<App>,
    id: PathId<DestinationId>,
    body: Json<AckRequest>,
) -> Result<web::Json<AckPage>, Problem> {
    let done = verb::acknowledge(&app.engine, caller.scope(), id.0, &body.value.receipts).await?;
    Ok(web::Json(AckPage { data: done.into_iter().map(AckView::of).collect() }))
}

/// Give a delivery back
///
/// It can be leased again after `delay_s`; after the last receive that the queue allows it is dead. 409 (`lease_lost`)
/// when the lease has ended.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/nack", operation_id = "give_back_delivery", tag = "queues",
    params(("id" = String, Path)), request_body = NackRequest,
    responses((status = 200, description = "What became of it", body = NackView), Problems),
    extensions(("x-permission" = json!("queues:pull")))
)]
pub(crate) async fn nack(
    caller: Permit<QueuesPull>,
    app: Data<App>,
    id: PathId<DestinationId>,
    body: Json<NackRequest>,
) -> Result<web::Json<NackView>, Problem> {
    let receipt = body.value.receipt;
    let given_back = verb::give_back(&app.engine, caller.scope(), id.0, body.value.into()).await?;
    Ok(web::Json(NackView::of(receipt, given_back)))
}

/// Keep a delivery for longer
///
/// Its lease lasts until so many seconds from now, never shorter than it did, and 12 hours in all at most. 409
/// (`lease_lost`) when the lease has ended.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/extend", operation_id = "extend_lease", tag = "queues",
    params(("id" = String, Path)), request_body = ExtendRequest,
    responses((status = 200, description = "Until when it lasts", body = ExtendView), Problems),
    extensions(("x-permission" = json!("queues:pull")))
)]
pub(crate) async fn extend(
    caller: Permit<QueuesPull>,
    app: Data<App>,
    id: PathId<DestinationId>,
    body: Json<ExtendRequest>,
) -> Result<web::Json<ExtendView>, Problem> {
    let ExtendRequest { receipt, seconds } = body.value;
    let leased_until = verb::extend(&app.engine, caller.scope(), id.0, (receipt, seconds)).await?;
    Ok(web::Json(ExtendView { receipt: receipt.to_string(), leased_until }))
}
