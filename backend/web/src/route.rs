//! Routes that say 405, with Allow, to a method they do not have.

use actix_web::{Resource, Route, http::Method, web};

use crate::problem::{Code, Problem};

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

/// What stands where nothing else does.
pub(crate) async fn nowhere() -> Result<String, Problem> {
    Err(Problem::not_found())
}
