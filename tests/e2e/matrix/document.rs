//! The server's own OpenAPI document, as far as the matrix needs it.

use serde_json::Value;

use crate::harness::Api;

/// What the document says of one method at one path.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// `GET /api/v1/events/{id}`.
    pub(super) name: String,
    pub(super) method: reqwest::Method,
    pub(super) path: String,
    pub(super) permission: Option<String>,
    /// Parameters of the query that take an id.
    pub(super) query_ids: Vec<String>,
    /// Fields of the body that take an id.
    pub(super) body_ids: Vec<String>,
    pub(super) takes_body: bool,
}

impl Operation {
    pub(super) fn takes_path_id(&self) -> bool {
        self.path.contains("{id}")
    }

    /// The path with an id in its place.
    pub(super) fn at(&self, id: &str) -> String {
        self.path.replace("{provider}", "stripe").replace("{id}", id)
    }
}

pub(super) async fn operations(api: &Api) -> Vec<Operation> {
    let answer = api.with_key("").send(reqwest::Method::GET, "/openapi.json", &[], None).await.expect("an answer");
    assert_eq!(answer.status, 200);
    let document = answer.json();
    let paths = document["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(|(method, described)| operation(&document, (path, method), described))
    });
    all.collect()
}

fn operation(document: &Value, (path, method): (&str, &str), described: &Value) -> Operation {
    let method = method.to_uppercase();
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let in_query = parameters.filter(|parameter| parameter["in"] == "query");
    let query_ids = in_query.filter_map(|parameter| parameter["name"].as_str()).filter(|name| takes_id(name));
    let schema = &described["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let fields =
        schema.as_str().map(|link| &document.pointer(link.trim_start_matches('#')).expect("a schema")["properties"]);
    let fields = fields.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
    Operation {
        name: format!("{method} {path}"),
        method: method.parse().expect("a method"),
        path: path.to_owned(),
        permission: described["x-permission"].as_str().map(str::to_owned),
        query_ids: query_ids.map(str::to_owned).collect(),
        body_ids: fields.filter(|name| takes_id(name)).cloned().collect(),
        takes_body: !described["requestBody"].is_null(),
    }
}

fn takes_id(name: &str) -> bool {
    name == "id" || name.ends_with("_id") || name.ends_with("_ids")
}
