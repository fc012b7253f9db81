//! Around every request: an id, the headers that protect, an end to endless bodies, and an answer even when a handler panics.

use std::panic::AssertUnwindSafe;

use actix_web::{
    Error,
    body::{EitherBody, MessageBody},
    dev::{ServiceRequest, ServiceResponse},
    middleware::Next,
    web::Data,
};
use futures_util::FutureExt;

use crate::{
    App, packed,
    problem::Problem,
    request_id, security_headers,
    unread::{self, Answering},
};

/// The outermost middleware.
pub(crate) async fn shield(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    request_id::scope(async move {
        let unread = unread::hold(&mut request);
        let is_https = request.app_data::<Data<App>>().is_some_and(|app| app.settings.is_https());
        let answered = AssertUnwindSafe(next.call(request)).catch_unwind().await;
        // The request itself is gone with the panic, so the answer goes out as an error, which brings its headers along.
        let mut response = packed::pack(answered.map_err(|panic| Problem::internal(&Panic(panic)))??);
        security_headers::add(response.headers_mut());
        if is_https {
            security_headers::insist_on_tls(response.headers_mut());
        }
        Ok(match unread {
            None => response.map_into_left_body(),
            Some(held) => response.map_body(|_, body| EitherBody::right(Answering::new(body, held))),
        })
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

#[cfg(test)]
mod tests {
    use actix_web::{App as Application, middleware::from_fn, test, web};

    use super::{security_headers::REQUEST_ID, shield};

    async fn broken() -> String {
        panic!("a handler that is broken")
    }

    #[actix_web::test]
    async fn a_panic_is_answered_with_a_trace_id_and_without_its_text() {
        let app = Application::new().wrap(from_fn(shield)).route("/", web::get().to(broken));
        let app = test::init_service(app).await;
        let failed = test::try_call_service(&app, test::TestRequest::get().uri("/").to_request()).await;
        let response = failed.err().expect("the request is gone with the panic").error_response();
        assert_eq!(response.status(), 500);
        let trace_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).expect("an id").to_owned();
        let body = actix_web::body::to_bytes(response.into_body()).await.unwrap_or_default();
        let body = String::from_utf8_lossy(&body);
        assert!(body.contains(&trace_id) && body.contains("\"internal\"") && !body.contains("broken"), "{body}");
    }
}
