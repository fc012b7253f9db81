//! By what text two requests to one source are the same event.

use postern_domain::{Invalid, dedup::DedupKey};
use serde_json::Value;
use serde_json_path::JsonPath;
use sha2::{Digest, Sha256};

use crate::{body::Pointer, heard::Verified, naming::bounded, request::RawRequest};

/// A configured key, ready to be asked about every request.
#[derive(Clone, Debug)]
pub struct DedupRule(Rule);

#[derive(Clone, Debug)]
enum Rule {
    Provider,
    Header(String),
    /// A path that names one place: found without building the document, even in one that is broken further on.
    Place(Pointer),
    Path(Box<JsonPath>),
    Body,
    None,
}

impl DedupRule {
    /// Compiles the path, when there is one.
    ///
    /// # Errors
    /// On field `dedup.key`, when the path is not RFC 9535, or could cost far more than the body is long.
    pub fn compile(key: DedupKey) -> Result<Self, Invalid> {
        Ok(Self(match key {
            DedupKey::Provider => Rule::Provider,
            DedupKey::Header(name) => Rule::Header(name),
            DedupKey::Json(text) => {
                check_cost(&text)?;
                let path = JsonPath::parse(&text).map_err(|cause| {
                    Invalid::new("dedup.key", format!("`{text}` is not a JSONPath (RFC 9535): {cause}"))
                })?;
                single_place(&text).map_or_else(|| Rule::Path(Box::new(path)), Rule::Place)
            }
            DedupKey::Body => Rule::Body,
            DedupKey::None => Rule::None,
        }))
    }

    /// The text for one request; none when there is nothing to compare. A body that is not JSON has no path's value.
    #[must_use]
    pub fn key(&self, request: &RawRequest<'_>, verified: &Verified) -> Option<String> {
        let text = match &self.0 {
            Rule::Provider => verified.event_id.clone(),
            Rule::Header(name) => {
                let value = request.headers.get(name.as_str());
                value.and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).map(str::to_owned)
            }
            Rule::Place(place) => place.find(request.body),
            Rule::Path(path) => first(path, request.body),
            Rule::Body => Some(hex::encode(Sha256::digest(request.body))),
            Rule::None => None,
        };
        text.filter(|text| !text.is_empty()).map(bounded)
    }
}

/// The first string or number that the path finds; the digits of a number are taken from the body as they stand there.
fn first(path: &JsonPath, body: &[u8]) -> Option<String> {
    let document: Value = serde_json::from_slice(body).ok()?;
    let nodes = path.query(&document);
    nodes.iter().find_map(|node| match node {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_f64() => {
            let mut steps = Vec::new();
            locate(&document, node, &mut steps).then(|| Pointer::from_steps(steps))?.find(body)
        }
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// The steps that lead from `tree` to the very node `wanted`. The library can tell them as well, but writes them out for
/// every node it finds, and one path can find millions. As deep as the parser let the document be.
fn locate(tree: &Value, wanted: &Value, steps: &mut Vec<String>) -> bool {
    if std::ptr::eq(tree, wanted) {
        return true;
    }
    let mut enter = |step: &dyn ToString, child: &Value| {
        if !(child.is_object() || child.is_array() || std::ptr::eq(child, wanted)) {
            return false;
        }
        steps.push(step.to_string());
        locate(child, wanted, steps) || {
            steps.pop();
            false
        }
    };
    match tree {
        Value::Array(elements) => elements.iter().enumerate().any(|(position, child)| enter(&position, child)),
        Value::Object(members) => members.iter().any(|(name, child)| enter(name, child)),
        _ => false,
    }
}

/// `$.data.id`, `$['data'].items[0]`: a path of plain names and numbers, as a pointer.
fn single_place(path: &str) -> Option<Pointer> {
    let plain = |name: &str| {
        !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_' || letter == '-')
    };
    let mut steps = Vec::new();
    let mut rest = path.strip_prefix('$')?;
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            steps.push(after[..end].to_owned());
            rest = &after[end..];
        } else {
            let (inside, after) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = ['\'', '"'].iter().find_map(|quote| inside.strip_prefix(*quote)?.strip_suffix(*quote));
            let step = quoted.or_else(|| inside.bytes().all(|byte| byte.is_ascii_digit()).then_some(inside))?;
            // A number in quotes is a member's name, which a pointer cannot tell from an element's number.
            if quoted.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit())) {
                return None;
            }
            steps.push(step.to_owned());
            rest = after;
        }
    }
    (!steps.is_empty() && steps.iter().all(|step| plain(step))).then(|| Pointer::from_steps(steps))
}

/// Paths come from tenants and run on everyone's processor: what multiplies the work may stand there only so often.
fn check_cost(path: &str) -> Result<(), Invalid> {
    let mut bare = String::new();
    let mut quote = None;
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match quote {
            Some(_) if letter == '\\' => drop(letters.next()),
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if letter == '\'' || letter == '"' => quote = Some(letter),
            None => bare.push(letter),
        }
    }
    let limits = [("..", 1), ("$", 1), ("?", 2), (",", 2), ("(", 4)];
    match limits.iter().find(|(part, most)| bare.matches(part).count() > *most) {
        None => Ok(()),
        Some((part, most)) => Err(Invalid::new(
            "dedup.key",
            format!("may contain `{part}` at most {most} time(s): it could cost too much"),
        )),
    }
}
