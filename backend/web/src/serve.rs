//! The listener and the routes.

use std::{io, net::TcpListener};

use actix_web::{
    App as Application, HttpServer,
    dev::{Server, ServerHandle},
    middleware::from_fn,
    web::{self, Data, ServiceConfig},
};

use crate::{
    App, api, health, inlet, openapi, pages, route,
    settings::{Limits, Serves},
    shield::shield,
};

/// Serves until stopped by the server's handle; signals are the caller's business.
///
/// # Errors
/// When the listener cannot be used.
pub fn serve(app: App, listener: TcpListener, limits: Limits) -> io::Result<Server> {
    let app = Data::new(app);
    let routes = match app.settings.serves {
        Serves::Everything => routes,
        Serves::Health => health::routes,
    };
    let server = HttpServer::new(move || {
        Application::new()
            .app_data(app.clone())
            .wrap(from_fn(shield))
            .configure(routes)
            .default_service(web::to(route::nowhere))
    })
    .workers(limits.workers)
    .max_connections(limits.max_connections)
    .keep_alive(limits.keep_alive)
    .client_request_timeout(limits.head_timeout)
    .client_disconnect_timeout(limits.disconnect_timeout)
    .shutdown_timeout(limits.shutdown_timeout.as_secs())
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

/// Serves on the calling thread until told to stop through the handle that `started` is given.
///
/// # Errors
/// When the listener cannot be used.
pub fn run(app: App, listener: TcpListener, limits: Limits, started: impl FnOnce(ServerHandle)) -> io::Result<()> {
    actix_web::rt::System::new().block_on(async move {
        let server = serve(app, listener, limits)?;
        started(server.handle());
        server.await
    })
}

/// Every route there is. Needs `Data<App>`.
pub fn routes(config: &mut ServiceConfig) {
    config.configure(inlet::routes).configure(health::routes).configure(openapi::routes).configure(api::routes);
    config.configure(pages::routes);
}
