//! Routes that say 405, with Allow, to a method they do not have.

use actix_web::{
    HttpRequest, HttpResponse, Resource, ResponseError, Route,
    http::{Method, header},
    web,
};

use crate::{
    pages::Halt,
    problem::{Code, Problem},
};

/// All that can be done at one path.
pub fn resource<const N: usize>(path: &str, routes: [(Method, Route); N]) -> Resource {
    let methods: Vec<&str> = routes.iter().map(|(method, _)| method.as_str()).collect();
    let allow = methods.join(", ");
    let refuse = move || {
        let allow = allow.clone();
        async move { Err::<String, _>(not_allowed(allow)) }
    };
    let resource = web::resource(path).default_service(web::to(refuse));
    routes.into_iter().fold(resource, |resource, (method, route)| resource.route(route.method(method)))
}

fn not_allowed(allow: String) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("Allowed here: {allow}.")).with_allow(allow)
}

/// What stands where nothing else does: for a person a page, for a program a problem.
pub(crate) async fn nowhere(request: HttpRequest) -> HttpResponse {
    let accepted = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.contains("text/html") && !request.path().starts_with("/api/") {
        return Halt::from(Problem::not_found()).error_response();
    }
    Problem::not_found().error_response()
}
