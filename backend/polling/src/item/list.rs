//! Finds the list of items in a page, and tells an empty list from a path that leads nowhere.

use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use crate::{fault::PageFault, raw::Place, settings::Path};

/// So many keys of the page are named when a path leads nowhere.
const NAMED_KEYS: usize = 10;

/// The items and where they stand. A path that leads to one list means its elements; one that leads to an object means
/// that object; `null` is a list of none, as some languages write it.
pub(super) fn find<'v>(path: &Path, page: &'v Value) -> Result<Vec<(Place<'v>, &'v Value)>, PageFault> {
    let found = path.json_path().query_located(page).all();
    let mut nodes: Vec<(Place<'v>, &'v Value)> =
        found.into_iter().map(|node| (node.location().iter().cloned().collect(), node.node())).collect();
    if nodes.is_empty() {
        return if leads_to_an_empty_list(path.as_str(), page) { Ok(nodes) } else { Err(missing(path, page)) };
    }
    match nodes.pop() {
        Some((place, node)) if nodes.is_empty() && parent(path.as_str()).is_none() => only(path, place, node),
        last => {
            nodes.extend(last);
            Ok(nodes)
        }
    }
}

fn only<'v>(path: &Path, place: Place<'v>, node: &'v Value) -> Result<Vec<(Place<'v>, &'v Value)>, PageFault> {
    let element = |(position, element)| {
        let mut place = place.clone();
        place.push(PathElement::Index(position));
        (place, element)
    };
    match node {
        Value::Array(list) => Ok(list.iter().enumerate().map(element).collect()),
        Value::Object(_) => Ok(vec![(place, node)]),
        Value::Null => Ok(Vec::new()),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Err(PageFault::PathMissing {
            path: path.as_str().to_owned(),
            found: " that is a list or an object".to_owned(),
        }),
    }
}

/// Where the path first finds nothing it chooses among members, and there is a list of none: `$.edges[*].node` of no edges.
fn leads_to_an_empty_list(path: &str, page: &Value) -> bool {
    let mut path = path.trim();
    while let Some(before) = last_segment(path).and_then(|start| path.get(..start)).map(str::trim_end) {
        let Ok(parsed) = JsonPath::parse(before) else { return false };
        let nodes = parsed.query(page);
        if !nodes.is_empty() {
            let is_list = |node: &&Value| matches!(node, Value::Array(_) | Value::Object(_) | Value::Null);
            return parent(path).is_some() && nodes.iter().any(is_list);
        }
        path = before;
    }
    false
}

fn missing(path: &Path, page: &Value) -> PageFault {
    let found = match page {
        Value::Object(members) if members.is_empty() => ", which is an empty object".to_owned(),
        Value::Object(members) => {
            let names: Vec<&str> = members.keys().take(NAMED_KEYS).map(String::as_str).collect();
            format!(", whose keys are: {}", names.join(", "))
        }
        Value::Array(_) => ", which is a list".to_owned(),
        _ => ", which is neither an object nor a list".to_owned(),
    };
    PageFault::PathMissing { path: path.as_str().to_owned(), found }
}

/// The path without its last segment, when that chooses among the members of a list: `[*]`, a slice, a filter.
pub(super) fn parent(path: &str) -> Option<&str> {
    let path = path.trim();
    let start = last_segment(path)?;
    let (parent, segment) = path.split_at_checked(start)?;
    let inner = segment.trim().trim_start_matches(['.', '[']).trim_end_matches(']').trim();
    let is_single = segment.starts_with("..")
        || inner.parse::<i64>().is_ok()
        || (segment.starts_with('.') && inner != "*")
        || is_one_name(inner);
    (!is_single).then(|| parent.trim_end())
}

/// Where the last segment begins. The path has been parsed before, so brackets and quotes are in pairs.
fn last_segment(path: &str) -> Option<usize> {
    let (mut start, mut depth, mut quote, mut escaped, mut after_dots) = (None, 0_usize, None, false, false);
    for (at, letter) in path.char_indices().skip(1) {
        match (quote, letter) {
            (Some(_), _) if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if open == letter => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(letter),
            (None, '[') => {
                if depth == 0 && !after_dots {
                    start = Some(at);
                }
                depth += 1;
            }
            (None, ']') => depth = depth.saturating_sub(1),
            (None, '.') if depth == 0 && !after_dots => start = Some(at),
            _ => {}
        }
        after_dots = depth == 0 && quote.is_none() && letter == '.';
    }
    start
}

fn is_one_name(inner: &str) -> bool {
    let Some(open) = inner.chars().next().filter(|letter| matches!(letter, '\'' | '"')) else { return false };
    let mut escaped = false;
    let end = inner.char_indices().skip(1).find(|(_, letter)| {
        let ends = *letter == open && !escaped;
        escaped = *letter == '\\' && !escaped;
        ends
    });
    end.is_some_and(|(at, _)| at + 1 == inner.len())
}
