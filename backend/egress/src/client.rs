//! The client: how it is built, and how one request is sent.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ipnet::IpNet;

use crate::{
    address::AddressRules,
    exchange::{self, Answer, Exchange, OutboundRequest},
    resolver::GuardedResolver,
    timing::{STOPWATCH, Stopwatch, TimeConnect, mark_first_byte},
    url_guard::{Blocked, CheckedUrl, UrlRules},
};

/// Idle connections kept for each host. As many as a busy destination has in flight, or its connections are made anew.
const MAX_IDLE_PER_HOST: usize = 512;
/// An idle connection is closed after so long; also the time for which an address once judged can still be in use.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// What the operator decided about requests that go out.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Blocks that may be reached although they are not public, loopback included.
    pub allow: Vec<IpNet>,
    /// Refuse http://.
    pub https_only: bool,
    /// Our own public names, `name` or `name:port`: a delivery to ourselves would go in a circle.
    pub own_hosts: Vec<String>,
    /// A DNS server to ask over UDP instead of the system's resolver.
    pub dns: Option<SocketAddr>,
    /// The operator's own certificate authorities, one or more in each PEM text; trusted besides the system's.
    pub extra_roots_pem: Vec<Vec<u8>>,
    /// The `User-Agent` of requests that bring none.
    pub user_agent: String,
}

/// The client could not be built: the configuration is wrong, or the machine has no root certificates.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// An entry of [`Options::own_hosts`] is no host.
    #[error("`{0}` is not a host name, with or without a port")]
    OwnHost(String),
    /// An entry of [`Options::extra_roots_pem`] is no list of certificates.
    #[error("reading the extra root certificates")]
    Roots(#[source] reqwest::Error),
    /// TLS or the user agent could not be set up.
    #[error("setting up the HTTP client (are the system's root certificates installed, package ca-certificates?)")]
    Http(#[source] reqwest::Error),
}

/// The guarded client. Cheap to clone; all clones share their connections.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    urls: Arc<UrlRules>,
}

impl Client {
    /// Builds the client; there should be one in a process.
    ///
    /// # Errors
    /// When the options are wrong, or TLS cannot be set up.
    pub fn new(options: Options) -> Result<Self, BuildError> {
        let addresses = Arc::new(AddressRules::new(options.allow));
        let urls = UrlRules::new(Arc::clone(&addresses), options.https_only, &options.own_hosts)?;
        let mut roots = Vec::new();
        for pem in &options.extra_roots_pem {
            roots.extend(reqwest::Certificate::from_pem_bundle(pem).map_err(BuildError::Roots)?);
        }
        #[expect(clippy::disallowed_methods, reason = "this is the guarded client that everything goes through")]
        let http = reqwest::Client::builder()
            .dns_resolver(GuardedResolver { addresses, dns: options.dns })
            .connector_layer(TimeConnect)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .http1_only()
            .tcp_nodelay(true)
            .pool_max_idle_per_host(MAX_IDLE_PER_HOST)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .tls_certs_merge(roots)
            .user_agent(options.user_agent)
            .build()
            .map_err(BuildError::Http)?;
        Ok(Self { http, urls: Arc::new(urls) })
    }

    /// Gate 1: parses and judges a URL. To be asked when a destination is written down, and again at every delivery,
    /// since the rules may have changed in between.
    ///
    /// # Errors
    /// When a rule refuses the URL; the error's text says what to do.
    pub fn check_url(&self, raw: &str) -> Result<CheckedUrl, Blocked> {
        self.urls.check(raw)
    }

    /// Sends once and waits for what comes back. Never fails: whatever happens is an [`Exchange`].
    pub async fn send(&self, request: OutboundRequest) -> Exchange {
        STOPWATCH.scope(Stopwatch::start(), self.exchange(request)).await
    }

    async fn exchange(&self, request: OutboundRequest) -> Exchange {
        let OutboundRequest { method, url, headers, body, timeout, max_response_bytes, now } = request;
        let mut outbound = reqwest::Request::new(method, url.into_url());
        *outbound.headers_mut() = exchange::without_framing(headers);
        *outbound.body_mut() = Some(body.into());
        // Kept outside what the deadline cuts off: a head that came counts, even if its body never ends.
        let mut answer = None;
        let outcome = tokio::time::timeout(timeout, async {
            let mut response = self.http.execute(outbound).await?;
            mark_first_byte();
            let answer = answer.insert(Answer::of(&mut response));
            answer.read_body(response, max_response_bytes).await;
            Ok(())
        })
        .await;
        match (answer, outcome) {
            (Some(answer), _) => Exchange::answered(answer, now),
            (None, Ok(Err(failure))) => Exchange::failed(&failure),
            (None, _) => Exchange::late(timeout),
        }
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
