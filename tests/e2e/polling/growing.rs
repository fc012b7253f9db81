//! Many lists that grow all the time until they are told to stop, read by link and cursor.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    feed::moment,
    stand::every_s,
    upstream::{Asked, Gate, Said},
};

/// Between two records of one list.
const APART_MS: u64 = 400;
/// So many share an instant.
const TOGETHER: u64 = 7;
const PAGE: u64 = 5;

/// Clones are the same lists.
#[derive(Clone, Debug)]
pub(super) struct Growing {
    begun: Instant,
    most: Arc<AtomicU64>,
}

impl Growing {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), most: Arc::new(AtomicU64::new(u64::MAX)) }
    }

    /// How many records each list has.
    pub(super) fn count(&self) -> u64 {
        let grown = u64::try_from(self.begun.elapsed().as_millis()).expect("not that long") / APART_MS;
        grown.min(self.most.load(Ordering::SeqCst))
    }

    /// Ends the growth; gives how many records each list has from then on.
    pub(super) fn stop(&self) -> u64 {
        self.most.fetch_min(self.count(), Ordering::SeqCst);
        self.count()
    }

    /// From `since` on, in pages that begin at `from`. Each path is a list with ids of its own.
    pub(super) fn answer(&self, asked: &Asked) -> Said {
        let list = asked.path().trim_start_matches('/');
        let instant = |number: u64| moment(u32::try_from(number / TOGETHER).expect("few"));
        let since = asked.param("since").unwrap_or_default();
        let count = self.count();
        let first = (0..count).find(|number| instant(*number) >= since).unwrap_or(count);
        let first = first.max(u64::try_from(asked.number("from", 0)).expect("few"));
        let end = count.min(first + PAGE);
        let records: Vec<Value> = (first..end)
            .map(|number| json!({ "id": format!("{list}-{number}"), "updated_at": instant(number) }))
            .collect();
        let said = Said::json(&json!({ "data": records }));
        if end == count {
            return said;
        }
        said.header("link", format!("</{list}?since={since}&from={end}>; rel=\"next\""))
    }
}

/// For the settings of a source that reads one of the lists, every second.
pub(super) fn followed() -> Value {
    json!({
        "request": { "query": { "since": "{{cursor|default:2026-01-01T00:00:00Z}}" } },
        "schedule": every_s(1),
        "paginate": { "kind": "link" },
        "cursor": { "mode": "timestamp", "value": "$.updated_at", "order": "asc", "lookback_s": 0, "settle_s": 0 },
    })
}

/// Comes after a while, so that a run takes long enough to be caught in the middle.
pub(crate) fn late(said: Said, by: Duration) -> Said {
    let gate = Gate::closed();
    let opens = gate.clone();
    tokio::spawn(async move {
        tokio::time::sleep(by).await;
        opens.open();
    });
    said.behind(&gate)
}
