//! A list that an API cuts off: it gives so many records for one request and no more, whatever there is.
//!
//! Such a list is asked for by windows, from a value of the cursor to another. A window that came back full may have been
//! cut off, so its older half is asked for again, and then its newer half. Both have the value between them: what stands
//! there is read twice and known by its key, whether the API counts its ends in or not.

use postern_domain::{Invalid, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    cursor::CursorValue,
    moment,
    request::PageRequest,
    settings::{CursorMode, FirstRun, PollSettings},
    template::{Until, Vars},
};

const FIELD: &str = "poll.cursor.result_cap";

/// The windows that a run has yet to read, and how many records the one it reads has shown so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Windows {
    mode: Mode,
    cap: u64,
    /// The last is read now; those before are newer.
    left: Vec<Window>,
    listed: u64,
    /// The largest value that the window has shown.
    highest: Option<i64>,
    /// The smallest.
    lowest: Option<i64>,
    /// A value as the provider writes it.
    like: Option<Value>,
}

/// From here to there: seconds since 1970, or whole numbers. The first window begins wherever a request without a cursor
/// does; one without an end has all that is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    from: Option<i64>,
    to: Option<i64>,
    /// A half of another, asked for by its own ends.
    is_part: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Timestamp,
    Integer,
}

/// What follows on a window that was read to its end.
#[derive(Clone, Debug, PartialEq)]
pub enum NextWindow {
    /// Nothing of it is missing; the cursor may go up to its end. There is another one.
    Complete { until: Option<CursorValue> },
    /// It was cut off: its halves are to be read.
    Halved,
    /// That was the last one.
    End,
}

/// A window is cut off and has no halves: this many records at one value are more than the API gives.
#[derive(Clone, Debug, PartialEq)]
pub struct TooDense {
    pub from: String,
    pub to: String,
    pub listed: u64,
}

impl Windows {
    /// Of a run that begins with `vars`; `None` where the API has no cap.
    #[must_use]
    pub fn start(settings: &PollSettings, vars: &Vars) -> Option<Self> {
        let (cap, mode) = (settings.cursor.result_cap?, Mode::of(settings.cursor.mode)?);
        let since = vars.since.map(|at| at.as_secs()).filter(|_| mode == Mode::Timestamp);
        let default = || mode.read(&settings.request.cursor_default()?.into());
        let from = vars.cursor.as_ref().and_then(|cursor| mode.read(cursor)).or(since).or_else(default);
        let until = match vars.until {
            Until::At(at) => Some(at.as_secs()),
            Until::Value(_) | Until::Open => None,
        };
        let to = until.filter(|_| mode == Mode::Timestamp);
        let left = vec![Window { from, to, is_part: false }];
        let like = vars.cursor.clone();
        Some(Self { mode, cap: cap.into(), left, listed: 0, highest: None, lowest: None, like })
    }

    /// Of a run that goes on where another was cut short; `None` when the settings are no longer those.
    #[must_use]
    pub fn resume(settings: &PollSettings, saved: &Value) -> Option<Self> {
        let windows: Self = serde_json::from_value(saved.clone()).ok()?;
        let is_same = settings.cursor.result_cap.map(u64::from) == Some(windows.cap)
            && Mode::of(settings.cursor.mode) == Some(windows.mode)
            && !windows.left.is_empty();
        is_same.then_some(windows)
    }

    #[must_use]
    pub fn saved(&self) -> Value {
        json!(self)
    }

    /// What the request for the window is filled with.
    #[must_use]
    pub fn vars(&self, run: &Vars) -> Vars {
        let Some(window) = self.left.last() else { return run.clone() };
        let until = match (self.mode, window.to) {
            (Mode::Timestamp, Some(to)) if window.is_part => Until::At(Timestamp::from_secs(to)),
            (Mode::Timestamp, _) => run.until.clone(),
            (Mode::Integer, Some(to)) => Until::Value(self.written(to)),
            (Mode::Integer, None) => Until::Open,
        };
        let own = window.from.filter(|_| window.is_part).map(|from| self.written(from));
        Vars { cursor: own.or_else(|| run.cursor.clone()), until, ..run.clone() }
    }

    /// A page of the window: how many items it lists, and their cursor's values.
    pub fn note(&mut self, listed: usize, items: &[Option<CursorValue>]) {
        self.listed = self.listed.saturating_add(listed as u64);
        for item in items.iter().flatten() {
            let Some(value) = self.mode.read(item.written()) else { continue };
            self.highest = self.highest.max(Some(value));
            self.lowest = Some(self.lowest.map_or(value, |lowest| lowest.min(value)));
            if self.like.is_none() {
                self.like = Some(item.written().clone());
            }
        }
    }

    /// The window was read to its end.
    ///
    /// # Errors
    /// When it was cut off and cannot be halved.
    pub fn advance(&mut self) -> Result<NextWindow, TooDense> {
        let Some(window) = self.left.pop() else { return Ok(NextWindow::End) };
        let (listed, highest, lowest) = (std::mem::take(&mut self.listed), self.highest.take(), self.lowest.take());
        if listed < self.cap {
            if self.left.is_empty() {
                return Ok(NextWindow::End);
            }
            return Ok(NextWindow::Complete { until: window.to.and_then(|to| self.value(to)) });
        }
        let Some(parts) = self.parts(window, lowest, highest) else {
            let end = |end: Option<i64>| end.map_or_else(|| "its end".to_owned(), |end| plain(&self.written(end)));
            let (from, to) = (end(window.from.or(lowest)), end(window.to.or(highest)));
            return Err(TooDense { from, to, listed });
        };
        self.left.extend(parts);
        Ok(NextWindow::Halved)
    }

    /// Newest first, as they are put on the pile.
    fn parts(&self, window: Window, lowest: Option<i64>, highest: Option<i64>) -> Option<Vec<Window>> {
        // Nothing is older than 1970, or has a number below zero, but what was seen.
        let from = window.from.unwrap_or_else(|| lowest.map_or(0, |lowest| lowest.min(0)));
        let part = |from: i64, to: Option<i64>| Window { from: Some(from), to, is_part: true };
        let to = window.to.or(highest)?;
        let mut parts = Vec::new();
        if window.to.is_none() {
            if to <= from {
                return None;
            }
            // All that is newer than what was seen has a window of its own.
            parts.push(part(to, None));
        }
        // As the provider's form can say it: a date has no hours.
        let middle = self.mode.read(&self.written(from + to.checked_sub(from)? / 2))?;
        if middle > from && middle < to {
            parts.extend([part(middle, Some(to)), part(from, Some(middle))]);
        } else if window.to.is_none() {
            parts.push(part(from, Some(to)));
        } else {
            return None;
        }
        Some(parts)
    }

    fn written(&self, value: i64) -> Value {
        match self.mode {
            Mode::Timestamp => {
                let like = self.like.as_ref().and_then(|like| CursorValue::parse(CursorMode::Timestamp, like));
                CursorValue::at(Timestamp::from_secs(value), like.as_ref()).written().clone()
            }
            Mode::Integer if self.like.as_ref().is_some_and(Value::is_string) => value.to_string().into(),
            Mode::Integer => value.into(),
        }
    }

    fn value(&self, value: i64) -> Option<CursorValue> {
        let mode = match self.mode {
            Mode::Timestamp => CursorMode::Timestamp,
            Mode::Integer => CursorMode::Integer,
        };
        CursorValue::parse(mode, &self.written(value))
    }
}

/// What a cap needs of the other settings.
pub(crate) fn check(settings: &PollSettings) -> Result<(), Invalid> {
    if settings.cursor.result_cap.is_none() {
        return Ok(());
    }
    let templates = settings.request.templates();
    if !templates.iter().any(|template| template.uses_cursor())
        || !templates.iter().any(|template| template.uses_until())
    {
        let detail = "needs a request that names both ends of what it asks for: `{{cursor}}` and `{{run.until}}`";
        return Err(Invalid::new(FIELD, detail));
    }
    if templates.iter().any(|template| template.names_days()) {
        return Err(Invalid::new(FIELD, "needs ends finer than a day: take `.date` out of the request"));
    }
    let default = settings.request.cursor_default();
    let mode = Mode::of(settings.cursor.mode);
    if default.is_some_and(|default| mode.is_some_and(|mode| mode.read(&default.into()).is_none())) {
        let detail = "needs a `default:` in the request that is a value of the cursor: halves are counted from there";
        return Err(Invalid::new(FIELD, detail));
    }
    if matches!(settings.first_run, FirstRun::LastN(_)) {
        let detail = "needs another `first_run`: which records are the last is not known of a list that is cut off";
        return Err(Invalid::new(FIELD, detail));
    }
    if mode == Some(Mode::Integer) {
        let open = Vars { until: Until::Open, ..Vars::sample(Some(1.into())) };
        PageRequest::first(settings, &open)?;
    }
    Ok(())
}

impl Mode {
    const fn of(mode: CursorMode) -> Option<Self> {
        match mode {
            CursorMode::Timestamp => Some(Self::Timestamp),
            CursorMode::Integer => Some(Self::Integer),
            CursorMode::None | CursorMode::Token => None,
        }
    }

    fn read(self, value: &Value) -> Option<i64> {
        match self {
            Self::Timestamp => moment::read(value).map(|at| at.as_secs()),
            Self::Integer => value.as_i64().or_else(|| value.as_str()?.parse().ok()),
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests;
