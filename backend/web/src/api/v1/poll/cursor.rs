//! How far a source was read: looked at, moved, and what a run from somewhere else would find.

use actix_web::{
    HttpResponse,
    http::StatusCode,
    web::{self, Data},
};
use postern_domain::SourceId;
use postern_pipeline::{
    configure::poll::{self, Moved},
    polling,
};
use postern_store::polling::{Keys, PollState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    shape::{MoveView, PollingView},
    test::TestView,
};
use crate::{
    App,
    answer::{changed, remembered},
    api::v1::patch::nullable,
    auth::{Permit, SourcesRead, SourcesWrite},
    body::Json,
    idempotency::Idempotency,
    openapi::{ListParams, OnceHeader, Problems},
    path::PathId,
    poll_trial::{self, Asked},
    problem::{Code, Problem},
    query::Query,
};

/// A cursor, and a page of how it moved, newest first.
#[derive(Serialize, ToSchema)]
#[schema(as = Cursor)]
pub(crate) struct CursorView {
    /// How far was read; null before the first run, or where the source has none.
    #[schema(value_type = Option<Object>)]
    cursor: Option<Value>,
    /// What it becomes when a run has read all pages.
    #[schema(value_type = Option<Object>)]
    candidate: Option<Value>,
    /// How many pages were committed, and moves made.
    seq: i64,
    /// How often everything counted as new again.
    epoch: i32,
    #[serde(flatten)]
    polling: PollingView,
    data: Vec<MoveView>,
    next_cursor: Option<String>,
}

/// Where a cursor is now.
#[derive(Serialize, ToSchema)]
#[schema(as = MovedCursor)]
pub(crate) struct MovedView {
    #[schema(value_type = Option<Object>)]
    cursor: Option<Value>,
    seq: i64,
    epoch: i32,
}

/// Where a source is to go on.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MoveCursor {
    /// Of the same form as the cursor it has; null begins again.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Object, required)]
    to: Option<Option<Value>>,
    /// For the record, 1 to 500 characters; not needed for a dry run.
    #[serde(default)]
    reason: Option<String>,
    /// Moves nothing, and shows what a run from there would find.
    #[serde(default)]
    dry_run: bool,
    /// What was an event before becomes one again.
    #[serde(default)]
    replay: bool,
}

/// Look at the cursor of a source
#[utoipa::path(
    get, path = "/api/v1/sources/{id}/cursor", operation_id = "get_source_cursor", tag = "polling",
    params(("id" = String, Path), ListParams),
    responses((status = 200, description = "Where it stands, and how it came there", body = CursorView), Problems),
    extensions(("x-permission" = json!("sources:read")))
)]
pub(crate) async fn find(
    caller: Permit<SourcesRead>,
    app: Data<App>,
    id: PathId<SourceId>,
    query: Query,
) -> Result<web::Json<CursorView>, Problem> {
    let page = query.page(&app, caller.scope(), &format!("cursor:{}", id.0))?;
    let store = app.engine.store.tenant(caller.scope());
    store.sources().find(id.0).await?.ok_or_else(Problem::not_found)?;
    let now = polling::overview(&app.engine, caller.scope(), id.0).await?.ok_or_else(no_cursor)?;
    let moves = page.answer_slice(store.cursor_moves(id.0, &page.window(None, None)).await?, MoveView::of);
    let polling = PollingView::of(&now);
    let PollState { progress, seq, epoch, .. } = now.state;
    let candidate = progress.coming().cloned();
    let cursor = progress.cursor;
    let view = CursorView { cursor, candidate, seq, epoch, polling, data: moves.data, next_cursor: moves.next_cursor };
    Ok(web::Json(view))
}

/// Move the cursor of a source, or see what that would do
///
/// A run that is under way is cancelled, and the next one begins at once. What was seen before does not become an event
/// again, unless `replay` says so. With `dry_run` the answer is that of a test.
#[utoipa::path(
    post, path = "/api/v1/sources/{id}/cursor", operation_id = "move_source_cursor", tag = "polling",
    params(("id" = String, Path), OnceHeader), request_body = MoveCursor,
    responses(
        (status = 200, description = "Where it is now; of a dry run, what a run from there would find", body = MovedOrTest),
        Problems
    ),
    extensions(("x-permission" = json!("sources:write")))
)]
pub(crate) async fn change(
    caller: Permit<SourcesWrite>,
    app: Data<App>,
    id: PathId<SourceId>,
    once: Idempotency,
    body: Json<MoveCursor>,
) -> Result<HttpResponse, Problem> {
    let MoveCursor { to, reason, dry_run, replay } = body.value;
    let to = to.ok_or_else(|| Problem::invalid("to", "is required; null begins again"))?;
    let keys = if replay { Keys::Fresh } else { Keys::Same };
    if dry_run {
        let found = poll_trial::run(&app, caller.scope(), Asked::from_cursor(id.0, to, keys)).await?;
        return Ok(HttpResponse::Ok().json(MovedOrTest::DryRun(TestView::of(found))));
    }
    let by = caller.by(once.with_body(&body.bytes));
    let wish = Moved::parse(id.0, to, &reason.unwrap_or_default(), keys)?;
    let remember = |state: &PollState| remembered(StatusCode::OK, &MovedOrTest::of(state));
    Ok(changed(poll::move_cursor(&app.engine, &by, wish, remember).await?, MovedOrTest::of))
}

/// As a move or as a dry run is answered.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = MovedCursorOrTest)]
pub(crate) enum MovedOrTest {
    Moved(MovedView),
    DryRun(TestView),
}

impl MovedOrTest {
    fn of(state: &PollState) -> Self {
        let cursor = state.progress.cursor.clone();
        Self::Moved(MovedView { cursor, seq: state.seq, epoch: state.epoch })
    }
}

fn no_cursor() -> Problem {
    Problem::new(Code::WrongState, "This source does not poll.")
}
