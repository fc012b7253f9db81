//! Taking deliveries out of a queue.

use actix_web::web::{self, Data};
use postern_domain::DestinationId;
use postern_pipeline::queue::lease as verb;

use super::shape::{LeaseRequest, LeasedPage, LeasedView};
use crate::{
    App,
    auth::{Permit, QueuesPull},
    body::Json,
    openapi::Problems,
    path::PathId,
    problem::Problem,
};

/// Lease deliveries of a queue
///
/// First due first, to nobody else until the lease ends. With `wait_s` the answer waits for something to be due. 429
/// (`queue_full`) when as many are leased as may be; 409 (`queue_paused`) while the queue is paused.
#[utoipa::path(
    post, path = "/api/v1/destinations/{id}/lease", operation_id = "lease_deliveries", tag = "queues",
    params(("id" = String, Path)), request_body = LeaseRequest,
    responses((status = 200, description = "What was leased; empty when nothing was due", body = LeasedPage), Problems),
    extensions(("x-permission" = json!("queues:pull")))
)]
pub(crate) async fn lease(
    caller: Permit<QueuesPull>,
    app: Data<App>,
    id: PathId<DestinationId>,
    body: Json<LeaseRequest>,
) -> Result<web::Json<LeasedPage>, Problem> {
    let actor = caller.actor();
    let leased = verb::lease(&app.engine, (caller.scope(), &actor), id.0, body.value.into()).await?;
    Ok(web::Json(LeasedPage { data: leased.into_iter().map(LeasedView::of).collect() }))
}
