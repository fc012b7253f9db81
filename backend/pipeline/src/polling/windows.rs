//! A run of a list that its API cuts off: window after window, and where the next run goes on when it is cut short.

use std::sync::Arc;

use postern_domain::Timestamp;
use postern_polling::{NextPage, NextWindow, PageFault, PageRequest, Pager, TooDense, Windows};
use serde_json::{Value, json};

use super::{
    failure::{Failure, Kind},
    run::Run,
};

/// A page token that is older is not asked for: providers forget them.
const RESUME_FOR_S: i64 = 3_600;

impl Run {
    /// From the first page, or from where the run before was cut off.
    pub(super) fn start(&mut self, now: Timestamp) -> Result<(Pager, PageRequest), Failure> {
        let settings = Arc::clone(&self.settings);
        let run = self.vars(now);
        let resume = self.resume(now);
        let saved = resume.as_ref().and_then(|resume| Windows::resume(&settings, resume.get("windows")?));
        // A page of windows that are not those of the settings is a page of something else.
        let is_same = saved.is_some() == settings.cursor.result_cap.is_some();
        let page = resume.as_ref().and_then(|resume| resume.get("page")).filter(|page| is_same && !page.is_null());
        let is_within = saved.is_some();
        self.windows = saved.or_else(|| Windows::start(&settings, &run));
        let vars = self.windows.as_ref().map_or_else(|| run.clone(), |windows| windows.vars(&run));
        let resumed = page.and_then(|token| Pager::resume(&settings, &vars, token).ok());
        if resumed.is_some() || is_within {
            self.cursor.resume();
        } else {
            self.cursor.restart();
        }
        let started = resumed.map_or_else(|| Pager::start(&settings, &vars), Ok);
        started.map_err(|invalid| Failure::invalid(&invalid))
    }

    /// The window was read to its end; `None` when it was the last one, or there are none.
    pub(super) fn next_window(&mut self, now: Timestamp) -> Result<Option<(Pager, PageRequest)>, Failure> {
        let run = self.vars(now);
        let Some(windows) = &mut self.windows else { return Ok(None) };
        match windows.advance().map_err(|cause| too_dense(&cause))? {
            NextWindow::End => return Ok(None),
            NextWindow::Halved => {}
            NextWindow::Complete { until } => {
                if let Some(end) = until {
                    self.cursor.at_window(&end, self.until.as_ref());
                }
                self.progress.cursor = self.cursor.value().cloned();
                self.progress.candidate = self.cursor.candidate();
            }
        }
        // Of the list there is more, whatever the last page of this window said.
        self.answers.is_whole = false;
        let vars = windows.vars(&run);
        Pager::start(&self.settings, &vars).map(Some).map_err(|invalid| Failure::invalid(&invalid))
    }

    /// Where the next run goes on if this one ends behind the page that `next` follows on.
    pub(super) fn resume_of(&self, pager: &Pager, next: &Result<NextPage, PageFault>) -> Option<Value> {
        let at = self.engine.clock.now().as_micros();
        match (next, &self.windows) {
            (Ok(NextPage::Request(_) | NextPage::LimitReached), None) => {
                pager.resume_token().map(|page| json!({ "page": page, "at": at }))
            }
            (Ok(NextPage::Request(_) | NextPage::LimitReached), Some(windows)) => {
                pager.resume_token().map(|page| json!({ "page": page, "at": at, "windows": windows.saved() }))
            }
            (Ok(NextPage::End), Some(windows)) => {
                let mut after = windows.clone();
                let has_more = matches!(after.advance(), Ok(NextWindow::Halved | NextWindow::Complete { .. }));
                has_more.then(|| json!({ "page": null, "at": at, "windows": after.saved() }))
            }
            (Ok(NextPage::End), None) | (Err(_), _) => None,
        }
    }

    /// Where the run before was cut off, unless that is too long ago.
    fn resume(&self, now: Timestamp) -> Option<Value> {
        let resume = self.state.progress.resume.as_ref()?;
        let at = Timestamp::from_micros(resume.get("at")?.as_i64()?);
        (now < at.plus_secs(RESUME_FOR_S)).then(|| resume.clone())
    }
}

fn too_dense(cause: &TooDense) -> Failure {
    let TooDense { from, to, listed } = cause;
    let message = format!(
        "the API cuts off at {listed} records between {from} and {to}, and what lies between them cannot be halved"
    );
    Failure::new(Kind::Settings, "result_cap", message).at("poll.cursor.result_cap")
}
