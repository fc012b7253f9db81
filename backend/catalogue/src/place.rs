//! Where something stands in a body: a JSON Pointer (RFC 6901) from the event, or, after a number, from so many levels
//! above it, as Relative JSON Pointers count. A form is an object of its fields.
//!
//! Beyond the standard, `-1` is the last element of an array.

use serde_json::Value;

/// A value in a body, with those that hold it.
#[derive(Clone, Debug)]
pub(crate) struct Here<'a> {
    /// From the body's root down to the value itself.
    path: Vec<&'a Value>,
    /// The same as a pointer.
    pub(crate) pointer: String,
}

impl<'a> Here<'a> {
    pub(crate) fn root(value: &'a Value) -> Self {
        Self { path: vec![value], pointer: String::new() }
    }

    fn up(&self, levels: usize) -> Option<&'a Value> {
        self.path.get(self.path.len().checked_sub(levels + 1)?).copied()
    }

    fn below(&self, step: &str, value: &'a Value) -> Self {
        let mut path = self.path.clone();
        path.push(value);
        Self { path, pointer: format!("{}/{}", self.pointer, step.replace('~', "~0").replace('/', "~1")) }
    }

    /// The names in it, where it is an object.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.up(0).and_then(Value::as_object).into_iter().flat_map(|object| object.keys().map(String::as_str))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    text: String,
    up: usize,
    steps: Vec<String>,
}

impl Place {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let digits = text.find('/').unwrap_or(text.len());
        let (levels, pointer) = text.split_at(digits);
        let up = if levels.is_empty() { Some(0) } else { levels.parse().ok() };
        let up = up.ok_or_else(|| format!("`{text}` is no place: `/a/b`, or `2/a/b` from two levels above"))?;
        let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
        Ok(Self { text: text.to_owned(), up, steps: pointer.split('/').skip(1).map(step).collect() })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// What stands there. Null and the empty text count as nothing.
    pub(crate) fn find<'a>(&self, here: &Here<'a>) -> Option<&'a Value> {
        let from = here.up(self.up)?;
        let found = self.steps.iter().try_fold(from, |value, step| child(value, step))?;
        let is_nothing = found.is_null() || found.as_str().is_some_and(str::is_empty);
        (!is_nothing).then_some(found)
    }
}

fn child<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Object(object) => object.get(step),
        Value::Array(all) if step == "-1" => all.last(),
        Value::Array(all) => all.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Where the events of a batch stand: a pointer in which `*` is each element of an array.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Each {
    text: String,
    steps: Vec<String>,
}

impl Each {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let steps: Vec<String> = text.split('/').skip(1).map(str::to_owned).collect();
        if !text.starts_with('/') || !steps.iter().any(|step| step == "*") {
            return Err(format!("`{text}` must be a pointer with a `*`"));
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// At most `most`, in the order of the body.
    pub(crate) fn find<'a>(&self, root: &'a Value, most: usize) -> Vec<Here<'a>> {
        let mut found = Vec::new();
        walk(&self.steps, &Here::root(root), most, &mut found);
        found
    }
}

fn walk<'a>(steps: &[String], here: &Here<'a>, most: usize, found: &mut Vec<Here<'a>>) {
    let Some((step, rest)) = steps.split_first() else {
        if found.len() < most {
            found.push(here.clone());
        }
        return;
    };
    let Some(value) = here.up(0) else { return };
    if step == "*" {
        let elements = value.as_array().map(Vec::as_slice).unwrap_or_default();
        for (index, element) in elements.iter().enumerate() {
            if found.len() >= most {
                return;
            }
            walk(rest, &here.below(&index.to_string(), element), most, found);
        }
    } else if let Some(next) = child(value, step) {
        walk(rest, &here.below(step, next), most, found);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_found_from_the_event_or_from_above_it() {
        let body =
            json!({"live": "true", "items": [{"a/b": {"c.d": 1}}, {"list": [1, 2, 3]}], "none": null, "empty": ""});
        let at = |here: &Here<'_>, text: &str| Place::parse(text).expect("a place").find(here).cloned();
        let root = Here::root(&body);
        assert_eq!(at(&root, "/items/0/a~1b/c.d"), Some(json!(1)));
        assert_eq!(at(&root, "/items/1/list/-1"), Some(json!(3)));
        for nothing in ["/none", "/empty", "/x", "/items/7", "/live/x", "1/live"] {
            assert_eq!(at(&root, nothing), None, "{nothing}");
        }
        let items = Each::parse("/items/*").expect("each").find(&body, 10);
        assert_eq!(items.iter().map(|here| here.pointer.as_str()).collect::<Vec<_>>(), ["/items/0", "/items/1"]);
        assert_eq!(at(&items[1], "/list/0"), Some(json!(1)));
        assert_eq!(at(&items[1], "2/live"), Some(json!("true")));
        assert_eq!(at(&items[1], "1/0/a~1b/c.d"), Some(json!(1)));
        assert_eq!(at(&items[1], "3/live"), None);
        assert_eq!(Each::parse("/items/*").expect("each").find(&body, 1).len(), 1);
    }

    #[test]
    fn what_is_no_place_is_refused() {
        assert!(Place::parse("a/b").is_err() && Place::parse("x").is_err());
        assert!(Each::parse("/a/b").is_err() && Each::parse("*/a").is_err());
    }
}
