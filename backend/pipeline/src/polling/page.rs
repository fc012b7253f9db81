//! What a page says becomes rows: events for what is news, what was seen of each record, and the counts of the run.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use bytes::Bytes;
use postern_domain::{EventId, Timestamp, event_type};
use postern_polling::{
    Classified, Hash, Held, Item, Newest, Outcome, Page, PageCursors, Pass, Record, SETTLED, Stage, TypeRule, advice,
    classify, possible_keys, record_hash,
};
use postern_seal::token::sha256;
use postern_store::{
    StoreError,
    engine::{DedupInput, EventRow},
    polling::{Channel, KnownKey, LagCount, Progress, RecordRow, day_of},
};
use serde_json::{Value, json};

use super::{
    commit::{self, PageWrite, Standing},
    run::{Run, Stop},
    seen::Known,
};
use crate::accept;

/// By what a webhook, or an earlier run, is known to have brought something.
pub(super) type Taken = HashMap<String, KnownKey>;

impl Run {
    /// Commits what the page says, if it says anything. Answers how many of its items were not known as they are.
    pub(super) async fn take(&mut self, page: Page<'_>, resume: Option<Value>) -> Result<usize, Stop> {
        let Page { mut items, mut quarantined, cursors, token, .. } = page;
        let listed = if self.cursor.seeks() { hashes(&items) } else { Vec::new() };
        if self.cursor.is_beyond() {
            self.keep_awaited(&mut items).await?;
            quarantined.clear();
        }
        let counts = &mut self.row.counts;
        counts.records += i64::try_from(cursors.len()).unwrap_or(0);
        counts.quarantined += i64::try_from(quarantined.len()).unwrap_or(0);
        if let Some(listed) = &mut self.listed {
            listed.extend(items.iter().map(|item| record_hash(&item.id)));
        }
        let items = match &mut self.newest {
            Some(newest) => items.into_iter().filter_map(|item| newest.offer(item)).collect(),
            None => items,
        };
        let mut judged = self.judge(&items, Stage::of(self.state.primed)).await?;
        // Also what a first run passes over: a page on which nothing is known is not the end of what is new.
        let news = if self.newest.is_some() { cursors.len() } else { judged.news };
        let set_aside = quarantined.into_iter().map(|item| self.set_aside(item.reason, &item.raw));
        judged.page.quarantine.extend(set_aside);
        let (held, until) = (judged.held, self.until.as_ref());
        let cursors = PageCursors { items: &cursors, held: &held, listed: &listed, token: token.as_ref(), until };
        self.cursor.after_page(&self.settings.cursor, cursors);
        let progress = if self.newest.is_some() {
            // The last few are events only when it is known which they are: until then nothing is behind the source.
            self.behind = resume;
            self.progress.clone()
        } else {
            Progress { cursor: self.cursor.value().cloned(), candidate: self.cursor.candidate(), resume }
        };
        self.commit(&judged.page, progress).await?;
        Ok(news)
    }

    /// The last of a first run, now that it is known which they are.
    pub(super) async fn write_newest(&mut self) -> Result<(), Stop> {
        let items = self.newest.take().map(Newest::finish).unwrap_or_default();
        let write = self.judge(&items, Stage::Newest).await?;
        let progress = self.progress.clone();
        self.commit(&write.page, progress).await
    }

    /// There is more behind the limit, and the last are there: these are not.
    pub(super) async fn pass_newest(&mut self) -> Result<(), Stop> {
        let items = self.newest.take().map(Newest::finish).unwrap_or_default();
        let write = self.judge(&items, Stage::First).await?;
        let progress = self.progress.clone();
        self.commit(&write.page, progress).await
    }

    async fn judge(&mut self, items: &[Item<'_>], stage: Stage) -> Result<Judged, Stop> {
        if items.is_empty() {
            return Ok(Judged::default());
        }
        let known = self.known(items).await?;
        let taken = self.taken(items, &known.records).await?;
        let keys: Option<HashSet<String>> = self.reconciles().then(|| taken.keys().cloned().collect());
        let now = self.engine.clock.now();
        let pass = Pass { now, stage, webhook_keys: keys.as_ref() };
        let classified = classify(&self.settings, items, &known.records, &pass);
        let mut judged = Judged::default();
        judged.page.origin = self.reconciles().then_some("reconciled");
        for one in classified {
            let item = one.item.and_then(|position| items.get(position));
            self.add(&mut judged, one, item, &taken);
        }
        judged.news = judged.page.records.len();
        self.mark_seen(&mut judged, items, &known);
        self.hold(&mut judged).await?;
        Ok(judged)
    }

    async fn known(&self, items: &[Item<'_>]) -> Result<Known, StoreError> {
        let rows = self.engine.store.poll_records(self.holding.source, &hashes(items)).await?;
        Ok(Known::of(rows))
    }

    /// Behind the place where the run would have ended, only what was left waiting is looked at.
    async fn keep_awaited(&self, items: &mut Vec<Item<'_>>) -> Result<(), StoreError> {
        let known = self.known(items).await?.records;
        items.retain(|item| known.get(&record_hash(&item.id)).is_some_and(|record| record.stable != SETTLED));
        Ok(())
    }

    /// Of a source that has webhooks, which of these items came by one.
    async fn taken(&self, items: &[Item<'_>], known: &HashMap<Hash, Record>) -> Result<Taken, StoreError> {
        if !self.reconciles() {
            return Ok(Taken::new());
        }
        let keys = possible_keys(&self.settings, items, known);
        // As the provider names them: a webhook knows of no replay.
        let hashes: HashMap<[u8; 16], &String> = keys.iter().map(|key| (accept::key_hash("k", key), key)).collect();
        let asked: Vec<[u8; 16]> = hashes.keys().copied().collect();
        let found = self.engine.store.known_keys(self.holding.source, &asked, self.engine.clock.now()).await?;
        let by_webhook = found.into_iter().filter(|key| key.origin.is_none());
        Ok(by_webhook.filter_map(|known| Some(((*hashes.get(&known.hash)?).clone(), known))).collect())
    }

    /// Asked for a second time, what was an event is to be one again: each replay has keys of its own.
    fn key(&self, key: &str) -> String {
        replayed(key, self.state.epoch)
    }

    /// While the record is known, that tells what was an event. The key is for what the record does not see: a webhook that
    /// comes late, and a page of which a crash left only the events. It ends no later than the record is forgotten.
    fn dedup(&self, key: &str) -> DedupInput {
        let days = i64::from(self.settings.limits.remember_days);
        let expires_at = self.engine.clock.now().plus_secs(days * 86_400);
        DedupInput { expires_at, ..accept::dedup_input("k", &self.key(key)) }
    }

    /// What becomes of one item, or of a record that is gone.
    pub(super) fn add(&mut self, judged: &mut Judged, one: Classified, item: Option<&Item<'_>>, taken: &Taken) {
        let compares = self.compares();
        let counts = &mut self.row.counts;
        let now = self.engine.clock.now();
        match one.outcome {
            Outcome::Changed => counts.changed += 1,
            // What was there before says nothing about webhooks: they may not have been set up by then.
            Outcome::Lost | Outcome::Unmatched | Outcome::Confirmed if !compares => {}
            Outcome::Lost => counts.lost += 1,
            Outcome::Unmatched => counts.unmatched += 1,
            Outcome::Confirmed => {
                counts.confirmed += 1;
                let received_at = one.key.as_ref().and_then(|key| taken.get(key)?.received_at);
                let lag_ms = received_at.zip(instant(item)).map(|(at, instant)| at.ms_since(instant));
                judged.lag(now, Channel::Webhook, lag_ms);
            }
            Outcome::Missed | Outcome::Unstable => self.is_pending = true,
            Outcome::Waiting => (self.is_pending, self.is_awaiting) = (true, true),
            _ => {}
        }
        if one.outcome.holds_cursor() {
            judged.held.extend(item.map(|item| Held { record: record_hash(&item.id), value: item.cursor.clone() }));
        }
        if one.outcome.is_emitted() {
            self.emit(judged, &one, item);
        }
        judged.page.records.extend(one.record.map(row_of));
    }

    fn emit(&mut self, judged: &mut Judged, one: &Classified, item: Option<&Item<'_>>) {
        let now = self.engine.clock.now();
        let Some(key) = &one.key else { return };
        let body = match (item, &one.record) {
            (Some(item), _) => Cow::Borrowed(item.raw.as_ref()),
            (None, Some(record)) => Cow::Owned(json!({ "id": record.id, "deleted": true }).to_string().into_bytes()),
            (None, None) => return,
        };
        if body.len() > self.source.max_body_bytes {
            let reason = format!("it has {} bytes; the source takes {}", body.len(), self.source.max_body_bytes);
            judged.page.quarantine.push(self.set_aside(reason, &body));
            self.row.counts.quarantined += 1;
            return;
        }
        if self.state.primed {
            judged.lag(now, Channel::Poll, instant(item).map(|instant| now.ms_since(instant)));
        }
        self.row.counts.emitted += 1;
        judged.page.events.push(EventRow {
            id: EventId::fresh(),
            tenant: self.holding.tenant,
            source: self.holding.source,
            event_type: self.event_type(one.outcome, item),
            dedup: Some(self.dedup(key)),
            body_key: None,
            content_type: Some("application/json".to_owned()),
            headers: "{}".to_owned(),
            remote: String::new(),
            received_at: now,
            body_sha256: sha256(&body),
            body: Bytes::copy_from_slice(&body),
            filtered: 0,
            not_before: None,
        });
    }

    fn event_type(&self, outcome: Outcome, item: Option<&Item<'_>>) -> String {
        if outcome == Outcome::Deleted {
            return match &self.settings.event_type {
                Some(TypeRule::Literal(name)) => event_type::clean(&format!("{name}.deleted")),
                Some(TypeRule::Found(_)) | None => "record.deleted".to_owned(),
            };
        }
        item.and_then(|item| item.event_type.as_deref()).map(event_type::clean).unwrap_or_default()
    }

    /// More news than was agreed wait for somebody to look at them; so does what comes after, until then.
    pub(super) async fn hold(&mut self, judged: &mut Judged) -> Result<(), StoreError> {
        let most = i64::from(self.settings.limits.flood_hold);
        let emitted = self.row.counts.emitted;
        // What has its event already makes no flood. That is asked only where it matters.
        self.is_held |= emitted > most && emitted - self.known_already(&judged.page.events).await? > most;
        if self.is_held {
            judged.page.is_held = true;
            self.row.counts.held += count(judged.page.events.len());
        }
        Ok(())
    }

    async fn known_already(&self, events: &[EventRow]) -> Result<i64, StoreError> {
        let hashes: Vec<[u8; 16]> = events.iter().filter_map(|event| Some(event.dedup.as_ref()?.hash)).collect();
        let known = self.engine.store.known_keys(self.holding.source, &hashes, self.engine.clock.now()).await?;
        Ok(count(known.len()))
    }

    /// Writes the page, unless it has nothing to say.
    pub(super) async fn commit(&mut self, write: &PageWrite, after: Progress) -> Result<(), Stop> {
        if !write.is_empty() {
            self.row.cursor_after.clone_from(&after.cursor);
            let standing = Standing { before: &self.progress, after: &after, run: &self.row };
            let duplicates = commit::commit(&self.engine, &mut self.holding, write, &standing).await?;
            self.row.counts.duplicates += duplicates;
            self.row.counts.emitted -= duplicates;
            if write.is_held {
                self.row.counts.held -= duplicates;
            }
            self.wrote_page = true;
        }
        self.progress = after;
        Ok(())
    }
}

/// What a page comes to, before it is written.
#[derive(Default)]
pub(super) struct Judged {
    pub(super) page: PageWrite,
    /// What the cursor may not pass.
    pub(super) held: Vec<Held>,
    /// How many items were not known as they are.
    pub(super) news: usize,
}

impl Judged {
    fn lag(&mut self, now: Timestamp, channel: Channel, lag_ms: Option<i64>) {
        let Some(lag_ms) = lag_ms else { return };
        let (day, bucket) = (day_of(now), advice::bucket(lag_ms));
        let lags = &mut self.page.lags;
        match lags.iter_mut().find(|lag| lag.channel == channel && lag.bucket == bucket) {
            Some(lag) => lag.count += 1,
            None => lags.push(LagCount { day, channel, bucket, count: 1 }),
        }
    }
}

/// The key in its generation.
pub(super) fn replayed(key: &str, epoch: i32) -> String {
    if epoch == 0 { key.to_owned() } else { format!("{key}:replay:{epoch}") }
}

fn hashes(items: &[Item<'_>]) -> Vec<Hash> {
    items.iter().map(|item| record_hash(&item.id)).collect()
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn instant(item: Option<&Item<'_>>) -> Option<Timestamp> {
    item?.cursor.as_ref()?.instant()
}

pub(super) fn record_of(row: RecordRow) -> Record {
    let RecordRow { hash, id, version, content_hash, rev, stable, missed, waiting_since, seen_day: _ } = row;
    Record { hash, id, version, content_hash, rev, stable, missed, waiting_since }
}

pub(super) fn row_of(record: Record) -> RecordRow {
    let Record { hash, id, version, content_hash, rev, stable, missed, waiting_since } = record;
    RecordRow { hash, id, version, content_hash, rev, stable, missed, waiting_since, seen_day: None }
}
