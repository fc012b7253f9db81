//! When keys were last used: for people, so to the minute is enough, and no request waits for it.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use postern_domain::{ApiKeyId, Timestamp};

use crate::Engine;

const EVERY_S: i64 = 60;

/// What this process has last written of each key.
#[derive(Debug, Default)]
pub(crate) struct KeyUse {
    noted: Mutex<HashMap<ApiKeyId, Timestamp>>,
}

impl KeyUse {
    /// Whether it is time to write it again.
    fn is_news(&self, id: ApiKeyId, now: Timestamp) -> bool {
        let mut noted = self.noted.lock();
        let is_news = noted.get(&id).is_none_or(|last| last.plus_secs(EVERY_S) <= now);
        if is_news {
            noted.insert(id, now);
        }
        is_news
    }
}

impl Engine {
    /// Notes that a key was used, at most once a minute.
    pub fn note_key_used(self: &Arc<Self>, id: ApiKeyId) {
        let now = self.clock.now();
        if !self.key_use.is_news(id, now) {
            return;
        }
        let engine = Arc::clone(self);
        self.tasks.spawn("key-use", async move {
            if let Err(cause) = engine.store.note_key_used(id, now).await {
                tracing::warn!(key.id = %id, %cause, "The use of the key `{id}` could not be noted");
            }
        });
    }
}
