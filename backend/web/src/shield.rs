//! Around every request: an id, the headers that protect, and an answer even when a handler panics.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
};
use futures_util::FutureExt;

use crate::{problem::Problem, request_id, security_headers};

/// The outermost middleware.
pub(crate) async fn shield(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    request_id::scope(async move {
        let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
        // The request itself is gone with the panic, so the answer goes out as an error, which brings its headers along.
        let mut response = answered.map_err(|panic| Problem::internal(&Panic(panic)))??;
        security_headers::add(response.headers_mut());
        Ok(response)
    })
    .await
}

struct Panic(Box<dyn std::any::Any + Send>);

impl std::fmt::Display for Panic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text =
            self.0.downcast_ref::<&str>().copied().or_else(|| self.0.downcast_ref::<String>().map(String::as_str));
        write!(f, "a handler panicked: {}", text.unwrap_or("without a message"))
    }
}
