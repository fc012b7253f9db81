//! Where something stands in an item or a page: RFC 9535 JSONPath.
//!
//! A path is written by a tenant and walks pages that the same tenant may have written, on a thread that others wait
//! for. What could take more than a few walks over a page is therefore refused when it is saved: see [`Path::parse`].

use postern_domain::{Invalid, event_type};
use serde_json::Value;
use serde_json_path::JsonPath;

use super::fields::Fields;

const MAX_PATH_BYTES: usize = 300;
/// How many paths may be tried one after the other.
const MAX_PATHS: usize = 5;
/// In `[a, b]` each comma is one more walk, and several such brackets multiply.
const MAX_COMMAS: usize = 4;
/// Of parentheses and brackets inside each other: the parser calls itself for each.
const MAX_DEPTH: usize = 8;
/// Stands for the parenthesis of a function.
const FUNCTION: char = 'f';

/// One JSONPath and the text it was written as.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    text: String,
    path: JsonPath,
}

/// One JSONPath, or several: of an identity all of them are its parts, of all else the first that finds something counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr(Vec<Path>);

/// The type of a source's events: one for all, or looked up in the item (a path begins with `$`).
#[derive(Clone, Debug, PartialEq)]
pub enum TypeRule {
    Literal(String),
    Found(Expr),
}

impl Path {
    /// # Errors
    /// When it is no JSONPath, or one whose cost could grow faster than the page: two `..`, many alternatives, a filter
    /// that walks, regular expressions.
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        if text.len() > MAX_PATH_BYTES {
            return Err(Invalid::new(field, format!("may have at most {MAX_PATH_BYTES} bytes")));
        }
        if let Some(cause) = costly(text) {
            return Err(Invalid::new(field, cause));
        }
        let path = JsonPath::parse(text)
            .map_err(|cause| Invalid::new(field, format!("is not a JSONPath like `$.data[*]`: {cause}")))?;
        Ok(Self { text: text.to_owned(), path })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    #[must_use]
    pub const fn json_path(&self) -> &JsonPath {
        &self.path
    }

    /// The last node that is not null.
    #[must_use]
    pub fn last<'a>(&self, within: &'a Value) -> Option<&'a Value> {
        self.path.query(within).into_iter().rfind(|value| !value.is_null())
    }

    pub(super) fn read(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Self>, Invalid> {
        let text = fields.text(name)?;
        text.map(|text| Self::parse(&fields.at(name), text)).transpose()
    }

    pub(super) fn read_list(fields: &mut Fields<'_>, name: &'static str, most: usize) -> Result<Vec<Self>, Invalid> {
        let list = fields.list(name, most)?;
        let read = |(index, value): (usize, &Value)| {
            let field = format!("{}[{index}]", fields.at(name));
            let text = value.as_str().ok_or_else(|| Invalid::new(&field, "must be a JSONPath in a string"))?;
            Self::parse(&field, text)
        };
        list.iter().enumerate().map(read).collect()
    }
}

impl Expr {
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.0
    }

    /// The first node that is not null.
    #[must_use]
    pub fn find<'a>(&self, within: &'a Value) -> Option<&'a Value> {
        self.0.iter().find_map(|path| path.path.query(within).into_iter().find(|value| !value.is_null()))
    }

    /// # Errors
    /// As [`Path::parse`].
    pub fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        Path::parse(field, text).map(|path| Self(vec![path]))
    }

    /// A path, or a list of them.
    pub(super) fn read(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Self>, Invalid> {
        if !fields.value(name).is_some_and(Value::is_array) {
            return Ok(Path::read(fields, name)?.map(|path| Self(vec![path])));
        }
        let paths = Path::read_list(fields, name, MAX_PATHS)?;
        if paths.is_empty() {
            return Err(fields.invalid(name, format!("must be a JSONPath, or a list of 1 to {MAX_PATHS}")));
        }
        Ok(Some(Self(paths)))
    }

    pub(super) fn to_value(&self) -> Value {
        match self.0.as_slice() {
            [path] => path.text.clone().into(),
            paths => paths.iter().map(|path| path.text.clone()).collect(),
        }
    }
}

impl TypeRule {
    pub(super) fn read(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Self>, Invalid> {
        match fields.value(name) {
            Some(Value::String(text)) if !text.starts_with('$') => {
                let is_plain = event_type::clean(text) == *text && !text.is_empty();
                let detail = format!("must have 1 to {} bytes and no control characters", event_type::MAX_LEN);
                let literal = is_plain.then(|| Self::Literal(text.clone()));
                literal.map(Some).ok_or_else(|| fields.invalid(name, detail))
            }
            _ => Ok(Expr::read(fields, name)?.map(Self::Found)),
        }
    }

    pub(super) fn to_value(&self) -> Value {
        match self {
            Self::Literal(text) => text.clone().into(),
            Self::Found(expr) => expr.to_value(),
        }
    }
}

/// Why a path could take too long, if it could.
fn costly(text: &str) -> Option<String> {
    let mut walk = Walk::default();
    let mut before = ' ';
    for letter in text.chars() {
        let cause = walk.step(before, letter);
        if cause.is_some() {
            return cause;
        }
        before = letter;
    }
    None
}

/// What has been seen of a path, outside of its quoted names.
#[derive(Default)]
struct Walk {
    quote: Option<char>,
    is_escaped: bool,
    /// The open brackets and parentheses.
    open: Vec<char>,
    /// How many were open where the filter began.
    filter: Option<usize>,
    commas: usize,
    descents: usize,
    /// How often a filter looks at the whole page, which it does for each item.
    roots: usize,
    /// The name that has just been read, of a function perhaps.
    word: String,
}

impl Walk {
    fn step(&mut self, before: char, letter: char) -> Option<String> {
        if let Some(quote) = self.quote {
            let ends = letter == quote && !self.is_escaped;
            self.is_escaped = letter == '\\' && !self.is_escaped;
            if ends {
                self.quote = None;
            }
            return None;
        }
        let is_function = !self.word.is_empty();
        let is_regex = letter == '(' && ["match", "search"].contains(&self.word.as_str());
        if letter.is_alphanumeric() {
            self.word.push(letter);
        } else if !letter.is_whitespace() {
            self.word.clear();
        }
        match letter {
            '\'' | '"' => self.quote = Some(letter),
            '[' | '(' if self.open.len() >= MAX_DEPTH => {
                return Some(format!("may have at most {MAX_DEPTH} brackets inside each other"));
            }
            '(' if is_regex => return Some("regular expressions are not available here".to_owned()),
            '(' if is_function => self.open.push(FUNCTION),
            '[' | '(' => self.open.push(letter),
            ']' | ')' => {
                self.open.pop();
                self.filter = self.filter.filter(|depth| self.open.len() >= *depth);
            }
            '?' | '*' | ':' if self.filter.is_some() => {
                return Some(format!("a filter may name single values only, no `{letter}` inside it"));
            }
            '$' if self.filter.is_some() => self.roots += 1,
            '?' => self.filter = Some(self.open.len()),
            ',' if self.open.last() == Some(&'[') => self.commas += 1,
            '.' if before == '.' => self.descents += if self.filter.is_some() { 2 } else { 1 },
            _ => {}
        }
        if self.roots > 1 || (letter == '$' && self.open.contains(&FUNCTION)) {
            return Some("may name the whole page (`$`) once in its filters, and not within a function".to_owned());
        }
        if self.commas > MAX_COMMAS {
            return Some(format!("may have at most {MAX_COMMAS} alternatives in brackets"));
        }
        (self.descents > 1).then(|| "may have one `..`, and none in a filter".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_of_every_day_are_taken() {
        for text in [
            "$",
            "$[*]",
            "$.data[*]",
            "$.data.items",
            "$['a, b ..?*']['c']",
            "$..id",
            "$.data[-1:].id",
            "$.data[?@.kind == 'a' && @.at > 5]",
            "$.data[?$.has_more == true].id",
            "$.a[?($.b == 1) && @['$'] != '$$']",
            "$.a[?length(@.name) > 3].b[?@.c == 'match(x)']",
            "$[0, 1]['a','b']",
        ] {
            let parsed = Path::parse("poll.id", text).unwrap_or_else(|cause| panic!("{text}: {cause}"));
            assert_eq!(parsed.as_str(), text);
        }
    }

    #[test]
    fn what_is_no_path_or_could_take_too_long_is_refused() {
        let deep = format!("$[?{}@.a{}]", "(".repeat(40), ")".repeat(40));
        let long = format!("$.{}", "a".repeat(400));
        let table = [
            ("data.items", "is not a JSONPath"),
            ("", "is not a JSONPath"),
            ("$.", "is not a JSONPath"),
            ("$[", "is not a JSONPath"),
            ("$]]))", "is not a JSONPath"),
            ("$..*..*", "one `..`"),
            ("$[?@..a]", "none in a filter"),
            ("$[0,0][0,0][0,0][0,0][0,0]", "at most 4 alternatives"),
            ("$.a[?$.a[?@.b]]", "no `?` inside it"),
            ("$.a[?count(@.a[*]) > 1]", "no `*` inside it"),
            ("$.a[?@[0:9]]", "no `:` inside it"),
            ("$.a[?$.b == $.c]", "once in its filters"),
            ("$.a[?$.b == 1][?@.c == $.d]", "once in its filters"),
            ("$.a[?length($.b) > 1]", "not within a function"),
            ("$.a[?match(@.b, 'x')]", "regular expressions"),
            ("$.a[?search (@.b, @.c)]", "regular expressions"),
            (&deep, "at most 8 brackets"),
            (&long, "at most 300 bytes"),
        ];
        for (text, expected) in table {
            let cause = Path::parse("poll.items", text).expect_err(text);
            assert_eq!(cause.field, "poll.items");
            assert!(cause.detail.contains(expected), "{text}: {cause}");
        }
    }

    #[test]
    fn the_first_that_is_there_counts_and_of_one_path_the_last() {
        let expr =
            Expr(vec![Path::parse("x", "$.updated").expect("a path"), Path::parse("x", "$.created").expect("a path")]);
        assert_eq!(expr.find(&json!({"updated": null, "created": 7})), Some(&json!(7)));
        assert_eq!(expr.find(&json!({"updated": 1, "created": 7})), Some(&json!(1)));
        assert_eq!(expr.find(&json!([])), None);
        let last = Path::parse("x", "$.data[?$.more == true].id").expect("a path");
        assert_eq!(last.last(&json!({"more": true, "data": [{"id": 1}, {"id": 2}]})), Some(&json!(2)));
        assert_eq!(last.last(&json!({"more": false, "data": [{"id": 1}]})), None);
    }
}
