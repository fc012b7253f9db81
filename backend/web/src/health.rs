//! For whoever operates Postern: alive, ready, figures.

use actix_web::{
    HttpRequest, HttpResponse,
    http::{Method, header},
    web::{self, Data, ServiceConfig},
};
use postern_domain::Timestamp;

use crate::{App, route};

/// Beyond this difference to the database's clock, signatures with a time would be wrong.
const CLOCK_BOUND_MS: i64 = 60_000;
const DAYS_OPEN: i64 = 2;

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(route::resource("/healthz", [(Method::GET, web::get().to(healthz))]))
        .service(route::resource("/readyz", [(Method::GET, web::get().to(readyz))]))
        .service(route::resource("/metrics", [(Method::GET, web::get().to(metrics))]));
}

/// The process answers.
async fn healthz() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain").body("ok\n")
}

/// It may take traffic: one line for each check, 503 when one fails.
async fn readyz(app: Data<App>) -> HttpResponse {
    let store = &app.engine.store;
    let now = app.engine.clock.now();
    let mut checks: Vec<(&str, Result<(), String>)> = Vec::new();
    checks.push(("database", store.ping().await.map_err(|cause| cause.to_string())));
    checks.push((
        "migrations",
        match store.migrations().await {
            Ok(steps) if steps.iter().all(|step| step.applied) => Ok(()),
            Ok(_) => Err("the schema is not complete".to_owned()),
            Err(cause) => Err(cause.to_string()),
        },
    ));
    checks.push((
        "clock",
        match store.database_now().await {
            Ok(theirs) => within_bound(now, theirs),
            Err(cause) => Err(cause.to_string()),
        },
    ));
    checks.push((
        "partitions",
        match store.days_open_ahead(now).await {
            Ok(days) if days >= DAYS_OPEN => Ok(()),
            Ok(days) => Err(format!("only {days} days are open ahead")),
            Err(cause) => Err(cause.to_string()),
        },
    ));
    let ready = checks.iter().all(|(_, outcome)| outcome.is_ok());
    let text: String = checks
        .iter()
        .map(|(name, outcome)| match outcome {
            Ok(()) => format!("{name} ok\n"),
            Err(cause) => {
                tracing::warn!(%cause, "Not ready: {name}");
                format!("{name} failed\n")
            }
        })
        .collect();
    let mut answer = if ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    if !ready {
        answer.insert_header((header::RETRY_AFTER, "2"));
    }
    answer.content_type("text/plain").body(text)
}

fn within_bound(ours: Timestamp, theirs: Timestamp) -> Result<(), String> {
    let skew_ms = ours.ms_since(theirs).abs();
    if skew_ms <= CLOCK_BOUND_MS { Ok(()) } else { Err(format!("our clock and the database's differ by {skew_ms} ms")) }
}

/// Prometheus text. For loopback peers; for others with the token that the operator set.
async fn metrics(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let allowed = match &app.settings.metrics_token {
        None => request.peer_addr().is_some_and(|peer| peer.ip().to_canonical().is_loopback()),
        Some(token) => {
            let given = request
                .headers()
                .get(header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
            given.is_some_and(|given| {
                let hash = |text: &str| postern_seal::token::sha256(text.as_bytes());
                postern_seal::api_key::same_hash(&hash(given), &hash(token.expose()))
            })
        }
    };
    if !allowed {
        return HttpResponse::NotFound().finish();
    }
    if let Err(cause) = app.engine.gauge().await {
        tracing::debug!(%cause, "Some figures could not be read");
    }
    HttpResponse::Ok()
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(app.engine.metrics.text())
}
