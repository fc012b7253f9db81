//! A client for the API and the front door: thin, so that what a test sends can be read in the test.

use std::time::Duration;

use reqwest::{Client, Method, header::HeaderMap};
use serde_json::Value;

use super::{Address, sign::Headers};

/// Speaks with one key to one server, wherever that listens after a restart. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    address: Address,
    key: String,
    http: Client,
}

/// What came back, whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// `Null` when the body is not JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

impl Api {
    pub(crate) fn new(address: Address, key: &str) -> Self {
        let http = Client::builder()
            .timeout(Duration::from_secs(20))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { address, key: key.to_owned(), http }
    }

    /// The same server, with another key.
    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: key.to_owned(), ..self.clone() }
    }

    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// `http://127.0.0.1:PORT`, as of now.
    pub(crate) fn base(&self) -> String {
        self.address.base()
    }

    /// GET below `/api/v1`.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.call(Method::GET, path, None).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> (u16, Value) {
        self.call(Method::DELETE, path, None).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let what = format!("{method} {path}");
        let body = body.map(|body| body.to_string().into_bytes());
        let answer = self.send(method, &format!("/api/v1{path}"), &[], body).await;
        let answer = answer.unwrap_or_else(|cause| panic!("{what}: {cause:?}"));
        (answer.status, answer.json())
    }

    /// POST below `/api/v1` that must answer 201, or 202; gives the body.
    pub(crate) async fn created(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.post(path, body.clone()).await;
        assert!(status == 201 || status == 202, "POST {path} {body} answered {status}: {answer}");
        answer
    }

    /// GET below `/api/v1` that must answer 200; gives the body.
    pub(crate) async fn found(&self, path: &str) -> Value {
        let (status, answer) = self.get(path).await;
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// POST below `/api/v1` without a body that must succeed: pause, resume, retry, cancel.
    pub(crate) async fn done(&self, path: &str) -> Value {
        let answer = self.send(Method::POST, &format!("/api/v1{path}"), &[], None).await.expect("an answer");
        assert!((200..300).contains(&answer.status), "POST {path} answered {}: {}", answer.status, answer.json());
        answer.json()
    }

    /// Any request to any path of the server, with the key. A body is announced as JSON unless `headers` say otherwise.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.http.request(method, format!("{}{path}", self.base()));
        if !self.key.is_empty() {
            request = request.bearer_auth(&self.key);
        }
        if body.is_some() && !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        read(request).await
    }

    /// One figure of `/metrics`, by its name with labels, as in `postern_delivered_total`.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let answer = self.send(Method::GET, "/metrics", &[], None).await.expect("an answer");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|figure| figure.parse().ok()).unwrap_or_else(|| panic!("no `{name}` in {text}"))
    }

    /// POST to any path without a key, as a provider does; `headers` come from [`super::sign`].
    pub(crate) async fn post_raw(&self, path: &str, headers: &Headers, body: &[u8]) -> reqwest::Result<Answer> {
        let mut request = self.http.post(format!("{}{path}", self.base())).body(body.to_vec());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        read(request).await
    }
}

async fn read(request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
    let answer = request.send().await?;
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    // A stream of events does not end by itself: its head says what there is to say.
    let is_endless =
        headers.get("content-type").is_some_and(|value| value.as_bytes().starts_with(b"text/event-stream"));
    let body = if is_endless { Vec::new() } else { answer.bytes().await?.to_vec() };
    Ok(Answer { status, headers, body })
}
