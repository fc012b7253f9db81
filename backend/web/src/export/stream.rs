//! The answer: its head at once, then piece after piece as the reader takes them.

use actix_web::{
    HttpResponse,
    http::header,
    web::{Bytes, Data},
};
use futures_util::Stream;
use postern_domain::{Actor, TenantId, TenantScope};
use postern_store::TenantStore;
use serde_json::{Value, json};
use tracing::warn;

use super::{Export, Format, slots::Slot};
use crate::{
    App,
    problem::{Code, Problem},
};

/// When a caller whose exports are all under way should ask again.
const RETRY_AFTER_S: u32 = 30;

/// Who wants what.
pub(crate) struct Asked<E> {
    pub(crate) scope: TenantScope,
    pub(crate) actor: Actor,
    pub(crate) format: Format,
    pub(crate) export: E,
    /// The filter as it was asked for, for the record.
    pub(crate) filter: Value,
}

/// Puts on record that it is taken away, and begins to answer.
///
/// # Errors
/// 429 when the tenant has as many under way as it may, and when the record cannot be written.
pub(crate) async fn begin<E: Export>(app: &Data<App>, asked: Asked<E>) -> Result<HttpResponse, Problem> {
    let Asked { scope, actor, format, export, filter } = asked;
    let now = app.engine.clock.now();
    let slot = app.exports.take(scope.tenant_id(), now).ok_or_else(too_many)?;
    let store = app.engine.store.tenant(scope);
    let mut tx = store.begin(&actor).await?;
    tx.note(E::ACTION, E::NAME, json!({ "format": format.as_str(), "filter": filter })).await?;
    tx.commit().await?;
    let day: String = now.to_string().chars().take(10).collect();
    let name = format!("attachment; filename=\"postern-{}-{day}.{}\"", E::NAME, format.as_str());
    let walk = Walk { app: app.clone(), tenant: scope.tenant_id(), store, slot, format, export, next: Next::First };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((header::CONTENT_TYPE, format.media_type()))
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
    Ok(response.streaming(pieces(walk)))
}

fn too_many() -> Problem {
    Problem::new(Code::RateLimited, "Two exports are under way. Ask again when one of them has ended.")
        .with_retry_after_s(RETRY_AFTER_S)
}

fn given_away() -> Problem {
    Problem::new(Code::RateLimited, "Its reader had stalled, and its place was given to another.")
}

struct Walk<E: Export> {
    app: Data<App>,
    tenant: TenantId,
    store: TenantStore,
    slot: Slot,
    format: Format,
    export: E,
    next: Next<E::Place>,
}

#[derive(Clone, Copy)]
enum Next<P> {
    First,
    Behind(P),
    Nothing,
}

/// An error ends the connection before the answer is complete, which every HTTP/1.1 client sees.
fn pieces<E: Export>(walk: Walk<E>) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    futures_util::stream::try_unfold(walk, async |mut walk| {
        let piece = walk.piece().await.inspect_err(|problem| {
            let tenant = walk.tenant;
            warn!(tenant.id = %tenant, export = E::NAME, "An export of `{tenant}` was cut off: {problem}");
        })?;
        Ok(piece.map(|piece| (piece, walk)))
    })
}

impl<E: Export> Walk<E> {
    /// The next text that is not empty; `None` at the end.
    async fn piece(&mut self) -> Result<Option<Bytes>, Problem> {
        let mut text = match self.next {
            Next::First => self.format.head(E::COLUMNS),
            Next::Behind(_) | Next::Nothing => String::new(),
        };
        loop {
            let after = match self.next {
                Next::First => None,
                Next::Behind(place) => Some(place),
                Next::Nothing => return Ok(Some(text).filter(|text| !text.is_empty()).map(Bytes::from)),
            };
            if !self.slot.is_held(self.app.engine.clock.now()) {
                return Err(given_away());
            }
            let (records, place) = self.export.read(&self.store, after).await?;
            for record in &records {
                self.format.write(&mut text, E::COLUMNS, record);
            }
            self.next = place.map_or(Next::Nothing, Next::Behind);
            if !text.is_empty() {
                return Ok(Some(Bytes::from(text)));
            }
        }
    }
}
