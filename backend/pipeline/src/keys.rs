//! Keys of providers that give them out themselves: fetched through the guarded client, from the host that the scheme
//! pins, and kept for a while.
//!
//! What names a key comes with a request, so a stranger decides how often one is asked for: each source may fetch so
//! many a second and keep so many, and one fetch answers all who wait for it.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, header};
use parking_lot::Mutex;
use postern_domain::{SourceId, Timestamp};
use postern_egress::{Client, OutboundRequest};
use postern_limits::KeyedLimiter;
use postern_signatures::{KeyRequest, Keyring};
use tokio::sync::OnceCell;

/// A key is asked for again after so long, so that one that was withdrawn is noticed.
const MAX_AGE_S: i64 = 3_600;
/// A fetch that failed is not repeated before.
const FAILURE_AGE_S: i64 = 15;
/// Senders wait for an answer while the key is fetched.
const TIMEOUT: Duration = Duration::from_secs(4);
/// A certificate with its chain has some 8 kB.
const MAX_BYTES: usize = 64 * 1024;
const MAX_PER_SOURCE: usize = 16;
const MAX_KEYS: usize = 4_096;
const FETCHES_PER_S: u32 = 1;
const FETCHES_BURST: u32 = 10;

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKey {
    /// The request named a place where this provider keeps no keys, or a key that it does not have.
    #[error("the provider has no such key")]
    Unknown,
    /// It may be there later.
    #[error("the provider's key could not be fetched")]
    Unreachable,
}

impl NoKey {
    /// As it goes on record.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "key_unknown",
            Self::Unreachable => "key_unreachable",
        }
    }

    /// What would have been right.
    #[must_use]
    pub const fn expected(self) -> &'static str {
        match self {
            Self::Unknown => "a key that the provider has, at a place of the provider",
            Self::Unreachable => "the provider's key, which could not be fetched: the sender was told to come back",
        }
    }
}

type Fetched = (Timestamp, Result<Arc<Vec<u8>>, NoKey>);
type Cell = Arc<OnceCell<Fetched>>;
type Name = (SourceId, String);

/// Those of all sources.
#[derive(Debug)]
pub(crate) struct Keys {
    cells: Mutex<HashMap<Name, (Timestamp, Cell)>>,
    limits: KeyedLimiter<SourceId>,
}

/// Those of one source, as of a moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeysOf<'a> {
    pub(crate) keys: &'a Keys,
    pub(crate) source: SourceId,
    pub(crate) now: Timestamp,
}

impl Default for Keys {
    fn default() -> Self {
        Self { cells: Mutex::default(), limits: KeyedLimiter::new(FETCHES_PER_S, FETCHES_BURST) }
    }
}

impl Keyring for KeysOf<'_> {
    fn find(&self, cache_as: &str) -> Option<Arc<Vec<u8>>> {
        let cells = self.keys.cells.lock();
        let (_, cell) = cells.get(&(self.source, cache_as.to_owned()))?;
        let (_, key) = cell.get().filter(|fetched| is_fresh(fetched, self.now))?;
        key.clone().ok()
    }
}

impl KeysOf<'_> {
    /// Has the key in the keyring, or says why not. Whoever asks while it is being fetched waits for the same answer.
    ///
    /// # Errors
    /// When it is not to be had, or not now.
    pub(crate) async fn fetch(&self, egress: &Client, wanted: &KeyRequest) -> Result<(), NoKey> {
        let cell = self.keys.cell((self.source, wanted.cache_as.clone()), self.now)?;
        let (_, key) = cell.get_or_init(|| async { (self.now, self.ask(egress, wanted).await) }).await;
        key.as_ref().map(|_| ()).map_err(|cause| *cause)
    }

    async fn ask(&self, egress: &Client, wanted: &KeyRequest) -> Result<Arc<Vec<u8>>, NoKey> {
        let url = egress.check_url(&wanted.url).map_err(|_| NoKey::Unknown)?;
        if !url.is_https_under(&wanted.host_suffix) {
            return Err(NoKey::Unknown);
        }
        let mut headers = HeaderMap::new();
        let body = wanted.body.as_ref().map(|body| Bytes::copy_from_slice(body.expose())).unwrap_or_default();
        if !body.is_empty() {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        let method = if wanted.method == "POST" { Method::POST } else { Method::GET };
        let (timeout, max_response_bytes, now) = (TIMEOUT, MAX_BYTES, self.now);
        let exchange =
            egress.send(OutboundRequest { method, url, headers, body, timeout, max_response_bytes, now }).await;
        match exchange.status {
            Some(200) if !exchange.truncated && !exchange.body.is_empty() => Ok(Arc::new(exchange.body.to_vec())),
            Some(400 | 404 | 410) => Err(NoKey::Unknown),
            status => {
                let (source, kind) = (self.source, exchange.kind.as_str());
                tracing::warn!(source.id = %source, kind, status,
                    "The key of source `{source}` could not be fetched from `{}`", wanted.host_suffix);
                Err(NoKey::Unreachable)
            }
        }
    }
}

impl Keys {
    /// Forgets what is too old, and sources that have been quiet.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.cells.lock().retain(|_, (_, cell)| cell.get().is_none_or(|fetched| is_fresh(fetched, now)));
        self.limits.retain_recent();
    }

    fn cell(&self, name: Name, now: Timestamp) -> Result<Cell, NoKey> {
        let mut cells = self.cells.lock();
        if let Some((_, cell)) = cells.get(&name)
            && cell.get().is_none_or(|fetched| is_fresh(fetched, now))
        {
            return Ok(Arc::clone(cell));
        }
        self.limits.check(&name.0).map_err(|_| NoKey::Unreachable)?;
        make_room(&mut cells, name.0);
        let cell = Cell::default();
        cells.insert(name, (now, Arc::clone(&cell)));
        Ok(cell)
    }
}

fn is_fresh((at, key): &Fetched, now: Timestamp) -> bool {
    now < at.plus_secs(if key.is_ok() { MAX_AGE_S } else { FAILURE_AGE_S })
}

/// The oldest of this source goes, or the oldest of all.
fn make_room(cells: &mut HashMap<Name, (Timestamp, Cell)>, source: SourceId) {
    let own = cells.keys().filter(|(owner, _)| *owner == source).count();
    let oldest = |own_only: fn(SourceId, SourceId) -> bool| {
        let candidates = cells.iter().filter(|((owner, _), _)| own_only(*owner, source));
        candidates.min_by_key(|(_, (at, _))| *at).map(|(name, _)| name.clone())
    };
    let gone = if own >= MAX_PER_SOURCE {
        oldest(|owner, source| owner == source)
    } else if cells.len() >= MAX_KEYS {
        oldest(|_, _| true)
    } else {
        None
    };
    if let Some(name) = gone {
        cells.remove(&name);
    }
}

#[cfg(test)]
mod tests;
