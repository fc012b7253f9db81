//! How one page leads to the next.

use http::HeaderName;
use postern_domain::Invalid;
use serde_json::{Map, Value};

use super::{expr::Path, fields::Fields, request::Body};

const DEFAULT_MAX_PAGES: u32 = 100;
const MOST_PAGES: u32 = 1_000;
const MAX_SIZE: u32 = 10_000;

#[derive(Clone, Debug, PartialEq)]
pub struct Paginate {
    pub kind: PageKind,
    pub size: Option<PageSize>,
    /// So many pages a run reads; the next run goes on from there.
    pub max_pages: u32,
}

/// A parameter is an entry of the query, or, where it begins with `/`, a JSON Pointer into the body.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PageKind {
    /// One page is all.
    #[default]
    None,
    /// The `Link` header with `rel="next"` (RFC 8288).
    Link,
    /// A URL in the page.
    BodyLink { path: Path },
    /// A value in the page (the last that the path finds) becomes a parameter.
    Cursor { path: Path, param: String },
    /// How many items have been read; an empty page is the end.
    Offset { param: String, start: u64 },
    /// Page numbers; an empty page is the end.
    Page { param: String, start: u64 },
    /// The value of a header becomes a parameter.
    Header { header: HeaderName, param: String },
}

/// How many items a page shall hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageSize {
    pub param: String,
    pub size: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Word {
    None,
    Link,
    BodyLink,
    Cursor,
    Offset,
    Page,
    Header,
}

const WORDS: [(&str, Word); 7] = [
    ("none", Word::None),
    ("link", Word::Link),
    ("body_link", Word::BodyLink),
    ("cursor", Word::Cursor),
    ("offset", Word::Offset),
    ("page", Word::Page),
    ("header", Word::Header),
];

impl Default for Paginate {
    fn default() -> Self {
        Self { kind: PageKind::None, size: None, max_pages: DEFAULT_MAX_PAGES }
    }
}

impl Paginate {
    /// `body` is the request's: a parameter may stand in it.
    pub(super) fn read(mut fields: Fields<'_>, body: Option<&Body>) -> Result<Self, Invalid> {
        let word = fields.choice("kind", &WORDS)?;
        if word.is_none() && fields.is_given() {
            return Err(fields.invalid("kind", "is required"));
        }
        let word = word.unwrap_or(Word::None);
        refuse_what_has_no_meaning(&mut fields, word)?;
        let kind = match word {
            Word::None => PageKind::None,
            Word::Link => PageKind::Link,
            Word::BodyLink => PageKind::BodyLink { path: required_path(&mut fields)? },
            Word::Cursor => {
                PageKind::Cursor { path: required_path(&mut fields)?, param: read_param(&mut fields, "param", body)? }
            }
            Word::Offset => {
                let param = read_param(&mut fields, "param", body)?;
                PageKind::Offset { param, start: fields.integer("start", 0..=u32::MAX)?.unwrap_or(0).into() }
            }
            Word::Page => {
                let param = read_param(&mut fields, "param", body)?;
                PageKind::Page { param, start: fields.integer("start", 0..=u32::MAX)?.unwrap_or(1).into() }
            }
            Word::Header => PageKind::Header {
                header: required_header(&mut fields)?,
                param: read_param(&mut fields, "param", body)?,
            },
        };
        let size = read_size(&mut fields, body)?;
        let max_pages = fields.integer("max_pages", 1..=MOST_PAGES)?.unwrap_or(DEFAULT_MAX_PAGES);
        fields.finish()?;
        Ok(Self { kind, size, max_pages })
    }

    /// The parameter that says which page.
    #[must_use]
    pub fn param(&self) -> Option<&str> {
        match &self.kind {
            PageKind::None | PageKind::Link | PageKind::BodyLink { .. } => None,
            PageKind::Cursor { param, .. }
            | PageKind::Offset { param, .. }
            | PageKind::Page { param, .. }
            | PageKind::Header { param, .. } => Some(param),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut object = Map::new();
        let mut put = |name: &str, value: Value| drop(object.insert(name.to_owned(), value));
        let mut named = |word: &str, param: Option<&String>, path: Option<&str>, start: Option<u64>| {
            put("kind", word.into());
            param.into_iter().for_each(|param| put("param", param.clone().into()));
            path.into_iter().for_each(|path| put("path", path.into()));
            start.into_iter().for_each(|start| put("start", start.into()));
        };
        match &self.kind {
            PageKind::None => named("none", None, None, None),
            PageKind::Link => named("link", None, None, None),
            PageKind::BodyLink { path } => named("body_link", None, Some(path.as_str()), None),
            PageKind::Cursor { path, param } => named("cursor", Some(param), Some(path.as_str()), None),
            PageKind::Offset { param, start } => named("offset", Some(param), None, Some(*start)),
            PageKind::Page { param, start } => named("page", Some(param), None, Some(*start)),
            PageKind::Header { header, param } => named("header", Some(param), Some(header.as_str()), None),
        }
        if let Some(size) = &self.size {
            put("size_param", size.param.clone().into());
            put("size", size.size.into());
        }
        put("max_pages", self.max_pages.into());
        Value::Object(object)
    }
}

fn refuse_what_has_no_meaning(fields: &mut Fields<'_>, word: Word) -> Result<(), Invalid> {
    let kind = WORDS.iter().find(|(_, known)| *known == word).map_or("", |(kind, _)| kind);
    let why = format!("has no meaning for the kind `{kind}`");
    if !matches!(word, Word::Cursor | Word::Offset | Word::Page | Word::Header) {
        fields.refuse("param", &why)?;
    }
    if !matches!(word, Word::Cursor | Word::BodyLink | Word::Header) {
        fields.refuse("path", &why)?;
    }
    if !matches!(word, Word::Offset | Word::Page) {
        fields.refuse("start", &why)?;
    }
    Ok(())
}

fn required_path(fields: &mut Fields<'_>) -> Result<Path, Invalid> {
    let advice = "is required: where the next page is named, like `$.next`";
    Path::read(fields, "path")?.ok_or_else(|| fields.invalid("path", advice))
}

fn required_header(fields: &mut Fields<'_>) -> Result<HeaderName, Invalid> {
    let name = fields.required("path", "the name of the header that says where the next page is")?;
    HeaderName::from_bytes(name.as_bytes()).map_err(|_| fields.invalid("path", "is not a header name"))
}

fn read_param(fields: &mut Fields<'_>, name: &'static str, body: Option<&Body>) -> Result<String, Invalid> {
    let param = fields.required(name, "the query parameter, or `/name` in a JSON body")?;
    if param.starts_with('/') && !matches!(body, Some(Body::Json(Value::Object(_)))) {
        return Err(
            fields.invalid(name, "begins with `/`, which means a place in the body; `request.body` must be an object")
        );
    }
    Ok(param.to_owned())
}

fn read_size(fields: &mut Fields<'_>, body: Option<&Body>) -> Result<Option<PageSize>, Invalid> {
    let size = fields.integer("size", 1..=MAX_SIZE)?;
    match (size, fields.value("size_param").is_some()) {
        (None, false) => Ok(None),
        (Some(size), true) => Ok(Some(PageSize { param: read_param(fields, "size_param", body)?, size })),
        (Some(_), false) => {
            Err(fields.invalid("size_param", "is required beside `size`: the parameter that carries it"))
        }
        (None, true) => {
            Err(fields.invalid("size", "is required beside `size_param`: how many items a page shall hold"))
        }
    }
}
