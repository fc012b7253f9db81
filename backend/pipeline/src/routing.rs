//! The configuration in memory, and how it is kept from being stale.
//!
//! Every commit of the engine names the version it was routed by, and writes nothing when the database has a newer one.
//! A token or key that is not known is looked for in the database before it is refused, once for all who ask at that
//! moment, so that what one replica has just created works on the next.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use parking_lot::{RwLock, RwLockReadGuard};
use postern_domain::{ConnectionId, DestinationId, Invalid, SourceId, Timestamp};
use postern_seal::token::sha256;
use postern_signatures::Presets;
use postern_store::{Store, StoreError, engine::config::ConfigChange};
use tokio::sync::Mutex;

use crate::{
    entry::{ConnectionEntry, DestinationEntry, KeyEntry, SourceEntry},
    lanes::Lanes,
    polling::Declarations,
};

#[derive(Debug)]
pub struct Routing {
    store: Store,
    presets: Arc<Presets>,
    pub(crate) lanes: Arc<Lanes>,
    maps: RwLock<Maps>,
    refreshing: Mutex<()>,
    /// Counts refreshes as they begin.
    begun: AtomicU64,
    share: AtomicU32,
}

/// What has changed, ready to be put into the maps.
#[derive(Default)]
struct Built {
    sources: Vec<(SourceId, Option<Arc<SourceEntry>>)>,
    destinations: Vec<(DestinationId, Option<Arc<DestinationEntry>>)>,
    connections: Vec<(ConnectionId, Option<Arc<ConnectionEntry>>)>,
    keys: Vec<(String, Option<Arc<KeyEntry>>)>,
}

/// One version of the configuration. Entries are shared, so a reader keeps what it found.
#[derive(Debug, Default)]
pub(crate) struct Maps {
    pub(crate) version: i64,
    sources: HashMap<SourceId, Arc<SourceEntry>>,
    by_token: HashMap<[u8; 32], Arc<SourceEntry>>,
    connections: HashMap<ConnectionId, Arc<ConnectionEntry>>,
    by_source: HashMap<SourceId, Vec<Arc<ConnectionEntry>>>,
    by_destination: HashMap<DestinationId, Vec<Arc<ConnectionEntry>>>,
    destinations: HashMap<DestinationId, Arc<DestinationEntry>>,
    keys: HashMap<String, Arc<KeyEntry>>,
    /// What providers let those ask who share a budget, as their settings say.
    pub(crate) declared: Declarations,
}

impl Maps {
    pub(crate) fn connections_of(&self, id: SourceId) -> &[Arc<ConnectionEntry>] {
        self.by_source.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn connections_to(&self, id: DestinationId) -> &[Arc<ConnectionEntry>] {
        self.by_destination.get(&id).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn sources(&self) -> impl Iterator<Item = &Arc<SourceEntry>> {
        self.sources.values()
    }

    /// What the provider of a source is called.
    pub(crate) fn provider(&self, id: SourceId) -> Option<Arc<str>> {
        self.sources.get(&id)?.provider.clone()
    }

    pub(crate) fn connection(&self, id: ConnectionId) -> Option<&Arc<ConnectionEntry>> {
        self.connections.get(&id)
    }

    pub(crate) fn destination(&self, id: DestinationId) -> Option<&Arc<DestinationEntry>> {
        self.destinations.get(&id)
    }
}

impl Routing {
    pub(crate) fn new(store: Store, lanes: Arc<Lanes>, presets: Arc<Presets>) -> Self {
        Self {
            store,
            presets,
            lanes,
            maps: RwLock::default(),
            refreshing: Mutex::new(()),
            begun: AtomicU64::new(0),
            share: AtomicU32::new(1),
        }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Maps> {
        self.maps.read()
    }

    #[must_use]
    pub fn version(&self) -> i64 {
        self.read().version
    }

    /// The source whose URL has this token, or had it and is being moved to another.
    ///
    /// # Errors
    /// When it is not in memory and the database does not answer.
    pub async fn source_by_token(&self, token: &str, now: Timestamp) -> Result<Option<Arc<SourceEntry>>, StoreError> {
        let hash = sha256(token.as_bytes());
        let found = self.find(|maps| maps.by_token.get(&hash).cloned()).await?;
        Ok(found.filter(|source| match source.retired_token {
            Some((retired, until)) if retired == hash => now < until,
            _ => true,
        }))
    }

    /// # Errors
    /// When it is not in memory and the database does not answer.
    pub async fn source(&self, id: SourceId) -> Result<Option<Arc<SourceEntry>>, StoreError> {
        self.find(|maps| maps.sources.get(&id).cloned()).await
    }

    /// # Errors
    /// When it is not in memory and the database does not answer.
    pub(crate) async fn destination(&self, id: DestinationId) -> Result<Option<Arc<DestinationEntry>>, StoreError> {
        self.find(|maps| maps.destinations.get(&id).cloned()).await
    }

    /// The key with this public part. Revoked keys are not there; expiry is for the caller to check.
    ///
    /// # Errors
    /// When it is not in memory and the database does not answer.
    pub async fn api_key(&self, public_id: &str) -> Result<Option<Arc<KeyEntry>>, StoreError> {
        self.find(|maps| maps.keys.get(public_id).cloned()).await
    }

    /// The first source of the tenant that takes published events.
    #[must_use]
    pub fn publish_source(&self, tenant: postern_domain::TenantId) -> Option<Arc<SourceEntry>> {
        let maps = self.read();
        let mine = maps.sources.values().filter(|entry| entry.tenant == tenant);
        mine.filter(|entry| entry.kind == postern_domain::source::SourceKind::Publish)
            .min_by_key(|entry| entry.id)
            .cloned()
    }

    async fn find<T>(&self, look: impl Fn(&Maps) -> Option<T>) -> Result<Option<T>, StoreError> {
        if let Some(found) = look(&self.read()) {
            return Ok(Some(found));
        }
        self.refresh().await?;
        Ok(look(&self.read()))
    }

    /// Reads what changed. Returns once a refresh that began after this call has ended; those who wait share one.
    ///
    /// # Errors
    /// When the database does not answer; the old configuration then stays in effect.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        let seen = self.begun.load(Ordering::Acquire);
        let _alone = self.refreshing.lock().await;
        if self.begun.load(Ordering::Acquire) > seen {
            return Ok(());
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        let known = self.version();
        let mut built = Built::default();
        let version = self.store.config_since(known, &mut |change| self.build(change, &mut built)).await?;
        if version != known {
            self.apply(built, version);
        }
        Ok(())
    }

    /// How many replicas share each limit.
    pub(crate) fn set_share(&self, share: u32) {
        if self.share.swap(share, Ordering::AcqRel) != share {
            self.lanes.set_share(share);
            for source in self.read().sources.values() {
                if let Some(limiter) = &source.limiter {
                    limiter.set_share(share);
                }
            }
        }
    }

    /// Before anybody has to wait for it.
    fn build(&self, change: ConfigChange, built: &mut Built) {
        let share = self.share.load(Ordering::Acquire);
        match change {
            ConfigChange::Source(id, row) => {
                let build = |row: Box<_>| usable("source", id, SourceEntry::build(*row, &self.presets, share));
                built.sources.push((id, row.and_then(build).map(Arc::new)));
            }
            ConfigChange::Destination(id, row) => {
                let build = |row: Box<_>| usable("destination", id, DestinationEntry::build(*row, &self.lanes, share));
                built.destinations.push((id, row.and_then(build).map(Arc::new)));
            }
            ConfigChange::Connection(id, row) => {
                let entry = row.and_then(|row| usable("connection", id, ConnectionEntry::build(&row)));
                built.connections.push((id, entry.map(Arc::new)));
            }
            ConfigChange::Key(public_id, row) => {
                let entry = row.and_then(|row| usable("API key", row.id, KeyEntry::build(row)));
                built.keys.push((public_id, entry.map(Arc::new)));
            }
        }
    }

    fn apply(&self, built: Built, version: i64) {
        let mut maps = self.maps.write();
        let share = self.share.load(Ordering::Acquire);
        for (id, entry) in built.sources {
            if let Some(old) = maps.sources.remove(&id) {
                maps.declared.forget(&old);
                for hash in old.token_hashes() {
                    maps.by_token.remove(&hash);
                }
            }
            let Some(entry) = entry else { continue };
            if let Some(limiter) = &entry.limiter {
                // It may have changed since.
                limiter.set_share(share);
            }
            for hash in entry.token_hashes() {
                maps.by_token.insert(hash, Arc::clone(&entry));
            }
            maps.declared.note(&entry);
            maps.sources.insert(id, entry);
        }
        for (id, entry) in built.destinations {
            match entry {
                Some(entry) => {
                    maps.destinations.insert(id, entry);
                }
                None => {
                    maps.destinations.remove(&id);
                    self.lanes.forget(id);
                }
            }
        }
        for (id, entry) in built.connections {
            if let Some(old) = maps.connections.remove(&id) {
                leave(&mut maps.by_source, &old.source, id);
                leave(&mut maps.by_destination, &old.destination, id);
            }
            let Some(entry) = entry else { continue };
            maps.by_source.entry(entry.source).or_default().push(Arc::clone(&entry));
            maps.by_destination.entry(entry.destination).or_default().push(Arc::clone(&entry));
            maps.connections.insert(id, entry);
        }
        for (public_id, entry) in built.keys {
            match entry {
                Some(entry) => maps.keys.insert(public_id, entry),
                None => maps.keys.remove(&public_id),
            };
        }
        maps.version = version;
    }
}

fn leave<K: Eq + std::hash::Hash>(side: &mut HashMap<K, Vec<Arc<ConnectionEntry>>>, of: &K, id: ConnectionId) {
    if let Some(connections) = side.get_mut(of) {
        connections.retain(|entry| entry.id != id);
        if connections.is_empty() {
            side.remove(of);
        }
    }
}

/// What was accepted once and cannot be used now is a fault of ours; it must not take the others with it.
fn usable<T>(kind: &'static str, id: impl std::fmt::Display, built: Result<T, Invalid>) -> Option<T> {
    built
        .inspect_err(
            |cause| tracing::error!(row.id = %id, %cause, "The {kind} `{id}` cannot be used and is not in effect"),
        )
        .ok()
}
