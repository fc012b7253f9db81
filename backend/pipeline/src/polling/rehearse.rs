//! One run of which nothing is kept: with settings that nobody has saved, or from a cursor where nobody has put it yet.
//!
//! It asks for the same pages in the same way and judges them by what is known, but writes no row, and no credential
//! either: a token that comes is kept in memory for the source that may be made of it.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use postern_domain::{Invalid, SourceId, TenantScope, Timestamp, source::SourceKind};
use postern_polling::{
    Classified, CursorState, FirstRun, Hash, Held, Item, Meaning, NextPage, NextWindow, Outcome, Page, PageCursors,
    Pager, Pass, PollSettings, Quarantined, Record, Stage, Vars, Windows, classify, possible_keys, read_page,
    record_hash,
};
use postern_store::{
    StoreError,
    polling::{Keys, KnownKey, PollState},
};
use serde_json::Value;

use super::{
    auth::Writes,
    budget::{Asker, BudgetKey},
    failure::Failure,
    fetch::{Ask, Fetched, Fetcher},
    page::record_of,
    walk::{budget_name, no_ids},
};
use crate::{Engine, accept};

/// Somebody waits for it.
const DEADLINE: Duration = Duration::from_secs(30);
const MAX_PAGES: usize = 5;
const MAX_ITEMS: usize = 500;
/// Of each item so much is shown.
const PAYLOAD_BYTES: usize = 16 * 1024;
/// Headers that say how much may be asked.
const RATE_HEADERS: [&str; 3] = ["ratelimit", "retry-after", "x-poll-interval"];

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    pub settings: PollSettings,
    /// Whose records and cursor count. Without one, nothing is known yet.
    pub source: Option<SourceId>,
    /// From where. `None`: where the source is; `Some(None)`: from the beginning.
    pub cursor: Option<Option<Value>>,
    /// Whether what the source has seen counts, or all is news again.
    pub keys: Keys,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TestResult {
    /// Of the last answer.
    pub status: Option<u16>,
    pub duration_ms: u64,
    pub rate_limit: BTreeMap<String, String>,
    pub pages: Vec<TestPage>,
    /// At most 500.
    pub items: Vec<TestItem>,
    /// That are not among them.
    pub more_items: u64,
    /// Whether there are pages behind those that were read.
    pub more_pages: bool,
    /// Where the next run would go on.
    pub next_cursor: Option<Value>,
    pub error: Option<TestError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestPage {
    /// Without what proves who asks.
    pub url: String,
    pub status: u16,
    pub items: usize,
    pub bytes: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestItem {
    pub id: Option<String>,
    pub version: Option<String>,
    pub event_type: Option<String>,
    /// `new`, `changed`, `duplicate`, `unchanged`, `skipped`, `waiting` or `quarantined`.
    pub outcome: &'static str,
    pub reason: Option<String>,
    pub payload: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestError {
    pub class: String,
    pub field: Option<String>,
    pub message: String,
}

/// Makes one run with these settings and keeps nothing of it. What goes wrong in the run is part of the result.
///
/// # Errors
/// When the database does not answer.
pub async fn test(engine: &Engine, scope: TenantScope, rehearsal: Rehearsal) -> Result<TestResult, StoreError> {
    let begun = Instant::now();
    let state = match rehearsal.source {
        Some(id) => engine.store.tenant(scope).poll_state(id).await?,
        None => None,
    };
    let kind = match rehearsal.source {
        Some(id) => engine.routing.source(id).await?.map(|source| source.kind),
        None => None,
    };
    let mut trial = Trial::new(engine, scope, &rehearsal, (state.as_ref(), kind));
    if let Err(stop) = trial.walk().await {
        let failure = match stop {
            Halt::Failed(failure) => failure,
            Halt::Store(cause) => return Err(cause),
        };
        let error = failure.error;
        trial.found.error = Some(TestError { class: error.class, field: error.field, message: error.message });
    }
    trial.found.next_cursor = trial.cursor.value().cloned();
    trial.found.duration_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(trial.found)
}

struct Trial<'a> {
    engine: &'a Engine,
    scope: TenantScope,
    settings: &'a PollSettings,
    source: Option<SourceId>,
    /// Of the keys that its events would have.
    epoch: i32,
    keys: Keys,
    stage: Stage,
    reconciles: bool,
    cursor: CursorState,
    /// What earlier pages of this trial have shown.
    seen: HashMap<Hash, Record>,
    found: TestResult,
}

enum Halt {
    Failed(Failure),
    Store(StoreError),
}

impl From<Failure> for Halt {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Invalid> for Halt {
    fn from(invalid: Invalid) -> Self {
        Self::Failed(Failure::invalid(&invalid))
    }
}

impl From<StoreError> for Halt {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}

impl<'a> Trial<'a> {
    fn new(
        engine: &'a Engine,
        scope: TenantScope,
        rehearsal: &'a Rehearsal,
        (state, kind): (Option<&PollState>, Option<SourceKind>),
    ) -> Self {
        let settings = &rehearsal.settings;
        let stored = || state.and_then(|state| state.progress.cursor.clone());
        let cursor = rehearsal.cursor.clone().unwrap_or_else(stored);
        Self {
            engine,
            scope,
            settings,
            source: state.map(|state| state.source),
            epoch: state.map_or(0, |state| state.epoch) + i32::from(rehearsal.keys == Keys::Fresh),
            keys: rehearsal.keys,
            // Somebody who tries settings wants to see events, and not that a first run would pass them over.
            stage: Stage::of(state.is_none_or(|state| state.primed) || rehearsal.cursor.is_some()),
            reconciles: kind == Some(SourceKind::Webhook),
            cursor: CursorState::read(&settings.cursor, cursor.as_ref(), None),
            seen: HashMap::new(),
            found: TestResult::default(),
        }
    }

    async fn walk(&mut self) -> Result<(), Halt> {
        let now = self.engine.clock.now();
        let vars = self.vars(now);
        let mut fetcher = Fetcher {
            engine: self.engine,
            tenant: self.scope.tenant_id(),
            settings: self.settings,
            budget: BudgetKey { tenant: self.scope.tenant_id(), name: budget_name(self.settings) },
            asker: Asker::Person,
            writes: Writes::No,
            deadline: Instant::now() + DEADLINE,
            has_cursor: self.settings.request.uses_cursor() && vars.cursor.is_some(),
            requests: 0,
        };
        let mut windows = Windows::start(self.settings, &vars);
        let vars = windows.as_ref().map_or_else(|| vars.clone(), |windows| windows.vars(&vars));
        let (mut pager, mut request) = Pager::start(self.settings, &vars)?;
        let mut until = None;
        loop {
            let ask = Ask { request: &request, is_conditional: false, has_page_token: pager.has_page_token() };
            let fetched = fetcher.fetch(ask).await?;
            self.note(&fetched);
            if fetched.meaning == Meaning::NotModified {
                return Ok(());
            }
            if fetched.meaning != Meaning::Page {
                return Err(Failure::of(fetched.meaning, &fetched.exchange).into());
            }
            let page = read_page(self.settings, &fetched.exchange.body).map_err(|fault| Failure::fault(&fault))?;
            if let Some(page_of) = self.found.pages.last_mut() {
                page_of.items = page.listed();
            }
            let drift = page.has_drifted().then(|| no_ids(&page));
            let (listed, cursors) = (page.listed(), page.cursors.clone());
            until = until.or_else(|| self.cursor.upper_bound(&self.settings.cursor, fetched.hints.date.unwrap_or(now)));
            let news = self.take(page, until.as_ref()).await?;
            windows.iter_mut().for_each(|windows| windows.note(listed, &cursors));
            if let Some(failure) = drift {
                return Err(failure.into());
            }
            let next = pager.next(&fetched.asked, &fetched.answer(), listed);
            let next = next.map_err(|fault| Failure::fault(&fault))?;
            let is_far_enough = self.cursor.stops_descending(self.settings, &cursors, news);
            request = match next {
                NextPage::Request(next) if !is_far_enough && self.found.pages.len() < MAX_PAGES => next,
                // One window is enough to see what the settings do.
                NextPage::End if windows.is_some_and(|mut windows| windows.advance() != Ok(NextWindow::End)) => {
                    self.found.more_pages = true;
                    return Ok(());
                }
                NextPage::End => {
                    self.cursor.at_end(until.as_ref());
                    return Ok(());
                }
                NextPage::Request(_) | NextPage::LimitReached => {
                    self.found.more_pages = !is_far_enough;
                    if is_far_enough {
                        self.cursor.at_end(until.as_ref());
                    }
                    return Ok(());
                }
            };
        }
    }

    fn vars(&self, now: Timestamp) -> Vars {
        Vars {
            cursor: self.cursor.lower_bound(&self.settings.cursor),
            since: match self.settings.first_run {
                FirstRun::Since(since) => Some(since),
                _ => None,
            },
            until: now.plus_secs(-i64::from(self.settings.cursor.settle_s)).into(),
            now,
            run_id: "test".to_owned(),
        }
    }

    fn note(&mut self, fetched: &Fetched) {
        let exchange = &fetched.exchange;
        self.found.status = exchange.status;
        for (name, value) in &exchange.headers {
            let name = name.as_str();
            let is_about_rate =
                RATE_HEADERS.contains(&name) || name.contains("ratelimit") || name.contains("rate-limit");
            if let Some(text) = value.to_str().ok().filter(|_| is_about_rate) {
                self.found.rate_limit.insert(name.to_owned(), text.chars().take(200).collect());
            }
        }
        if let Some(status) = exchange.status {
            let url = fetched.asked.url.clone();
            self.found.pages.push(TestPage { url, status, items: 0, bytes: exchange.body.len() });
        }
    }

    /// Answers how many items were not known as they are.
    async fn take(&mut self, page: Page<'_>, until: Option<&postern_polling::CursorValue>) -> Result<usize, Halt> {
        let known = self.known(&page.items).await?;
        let keys = self.webhook_keys(&page.items, &known).await?;
        let now = self.engine.clock.now();
        let pass = Pass { now, stage: self.stage, webhook_keys: keys.as_ref() };
        let classified = classify(self.settings, &page.items, &known, &pass);
        let taken = self.taken(&classified).await?;
        let mut held = Vec::new();
        for one in &classified {
            let Some(item) = one.item.and_then(|position| page.items.get(position)) else { continue };
            if one.outcome.holds_cursor() {
                held.push(Held { record: record_hash(&item.id), value: item.cursor.clone() });
            }
            let is_taken = one.key.as_ref().is_some_and(|key| taken.contains(key));
            self.show(item, one.outcome, is_taken);
        }
        for item in &page.quarantined {
            self.show_quarantined(item);
        }
        let news = classified.iter().filter(|one| one.record.is_some()).count();
        self.seen.extend(classified.into_iter().filter_map(|one| one.record).map(|record| (record.hash, record)));
        let cursors = PageCursors { items: &page.cursors, held: &held, token: page.token.as_ref(), until, listed: &[] };
        self.cursor.after_page(&self.settings.cursor, cursors);
        Ok(news)
    }

    async fn known(&self, items: &[Item<'_>]) -> Result<HashMap<Hash, Record>, StoreError> {
        let hashes: Vec<Hash> = items.iter().map(|item| record_hash(&item.id)).collect();
        let mut known: HashMap<Hash, Record> = match self.source {
            // With fresh keys the records are forgotten before the run.
            Some(id) if self.keys == Keys::Same => {
                let rows = self.engine.store.poll_records(id, &hashes).await?;
                rows.into_iter().map(|row| (row.hash, record_of(row))).collect()
            }
            _ => HashMap::new(),
        };
        known.extend(hashes.iter().filter_map(|hash| Some((*hash, self.seen.get(hash)?.clone()))));
        Ok(known)
    }

    async fn webhook_keys(
        &self,
        items: &[Item<'_>],
        known: &HashMap<Hash, Record>,
    ) -> Result<Option<HashSet<String>>, StoreError> {
        if !self.reconciles {
            return Ok(None);
        }
        // As the provider names them: a webhook knows of no replay.
        let found = self.which_are_taken(possible_keys(self.settings, items, known), 0).await?;
        Ok(Some(found.into_iter().filter(|(_, by)| by.origin.is_none()).map(|(key, _)| key).collect()))
    }

    /// Whose key an event has already.
    async fn taken(&self, classified: &[Classified]) -> Result<HashSet<String>, StoreError> {
        let emitted = classified.iter().filter(|one| one.outcome.is_emitted());
        let keys = emitted.filter_map(|one| one.key.clone()).collect();
        Ok(self.which_are_taken(keys, self.epoch).await?.into_iter().map(|(key, _)| key).collect())
    }

    async fn which_are_taken(&self, keys: Vec<String>, epoch: i32) -> Result<Vec<(String, KnownKey)>, StoreError> {
        let Some(id) = self.source else { return Ok(Vec::new()) };
        let mut by_hash: HashMap<[u8; 16], String> =
            keys.into_iter().map(|key| (accept::key_hash("k", &super::page::replayed(&key, epoch)), key)).collect();
        let hashes: Vec<[u8; 16]> = by_hash.keys().copied().collect();
        let found = self.engine.store.known_keys(id, &hashes, self.engine.clock.now()).await?;
        Ok(found.into_iter().filter_map(|known| Some((by_hash.remove(&known.hash)?, known))).collect())
    }

    fn show(&mut self, item: &Item<'_>, outcome: Outcome, is_taken: bool) {
        if self.found.items.len() >= MAX_ITEMS {
            self.found.more_items += 1;
            return;
        }
        let (word, reason) = match outcome {
            _ if is_taken => ("duplicate", Some("an event has its dedup key already")),
            Outcome::New => ("new", None),
            Outcome::Lost => ("new", Some("no webhook brought it")),
            Outcome::Changed | Outcome::Deleted => ("changed", None),
            Outcome::Confirmed => ("duplicate", Some("a webhook brought it")),
            Outcome::Unchanged | Outcome::Missed => ("unchanged", None),
            Outcome::Unmatched => ("unchanged", Some("a change that no webhook's key can match")),
            Outcome::Stale => ("unchanged", Some("it is older than what is known")),
            Outcome::Skipped => ("skipped", Some("it was there before the first run")),
            Outcome::Waiting => ("waiting", Some("it may still come by webhook")),
            Outcome::Unstable => ("waiting", Some("the change has yet to hold")),
        };
        self.found.items.push(TestItem {
            id: Some(item.id.clone()),
            version: item.version.clone(),
            event_type: item.event_type.clone(),
            outcome: word,
            reason: reason.map(str::to_owned),
            payload: item.raw.get(..PAYLOAD_BYTES).unwrap_or(&item.raw).to_vec(),
        });
    }

    fn show_quarantined(&mut self, item: &Quarantined<'_>) {
        if self.found.items.len() >= MAX_ITEMS {
            self.found.more_items += 1;
            return;
        }
        self.found.items.push(TestItem {
            id: None,
            version: None,
            event_type: None,
            outcome: "quarantined",
            reason: Some(item.reason.clone()),
            payload: item.raw.get(..PAYLOAD_BYTES).unwrap_or(&item.raw).to_vec(),
        });
    }
}
