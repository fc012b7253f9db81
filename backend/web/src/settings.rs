//! What the web server is told by whoever starts it. It reads neither the environment nor a file itself.

use std::time::Duration;

use postern_domain::{Secret, address::AddressList};

/// The addresses under which people and providers reach this installation, and whom it believes.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Scheme and host, without a slash at the end.
    pub public_url: String,
    /// A host of its own for the front door; otherwise it is at the public URL.
    pub ingest_url: Option<String>,
    /// Whose X-Forwarded-For is believed.
    pub trusted_proxies: AddressList,
    /// Whoever sends it may read /metrics; without one, only loopback peers may.
    pub metrics_token: Option<Secret<String>>,
    pub serves: Serves,
}

impl Settings {
    /// Whether browsers reach the pages over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }

    /// Where a provider posts to.
    #[must_use]
    pub fn ingest_url(&self, token: &str) -> String {
        format!("{}/in/{token}", self.ingest_base())
    }

    /// Scheme and host of the front door.
    #[must_use]
    pub fn ingest_base(&self) -> &str {
        self.ingest_url.as_ref().unwrap_or(&self.public_url).trim_end_matches('/')
    }
}

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// The front door, the API, health and figures.
    Everything,
    /// Health and figures: a process that only delivers takes no traffic.
    Health,
}

/// The limits of the listener. What one connection may cost is bounded before a handler sees it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Threads that take requests.
    pub workers: usize,
    /// For each worker.
    pub max_connections: usize,
    pub keep_alive: Duration,
    /// For the whole head of a request.
    pub head_timeout: Duration,
    pub disconnect_timeout: Duration,
    /// How long a stopping server waits for requests under way.
    pub shutdown_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // The other half is for the engine and the database.
            workers: std::thread::available_parallelism().map_or(1, |cores| (cores.get() / 2).max(1)),
            max_connections: 10_000,
            keep_alive: Duration::from_secs(75),
            head_timeout: Duration::from_secs(5),
            disconnect_timeout: Duration::from_secs(2),
            shutdown_timeout: Duration::from_secs(20),
        }
    }
}
