//! A signed request, and what becomes of it on a way that is not safe: everything that is signed changed, one at a time.

use serde_json::{Value, json};

use super::sdks::Sdk;
use crate::harness::sign::Headers;

/// A request as it is sent.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// Without the question mark.
    pub(super) query: String,
    pub(super) headers: Headers,
    pub(super) body: String,
}

/// What a script signed.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) request: Request,
    /// Those by which the sender proves itself.
    proof: Vec<String>,
    pub(super) public_key: Option<String>,
}

impl Signed {
    pub(super) fn read(sdk: &Sdk, answer: &Value) -> Self {
        let proof = answer["headers"].as_object().expect("headers");
        let mut headers: Headers =
            proof.iter().map(|(name, value)| (name.clone(), value.as_str().expect("a text").to_owned())).collect();
        headers.extend(sdk.headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let text = |name: &str| answer[name].as_str().map(str::to_owned);
        let body = text("body").unwrap_or_else(|| sdk.body.to_owned());
        Self {
            request: Request { query: text("query").unwrap_or_default(), headers, body },
            proof: proof.keys().cloned().collect(),
            public_key: text("public_key"),
        }
    }

    /// Each with what was done to it.
    pub(super) fn tampered(&self, sdk: &Sdk) -> Vec<(String, Request)> {
        let mut all = self.with_other_headers();
        all.extend(self.with_another_body(sdk));
        if sdk.public_url().is_some() {
            let query = [self.request.query.as_str(), "elsewhere=1"].join("&");
            let query = query.trim_start_matches('&').to_owned();
            all.push(("another address".to_owned(), Request { query, ..self.request.clone() }));
        }
        all
    }

    fn with_other_headers(&self) -> Vec<(String, Request)> {
        let mut all = Vec::new();
        let names = self.request.headers.iter().enumerate().filter(|(_, (name, _))| self.proof.contains(name));
        for (place, (name, value)) in names {
            for value in changed_parts(value) {
                let mut request = self.request.clone();
                request.headers[place].1.clone_from(&value);
                all.push((format!("`{name}: {value}`"), request));
            }
            let mut request = self.request.clone();
            request.headers.remove(place);
            all.push((format!("without `{name}`"), request));
        }
        all
    }

    fn with_another_body(&self, sdk: &Sdk) -> Vec<(String, Request)> {
        let with = |body: String| Request { body, ..self.request.clone() };
        let mut all = Vec::new();
        if let Some((from, to)) = sdk.body_change {
            let body = self.request.body.replace(from, to);
            assert_ne!(body, self.request.body, "{}", sdk.name);
            all.push((format!("`{from}` became `{to}`"), with(body)));
        }
        for field in sdk.signed_fields {
            let body: Value = serde_json::from_str(&self.request.body).expect("JSON");
            let (mut other, mut without) = (body.clone(), body);
            let pointer = format!("/notificationItems/0/NotificationRequestItem{field}");
            let found = other.pointer_mut(&pointer).expect("it is there");
            *found = found.as_i64().map_or_else(
                || json!(one_letter_changed(found.as_str().expect("a text or a number"))),
                |number| json!(number + 1),
            );
            all.push((format!("another `{field}`"), with(other.to_string())));
            let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
            without.pointer_mut(parent).and_then(Value::as_object_mut).expect("an object").remove(name);
            all.push((format!("without `{field}`"), with(without.to_string())));
        }
        all
    }
}

/// In every part of a header one letter is another, such as in the time and in the signature of `t=1,v1=2`; and in a time
/// the last one, which leaves it as good as it was.
fn changed_parts(value: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut start = 0;
    for part in value.split_inclusive([',', ';']) {
        let end = start + part.len();
        let length = part.trim_end_matches([',', ';']).len();
        let (before, inside, after) = (&value[..start], &value[start..start + length], &value[start + length..]);
        all.push([before, &one_letter_changed(inside), after].concat());
        let (name, time) = inside.split_at(inside.find('=').map_or(0, |place| place + 1));
        if time.len() > 1 && time.bytes().all(|byte| byte.is_ascii_digit()) {
            let (most, last) = time.split_at(time.len() - 1);
            all.push([before, name, most, &one_letter_changed(last), after].concat());
        }
        start = end;
    }
    all
}

/// The middle one, so that it is neither a version nor padding.
pub(super) fn one_letter_changed(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let middle = letters.len() / 2;
    letters[middle] = if letters[middle] == '1' { '2' } else { '1' };
    letters.into_iter().collect()
}
