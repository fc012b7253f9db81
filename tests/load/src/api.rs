//! The few calls to the API that set the scene.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::http::Connection;

#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) server: SocketAddr,
    pub(crate) key: String,
}

/// A source, connected to a destination.
#[derive(Clone, Debug)]
pub(crate) struct Route {
    pub(crate) source: String,
    pub(crate) destination: String,
    pub(crate) connection: String,
    /// Where to send, on the server.
    pub(crate) path: String,
}

/// What a destination may have under way at once.
pub(crate) const CONCURRENCY: usize = 64;

impl Api {
    /// A Stripe source that delivers to `receiver`.
    pub(crate) async fn route(&self, receiver: SocketAddr, secret: &str) -> Result<Route> {
        let source = json!({ "name": "bench", "kind": "webhook", "provider": "stripe", "secrets": [secret] });
        let source = self.post("sources", &source).await?;
        let ingest_url = text(&source, "ingest_url")?;
        let token = ingest_url.split_once("/in/").context("an ingest URL without /in/")?.1;
        let destination = json!({ "name": "bench", "url": format!("http://{receiver}/"), "concurrency": CONCURRENCY });
        let destination = text(&self.post("destinations", &destination).await?, "id")?;
        let path = format!("/in/{token}");
        let source = text(&source, "id")?;
        let connection = json!({ "source_id": source, "destination_id": destination });
        let connection = text(&self.post("connections", &connection).await?, "id")?;
        Ok(Route { source, destination, connection, path })
    }

    /// A person who may log in.
    pub(crate) async fn member(&self, email: &str, password: &str) -> Result<()> {
        self.post("members", &json!({ "email": email, "role": "admin", "password": password })).await.map(|_| ())
    }

    /// Makes one of a collection over a connection that is open; answers its id.
    pub(crate) async fn create(&self, connection: &mut Connection, collection: &str, body: &Value) -> Result<String> {
        text(&self.exchange(connection, collection, body).await?, "id")
    }

    /// A figure of /metrics, by its name.
    pub(crate) async fn figure(&self, connection: &mut Connection, name: &str) -> Result<f64> {
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\n\r\n", self.server);
        let (_, answer) = connection.exchange(request.as_bytes()).await?;
        let text = std::str::from_utf8(answer).context("figures that are not text")?;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|figure| figure.parse().ok()).with_context(|| format!("no `{name}` in /metrics"))
    }

    async fn post(&self, collection: &str, body: &Value) -> Result<Value> {
        self.exchange(&mut Connection::open(self.server).await?, collection, body).await
    }

    async fn exchange(&self, connection: &mut Connection, collection: &str, body: &Value) -> Result<Value> {
        let body = body.to_string();
        let request = format!(
            "POST /api/v1/{collection} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.server,
            self.key,
            body.len()
        );
        let (status, answer) = connection.exchange(request.as_bytes()).await?;
        if status != 201 && status != 202 {
            bail!("POST {collection} answered {status}: {}", String::from_utf8_lossy(answer));
        }
        serde_json::from_slice(answer).context("an answer that is not JSON")
    }
}

fn text(value: &Value, field: &str) -> Result<String> {
    let found = value.get(field).and_then(Value::as_str);
    Ok(found.with_context(|| format!("an answer without `{field}`"))?.to_owned())
}
