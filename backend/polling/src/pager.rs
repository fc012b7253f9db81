//! The walk from page to page within one run.
//!
//! It begins at the first page, or where an earlier run stopped. A next page is never one of another origin, and never one
//! that this run has seen. Whoever walks asks, reads the page, and gives the answer back to [`Pager::next`].

use std::collections::HashSet;

use http::HeaderMap;
use postern_domain::{Invalid, Timestamp};
use postern_seal::token::sha256;
use serde_json::{Map, Value, json};

use crate::{
    answer::PageAnswer,
    fault::PageFault,
    link,
    request::PageRequest,
    settings::{PageKind, Paginate, Path, PollSettings},
    template::{Until, Vars},
};

const PATH: &str = "poll.paginate.path";
const PARAM: &str = "poll.paginate.param";
/// The longest token that is sent back to the provider.
const MAX_TOKEN_BYTES: usize = 4_096;

/// Where a run is, and how it goes on.
#[derive(Clone, Debug)]
pub struct Pager {
    paginate: Paginate,
    /// The first page's: what every page shares but its place.
    base: PageRequest,
    /// What the templates were filled with: a run that goes on from here must ask with the same.
    vars: Vars,
    place: Place,
    is_over: bool,
    pages: u32,
    seen: HashSet<[u8; 32]>,
    last_body: Option<[u8; 32]>,
}

/// Which page is asked for.
#[derive(Clone, Debug, PartialEq)]
enum Place {
    First,
    /// A link.
    At(String),
    /// What the provider gave.
    Token(Value),
    /// How many items, or which page.
    Number(u64),
}

/// What follows on a page.
#[derive(Clone, Debug, PartialEq)]
pub enum NextPage {
    Request(PageRequest),
    /// That was the last one.
    End,
    /// There are more than a run may read; [`Pager::resume_token`] says where the next run goes on.
    LimitReached,
}

impl Pager {
    /// The walk from the first page on, and its request.
    ///
    /// # Errors
    /// When a template cannot be filled.
    pub fn start(settings: &PollSettings, vars: &Vars) -> Result<(Self, PageRequest), Invalid> {
        let place = match settings.paginate.kind {
            PageKind::Offset { start, .. } | PageKind::Page { start, .. } => Place::Number(start),
            _ => Place::First,
        };
        Self::at(settings, vars.clone(), place)
    }

    /// The walk from where an earlier one was: `token` is what its [`Self::resume_token`] said.
    ///
    /// # Errors
    /// When the token does not belong to these settings; begin at the first page then.
    pub fn resume(settings: &PollSettings, vars: &Vars, token: &Value) -> Result<(Self, PageRequest), Invalid> {
        let foreign = || Invalid::new("poll.paginate", "was changed since; the run begins at the first page");
        let instant = |name: &str| token.get(name).and_then(Value::as_i64).map(Timestamp::from_micros);
        let place = match (&settings.paginate.kind, &token["at"]) {
            (PageKind::Link | PageKind::BodyLink { .. }, Value::String(link)) => Place::At(link.clone()),
            (PageKind::Cursor { .. } | PageKind::Header { .. }, at @ (Value::String(_) | Value::Number(_))) => {
                Place::Token(at.clone())
            }
            (PageKind::Offset { .. } | PageKind::Page { .. }, at) => Place::Number(at.as_u64().ok_or_else(foreign)?),
            _ => return Err(foreign()),
        };
        if token["kind"] != word(&settings.paginate.kind) {
            return Err(foreign());
        }
        let vars = Vars {
            cursor: token.get("cursor").filter(|cursor| !cursor.is_null()).cloned(),
            since: instant("since"),
            now: instant("now").ok_or_else(foreign)?,
            until: until_of(&token["until"]).ok_or_else(foreign)?,
            run_id: vars.run_id.clone(),
        };
        Self::at(settings, vars, place)
    }

    /// What follows on the page that was asked for with `asked` (after redirects: with the last of them) and held so many
    /// items.
    ///
    /// # Errors
    /// When the next page is another origin's, was read in this run, or is named in a way that cannot be read.
    pub fn next(&mut self, asked: &PageRequest, answer: &PageAnswer<'_>, items: usize) -> Result<NextPage, PageFault> {
        self.pages = self.pages.saturating_add(1);
        let Some(place) = self.place_after(answer, items)? else {
            self.is_over = true;
            return Ok(NextPage::End);
        };
        let request = self.request(&place, asked)?;
        let seen = match &place {
            // As resolved: the same page can be written in two ways.
            Place::At(_) => request.url.clone(),
            Place::Token(token) => token.to_string(),
            Place::First | Place::Number(_) => String::new(),
        };
        if !seen.is_empty() && !self.seen.insert(sha256(seen)) {
            return Err(PageFault::Loop);
        }
        self.place = if matches!(place, Place::At(_)) { Place::At(request.url.clone()) } else { place };
        if self.pages >= self.paginate.max_pages {
            return Ok(NextPage::LimitReached);
        }
        Ok(NextPage::Request(request))
    }

    /// Where a later run goes on if this one stops now: before the page that was given last. `None` at the first page,
    /// and behind the last.
    #[must_use]
    pub fn resume_token(&self) -> Option<Value> {
        let at: Value = match &self.place {
            Place::At(link) => link.clone().into(),
            Place::Token(token) => token.clone(),
            Place::Number(number) => (*number).into(),
            Place::First => return None,
        };
        if self.is_over || self.pages == 0 {
            return None;
        }
        let mut token = Map::new();
        token.insert("kind".to_owned(), word(&self.paginate.kind).into());
        token.insert("at".to_owned(), at);
        token.insert("cursor".to_owned(), self.vars.cursor.clone().unwrap_or_default());
        if let Some(since) = self.vars.since {
            token.insert("since".to_owned(), since.as_micros().into());
        }
        token.insert("now".to_owned(), self.vars.now.as_micros().into());
        let until = match &self.vars.until {
            Until::At(at) => at.as_micros().into(),
            Until::Value(value) => json!({ "value": value }),
            Until::Open => "open".into(),
        };
        token.insert("until".to_owned(), until);
        Some(Value::Object(token))
    }

    /// How many pages were read in this walk.
    #[must_use]
    pub const fn pages(&self) -> u32 {
        self.pages
    }

    /// Whether the page that is asked for now is a later one than the first: see [`crate::Asked::has_page_token`].
    #[must_use]
    pub fn has_page_token(&self) -> bool {
        match (&self.place, &self.paginate.kind) {
            (Place::First, _) => false,
            (Place::Number(at), PageKind::Offset { start, .. } | PageKind::Page { start, .. }) => at != start,
            _ => true,
        }
    }

    /// What the templates were filled with; of a walk that was taken up again, with what they were then.
    #[must_use]
    pub const fn vars(&self) -> &Vars {
        &self.vars
    }

    fn at(settings: &PollSettings, vars: Vars, place: Place) -> Result<(Self, PageRequest), Invalid> {
        let base = PageRequest::first(settings, &vars)?;
        let mut pager = Self {
            paginate: settings.paginate.clone(),
            seen: HashSet::from([sha256(&base.url)]),
            base: base.clone(),
            vars,
            place,
            is_over: false,
            pages: 0,
            last_body: None,
        };
        let request = pager.request(&pager.place, &base).map_err(|fault| Invalid::new(PARAM, fault.to_string()))?;
        match &pager.place {
            Place::At(_) => drop(pager.seen.insert(sha256(&request.url))),
            Place::Token(token) => drop(pager.seen.insert(sha256(token.to_string()))),
            Place::First | Place::Number(_) => {}
        }
        Ok((pager, request))
    }

    fn request(&self, place: &Place, current: &PageRequest) -> Result<PageRequest, PageFault> {
        let value = match place {
            Place::First => return Ok(self.base.clone()),
            // Of what was asked only the address counts: a later page is never asked for conditionally.
            Place::At(link) => return Ok(self.base.clone().moved(current.at(link, PATH)?.url)),
            Place::Token(token) => token.clone(),
            Place::Number(number) => (*number).into(),
        };
        let mut request = self.base.clone();
        if let Some(param) = self.paginate.param() {
            let malformed = |cause: Invalid| PageFault::Malformed { field: cause.field, detail: cause.detail };
            request.set(param, value).map_err(malformed)?;
        }
        Ok(request)
    }

    fn place_after(&mut self, answer: &PageAnswer<'_>, items: usize) -> Result<Option<Place>, PageFault> {
        let Place::Number(number) = self.place else {
            return match &self.paginate.kind {
                PageKind::Link => Ok(link::next(answer.headers).map(Place::At)),
                PageKind::BodyLink { path } => Ok(body_link(path, answer.body)?.map(Place::At)),
                PageKind::Cursor { path, .. } => Ok(in_body(path, answer.body)?.map(Place::Token)),
                PageKind::Header { header, .. } => {
                    Ok(in_header(answer.headers, header.as_str())?.map(|token| Place::Token(token.into())))
                }
                PageKind::None | PageKind::Offset { .. } | PageKind::Page { .. } => Ok(None),
            };
        };
        if items == 0 {
            return Ok(None);
        }
        // Who does not know the parameter gives the same page again and again.
        let body = sha256(answer.body);
        if self.last_body.replace(body) == Some(body) {
            return Err(PageFault::Loop);
        }
        let step = if matches!(self.paginate.kind, PageKind::Offset { .. }) { items as u64 } else { 1 };
        Ok(Some(Place::Number(number.saturating_add(step))))
    }
}

fn until_of(saved: &Value) -> Option<Until> {
    match saved {
        Value::Number(micros) => Some(Until::At(Timestamp::from_micros(micros.as_i64()?))),
        Value::Object(of_window) => of_window.get("value").cloned().map(Until::Value),
        Value::String(word) if word == "open" => Some(Until::Open),
        _ => None,
    }
}

/// The word that a resume token has for it.
const fn word(kind: &PageKind) -> &'static str {
    match kind {
        PageKind::None => "none",
        PageKind::Link => "link",
        PageKind::BodyLink { .. } => "body_link",
        PageKind::Cursor { .. } => "cursor",
        PageKind::Offset { .. } => "offset",
        PageKind::Page { .. } => "page",
        PageKind::Header { .. } => "header",
    }
}

/// A text or a number; what is null, empty or false means that there is no more.
fn in_body(path: &Path, body: &[u8]) -> Result<Option<Value>, PageFault> {
    let page: Value = serde_json::from_slice(body).map_err(|cause| PageFault::NotJson { detail: cause.to_string() })?;
    match path.last(&page) {
        None | Some(Value::Null | Value::Bool(false)) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if text.len() > MAX_TOKEN_BYTES => {
            Err(malformed(format!("leads to a text of more than {MAX_TOKEN_BYTES} bytes")))
        }
        Some(value @ (Value::String(_) | Value::Number(_))) => Ok(Some(value.clone())),
        Some(_) => Err(malformed("leads to neither a text nor a number".to_owned())),
    }
}

fn body_link(path: &Path, body: &[u8]) -> Result<Option<String>, PageFault> {
    match in_body(path, body)? {
        None => Ok(None),
        Some(Value::String(link)) => Ok(Some(link)),
        Some(_) => Err(malformed("leads to a number and not to a link".to_owned())),
    }
}

fn in_header(headers: &HeaderMap, name: &str) -> Result<Option<String>, PageFault> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = value.to_str().map_err(|_| malformed(format!("the header `{name}` is not ASCII")))?.trim();
    if text.len() > MAX_TOKEN_BYTES {
        return Err(malformed(format!("the header `{name}` has more than {MAX_TOKEN_BYTES} bytes")));
    }
    Ok((!text.is_empty()).then(|| text.to_owned()))
}

fn malformed(detail: String) -> PageFault {
    PageFault::Malformed { field: PATH.to_owned(), detail }
}

#[cfg(test)]
mod tests;
