//! What is remembered of single records, and of what could not become an event.

use std::collections::HashMap;

use postern_domain::{Actor, EventId, SourceId, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use super::{
    given::{bound_list, listed, listed_ids},
    words::Channel,
    writing::{Bind, look},
};
use crate::{Store, StoreError};

const READING: &str = "reading records";

/// What was seen of a record, to tell news from repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordRow {
    /// 16 bytes of SHA-256 over its id.
    pub hash: [u8; 16],
    /// As shown to people.
    pub id: String,
    pub version: Option<String>,
    pub content_hash: [u8; 16],
    /// How often it changed.
    pub rev: i32,
    /// For how many runs it has been as it is, while it must be stable before it is news.
    pub stable: i32,
    /// By how many complete listings in a row it was missed.
    pub missed: i32,
    /// Since when a webhook is waited for.
    pub waiting_since: Option<Timestamp>,
    /// A day on which it was listed, see [`super::day_of`]; not the last one, which would be a write for each listing. To
    /// be written, none leaves it as it is.
    pub seen_day: Option<i32>,
}

/// A dedup key that is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownKey {
    pub hash: [u8; 16],
    pub event: EventId,
    /// None: the event itself is past its retention.
    pub received_at: Option<Timestamp>,
    /// As stored: empty means by the kind of its source.
    pub origin: Option<String>,
}

/// An item that could not become an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantineRow {
    pub at: Timestamp,
    pub reason: String,
    /// Cut off at 64 kB.
    pub sample: Vec<u8>,
}

/// So many events were so late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LagCount {
    /// See [`super::day_of`].
    pub day: i32,
    pub channel: Channel,
    /// By [`LagCount::of`]: between two powers of two of a millisecond there are four.
    pub bucket: i16,
    pub count: i64,
}

/// A step of the cursor, and who made it.
#[derive(Clone, Debug, PartialEq)]
pub struct MoveRow {
    pub from: Option<Value>,
    pub to: Option<Value>,
    pub actor: Actor,
    pub reason: String,
}

const HASH_AND_MORE: &str =
    "record_hash, record_id, version, content_hash, rev, stable, missed, waiting_since, seen_day FROM poll_records";

type Stored = (Vec<u8>, String, Option<String>, Vec<u8>, i32, i32, i32, Option<i64>, Option<i32>);

impl Store {
    /// Those of these records that were seen before.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn poll_records(&self, source: SourceId, hashes: &[[u8; 16]]) -> Result<Vec<RecordRow>, StoreError> {
        let sql = format!("SELECT {HASH_AND_MORE} WHERE source_id = $2 AND record_hash {}", listed(self.backend(), 1));
        let hashes = bound_list(hashes.iter().map(<[u8; 16]>::as_slice));
        let rows = look(self, READING, sql, &[Bind::Text(&hashes), Bind::Uuid(source.uuid())]).await?;
        rows.into_iter().map(read).collect()
    }

    /// All that were seen, by their hash, behind `after`: for runs that list the whole set.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn poll_records_after(
        &self,
        source: SourceId,
        after: Option<[u8; 16]>,
        limit: u32,
    ) -> Result<Vec<RecordRow>, StoreError> {
        let sql =
            format!("SELECT {HASH_AND_MORE} WHERE source_id = $1 AND record_hash > $2 ORDER BY record_hash LIMIT $3");
        let after = after.as_ref().map_or(&[][..], <[u8; 16]>::as_slice);
        let binds = [Bind::Uuid(source.uuid()), Bind::Bytes(after), Bind::Long(i64::from(limit))];
        look(self, READING, sql, &binds).await?.into_iter().map(read).collect()
    }

    /// Those of these dedup keys that are taken, and by which event.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn known_keys(
        &self,
        source: SourceId,
        hashes: &[[u8; 16]],
        now: Timestamp,
    ) -> Result<Vec<KnownKey>, StoreError> {
        let doing = "looking up dedup keys";
        let sql = format!(
            "SELECT key_hash, event_id FROM dedup_keys WHERE source_id = $2 AND expires_at > $3 AND key_hash {}",
            listed(self.backend(), 1)
        );
        let hashes = bound_list(hashes.iter().map(<[u8; 16]>::as_slice));
        let binds = [Bind::Text(&hashes), Bind::Uuid(source.uuid()), Bind::Long(now.as_micros())];
        let keys: Vec<(Vec<u8>, Uuid)> = look(self, doing, sql, &binds).await?;
        let (Some(lowest), Some(highest)) = (keys.iter().map(|key| key.1).min(), keys.iter().map(|key| key.1).max())
        else {
            return Ok(Vec::new());
        };
        // The bounds say in which days to look.
        let sql = format!(
            "SELECT id, received_at, origin FROM events WHERE id >= $2 AND id <= $3 AND id {}",
            listed_ids(self.backend(), 1)
        );
        let ids = bound_list(keys.iter().map(|key| key.1.as_bytes().as_slice()));
        let binds = [Bind::Text(&ids), Bind::Uuid(lowest), Bind::Uuid(highest)];
        let events: Vec<(Uuid, i64, Option<String>)> = look(self, doing, sql, &binds).await?;
        let events: HashMap<Uuid, (i64, Option<String>)> =
            events.into_iter().map(|(id, at, origin)| (id, (at, origin))).collect();
        keys.into_iter()
            .map(|(hash, id)| {
                let event = events.get(&id);
                Ok(KnownKey {
                    hash: hash16(&hash)?,
                    event: EventId::from_uuid(id),
                    received_at: event.map(|(at, _)| Timestamp::from_micros(*at)),
                    origin: event.and_then(|(_, origin)| origin.clone()),
                })
            })
            .collect()
    }
}

fn read(row: Stored) -> Result<RecordRow, StoreError> {
    let (hash, id, version, content_hash, rev, stable, missed, waiting_since, seen_day) = row;
    Ok(RecordRow {
        hash: hash16(&hash)?,
        id,
        version,
        content_hash: hash16(&content_hash)?,
        rev,
        stable,
        missed,
        waiting_since: waiting_since.map(Timestamp::from_micros),
        seen_day,
    })
}

fn hash16(bytes: &[u8]) -> Result<[u8; 16], StoreError> {
    bytes.try_into().map_err(|cause| StoreError::inconsistent("poll_records", cause))
}
