//! The pages of a run, one after the other.

use std::sync::Arc;

use bytes::Bytes;
use http::header;
use postern_domain::{Secret, Timestamp};
use postern_polling::{
    FirstRun, Meaning, NextPage, Order, Page, PageFault, PageKind, PageRequest, Pager, PollSettings, Vars, read_page,
};
use postern_seal::token::sha256;
use postern_store::polling::{Health, Progress, RunError, Validators};
use tokio::runtime::{Handle, RuntimeFlavor};

use super::{
    auth::Writes,
    budget::BudgetKey,
    commit::PageWrite,
    failure::{Failure, Kind},
    fetch::{Ask, Fetched, Fetcher},
    run::{Finish, Run, Stop},
};
use crate::SourceEntry;

const LARGE_PAGE_BYTES: usize = 256 * 1024;

impl Run {
    /// Reads the pages and commits what they say.
    ///
    /// # Errors
    /// When it has to end before the end of the list. What was committed stays.
    pub(super) async fn walk(&mut self) -> Result<Finish, Stop> {
        let (engine, settings) = (Arc::clone(&self.engine), Arc::clone(&self.settings));
        let now = engine.clock.now();
        self.may_begin(now)?;
        let mut fetcher = Fetcher {
            engine: &engine,
            tenant: self.holding.tenant,
            settings: &settings,
            budget: BudgetKey { tenant: self.holding.tenant, name: self.source.poll_budget.to_string() },
            asker: self.asker(),
            writes: Writes::Yes,
            deadline: self.deadline(),
            has_cursor: false,
            requests: 0,
        };
        let (mut pager, mut request) = self.start(now)?;
        // An answer that says that a window is unchanged would say nothing of the others.
        let is_from_start = !pager.has_page_token() && self.windows.is_none();
        fetcher.has_cursor = settings.request.uses_cursor() && pager.vars().cursor.is_some();
        let mut first = is_from_start.then(|| request.clone());
        let mut is_conditional = is_from_start && self.make_conditional(&mut request);
        loop {
            if engine.tasks.stopping() {
                return Ok(Finish::Stopped);
            }
            let ask = Ask { request: &request, is_conditional, has_page_token: pager.has_page_token() };
            let fetched = fetcher.fetch(ask).await;
            self.row.counts.requests = fetcher.requests;
            let fetched = match fetched {
                Err(failure) if engine.tasks.stopping() && matches!(failure.kind, Kind::Transient { .. }) => {
                    return Ok(Finish::Stopped);
                }
                other => other?,
            };
            self.note_hints(&fetched);
            self.note_token(fetched.token.as_ref());
            if self.until.is_none() {
                let date = fetched.hints.date.unwrap_or(now);
                self.until = self.cursor.upper_bound(&settings.cursor, date);
            }
            let step = match fetched.meaning {
                Meaning::Page => self.page(&mut pager, &fetched, first.take().as_ref()).await?,
                Meaning::NotModified if first.is_some() => {
                    self.row.counts.not_modified += 1;
                    return Ok(Finish::Unchanged);
                }
                // A later page without content: there is no more.
                Meaning::NotModified => {
                    self.answers.is_whole = self.state.progress.resume.is_none();
                    Step::End
                }
                other => return Err(Failure::of(other, &fetched.exchange).into()),
            };
            match step {
                Step::Next(next) => (request, is_conditional) = (next, false),
                Step::Same => return Ok(Finish::Unchanged),
                Step::LimitReached => return self.limit_reached().await,
                Step::End => match self.next_window(now)? {
                    None => return self.complete().await,
                    Some(_) if self.row.counts.pages >= i64::from(settings.paginate.max_pages) => {
                        return self.limit_reached().await;
                    }
                    Some(window) => {
                        (pager, request) = window;
                        fetcher.has_cursor = pager.vars().cursor.is_some();
                    }
                },
            }
        }
    }

    fn may_begin(&self, now: Timestamp) -> Result<(), Failure> {
        let is_own = self.state.last_error.as_ref().is_some_and(RunError::is_of_declared_budget);
        if let Some(until) = self.state.blocked_until.filter(|until| *until > now && !is_own) {
            // Also for somebody who asked for a run: it was the provider who said so. A declared budget has a part for
            // such runs, and says itself what is left.
            return Err(Failure::throttled(until));
        }
        if self.cursor.is_beyond_retention(&self.settings.cursor, now) {
            let message = "the cursor is older than what the provider keeps".to_owned();
            return Err(Failure::new(Kind::CursorRefused, "retention", message).at("poll.cursor.retention_s"));
        }
        Ok(())
    }

    /// Takes one page. `first` is its request, when it is the first of a list.
    async fn page(&mut self, pager: &mut Pager, fetched: &Fetched, first: Option<&PageRequest>) -> Result<Step, Stop> {
        let body = &fetched.exchange.body;
        self.row.counts.pages += 1;
        self.row.counts.bytes += i64::try_from(body.len()).unwrap_or(i64::MAX);
        if let Some(request) = first {
            let mark = PageMark::of(request, &self.source, body);
            let known = self.state.validators.page_key.as_deref().and_then(|key| mark.is_same(key));
            if let Some(records) = known.filter(|records| self.shows_growth(*records)) {
                // As the last complete run saw it, and all of the list: there is nothing in it to look at again.
                self.row.counts.records += records;
                self.answers.validators = self.validators_of(&mark.of_whole_list(records), fetched);
                return Ok(Step::Same);
            }
        }
        let page = match read(&self.settings, body) {
            Ok(page) => page,
            Err(fault) => return Err(self.drifted(body, &fault.to_string(), Failure::fault(&fault)).await),
        };
        if page.has_drifted() {
            let failure = no_ids(&page);
            let reason = page.quarantined.first().map_or_else(String::new, |item| item.reason.clone());
            return Err(self.drifted(body, &reason, failure).await);
        }
        let listed = page.listed();
        let next = pager.next(&fetched.asked, &fetched.answer(), listed);
        let cursors = page.cursors.clone();
        if let Some(windows) = &mut self.windows {
            windows.note(listed, &cursors);
        }
        let resume = self.resume_of(pager, &next);
        let news = self.take(page, resume).await?;
        if let Some(request) = first {
            let mark = PageMark::of(request, &self.source, body);
            let is_whole = matches!(next, Ok(NextPage::End));
            let listed = i64::try_from(listed).unwrap_or(0);
            let key = if is_whole { mark.of_whole_list(listed) } else { mark.of_url() };
            self.answers.validators = self.validators_of(&key, fetched);
        }
        let next = next.map_err(|fault| Failure::fault(&fault))?;
        self.answers.is_whole = next == NextPage::End && self.state.progress.resume.is_none();
        if self.cursor.is_beyond() || self.cursor.stops_descending(&self.settings, &cursors, news) {
            if !self.cursor.go_beyond() {
                return Ok(Step::End);
            }
            // From here on not all that is listed is looked at.
            self.answers.is_whole = false;
            self.progress.candidate = self.cursor.candidate();
        }
        Ok(match next {
            NextPage::Request(next) => Step::Next(next),
            NextPage::End => Step::End,
            NextPage::LimitReached => Step::LimitReached,
        })
    }

    /// Nothing of the page is taken; a sample of it is kept for whoever looks after the settings.
    async fn drifted(&mut self, body: &Bytes, reason: &str, failure: Failure) -> Stop {
        if self.state.health == Health::SchemaDrift {
            // One sample of what is wrong is enough.
            return failure.into();
        }
        let write = PageWrite { quarantine: vec![self.set_aside(reason.to_owned(), body)], ..PageWrite::default() };
        let progress = self.progress.clone();
        match self.commit(&write, progress).await {
            Ok(()) => failure.into(),
            Err(stop) => stop,
        }
    }

    async fn complete(&mut self) -> Result<Finish, Stop> {
        self.write_newest().await?;
        self.find_deleted().await?;
        self.cursor.at_end(self.until.as_ref());
        let (cursor, candidate) = (self.cursor.value().cloned(), self.cursor.candidate());
        self.progress = Progress { cursor, candidate, resume: None };
        Ok(Finish::Complete)
    }

    /// A list that is read newest first has shown the newest, and where deletions are not looked for, no run needs what is
    /// behind. Any other list is read to its end, or a later run would take the rest for news.
    async fn limit_reached(&mut self) -> Result<Finish, Stop> {
        if self.newest.is_none() {
            return Ok(Finish::Partial);
        }
        match (self.settings.cursor.order, &self.listed) {
            (Order::Desc, None) => return self.complete().await,
            (Order::Desc, Some(_)) => self.write_newest().await?,
            (Order::Asc | Order::Unknown, _) => self.pass_newest().await?,
        }
        let (cursor, candidate) = (self.cursor.value().cloned(), self.cursor.candidate());
        self.progress = Progress { cursor, candidate, resume: self.behind.take() };
        Ok(Finish::Partial)
    }

    pub(super) fn vars(&self, now: Timestamp) -> Vars {
        let since = match self.settings.first_run {
            FirstRun::Since(since) => Some(since),
            _ => None,
        };
        Vars {
            cursor: self.cursor.lower_bound(&self.settings.cursor),
            since,
            until: now.plus_secs(-i64::from(self.settings.cursor.settle_s)).into(),
            now,
            run_id: self.row.id.to_string(),
        }
    }

    /// Only if the last run was complete, and asked for the same in the same way.
    fn make_conditional(&self, request: &mut PageRequest) -> bool {
        let known = &self.state.validators;
        let is_same = known.page_key.as_deref().is_some_and(|key| {
            let records = PageMark::records(key);
            // What is gone from behind the first page does not show in it.
            let is_newest_first = self.settings.cursor.order == Order::Desc && self.listed.is_none();
            let is_telling = is_newest_first
                || self.settings.paginate.kind == PageKind::None
                || records.is_some_and(|records| self.shows_growth(records));
            is_telling && PageMark::asks_the_same(key, request, &self.source)
        });
        let etag = known.etag.as_ref().map(|etag| (header::IF_NONE_MATCH, etag));
        let since = || known.last_modified.as_ref().map(|date| (header::IF_MODIFIED_SINCE, date));
        let condition = etag.or_else(since).filter(|_| self.settings.request.conditional && is_same);
        let Some((name, value)) = condition else { return false };
        request.headers.push((name, Secret::new(value.clone())));
        true
    }

    /// Whether a list that was one page of so many records would show in that page that it has grown. Where the next page
    /// is named outside of it, a full page stays as it is when another comes behind it.
    fn shows_growth(&self, records: i64) -> bool {
        match &self.settings.paginate.kind {
            PageKind::Link | PageKind::Header { .. } => {
                self.settings.paginate.size.as_ref().is_some_and(|size| records < i64::from(size.size))
            }
            _ => true,
        }
    }

    fn validators_of(&self, key: &str, fetched: &Fetched) -> Validators {
        let text = |name: header::HeaderName| {
            let value = fetched.exchange.headers.get(name)?;
            value.to_str().ok().filter(|text| text.len() <= 1_000).map(str::to_owned)
        };
        Validators {
            page_key: Some(key.to_owned()),
            etag: text(header::ETAG),
            last_modified: text(header::LAST_MODIFIED),
        }
    }

    fn note_hints(&mut self, fetched: &Fetched) {
        let hints = &fetched.hints;
        self.answers.exhausted_until = hints.exhausted_until;
        let max_age_s = hints.max_age_s.filter(|_| self.settings.respect_max_age);
        let floor_s = hints.poll_interval_s.max(max_age_s).unwrap_or(0);
        self.answers.floor_s = self.answers.floor_s.max(floor_s);
    }
}

/// A large page takes long to read, and others run on this thread.
fn read<'p>(settings: &PollSettings, body: &'p Bytes) -> Result<Page<'p>, PageFault> {
    let has_other_threads = Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread;
    if body.len() > LARGE_PAGE_BYTES && has_other_threads {
        return tokio::task::block_in_place(|| read_page(settings, body));
    }
    read_page(settings, body)
}

/// What follows on a page.
enum Step {
    Next(PageRequest),
    End,
    /// The page, which is the whole list, is the one of the last run.
    Same,
    LimitReached,
}

/// By what a first page is known again: what was asked, and what it said.
struct PageMark {
    url: String,
    body: String,
}

impl PageMark {
    fn of(request: &PageRequest, source: &SourceEntry, body: &[u8]) -> Self {
        Self { url: url_mark(request, source), body: hex(&sha256(body)) }
    }

    /// Of a list with more pages: only what was asked.
    fn of_url(&self) -> String {
        self.url.clone()
    }

    fn of_whole_list(&self, records: i64) -> String {
        format!("{}:{}:{records}", self.url, self.body)
    }

    /// The number of records, when `key` is of the same page and it was the whole list.
    fn is_same(&self, key: &str) -> Option<i64> {
        let records = key.strip_prefix(&self.url)?.strip_prefix(':')?.strip_prefix(&self.body)?.strip_prefix(':')?;
        records.parse().ok()
    }

    /// Of a key that stands for a whole list.
    fn records(key: &str) -> Option<i64> {
        key.split(':').nth(2)?.parse().ok()
    }

    fn asks_the_same(key: &str, request: &PageRequest, source: &SourceEntry) -> bool {
        key.split(':').next() == Some(&url_mark(request, source))
    }
}

/// The settings count too: another way to read a page makes it another page.
fn url_mark(request: &PageRequest, source: &SourceEntry) -> String {
    let body = request.body.as_deref().unwrap_or_default();
    hex(&sha256([source.poll_mark.as_slice(), request.url.as_bytes(), b"\0", body].concat()))
}

fn hex(hash: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    hash.iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

pub(super) fn no_ids(page: &Page<'_>) -> Failure {
    let (without, listed) = (page.quarantined.len(), page.listed());
    let reason = page.quarantined.first().map_or("", |item| item.reason.as_str());
    let message = format!("{without} of {listed} items of a page have no id: {reason}");
    Failure::new(Kind::Drift, "no_id", message).at("poll.id")
}

/// Who shares a budget: a name the tenant gave, or the host and the credential.
pub(crate) fn budget_name(settings: &PollSettings) -> String {
    settings.budget_key.as_ref().map_or_else(
        || {
            let origin = settings.request.origin().map(|origin| origin.ascii_serialization()).unwrap_or_default();
            let mut auth = settings.to_value()["request"]["auth"].take();
            if let Some(auth) = auth.as_object_mut() {
                // The provider replaces it, and counts on for the same client.
                auth.remove("refresh_token");
            }
            hex(&sha256(Secret::new(format!("{origin}\0{auth}")).expose()))
        },
        |key| format!("key {key}"),
    )
}
