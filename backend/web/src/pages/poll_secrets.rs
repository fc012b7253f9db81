//! Secrets that were typed into the form of a poll, while it is tested and corrected: the page carries them sealed, for
//! this session alone, and shows `***`.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use postern_frontend::{form::Form, pages::poll_form::PollForm};
use postern_seal::Place;
use serde_json::Value;

use super::posted::Posted;
use crate::{
    App,
    auth::{Member, Need},
};

/// What stands for a secret that is kept.
const MASK: &str = postern_polling::HIDDEN;
/// The form's hidden field.
pub(super) const KEPT: &str = "kept";
const HEADERS: &str = "poll.request.headers";
const FIELDS: [&str; 5] = [
    "poll.request.auth.token",
    "poll.request.auth.password",
    "poll.request.auth.value",
    "poll.request.auth.client_secret",
    "poll.request.auth.refresh_token",
];

/// By the name of the field, or of the header.
#[derive(Default)]
pub(super) struct Kept(BTreeMap<String, String>);

impl Kept {
    /// What the page carried, and what was typed since. A page of another session carries nothing.
    pub(super) fn of<N: Need>(app: &App, member: &Member<N>, posted: &Posted) -> Self {
        let sealed = STANDARD.decode(posted.text(KEPT)).unwrap_or_default();
        let opened = app.engine.store.keyring().open(&place(member), &sealed).ok();
        let carried = opened.and_then(|plain| serde_json::from_slice(plain.expose()).ok());
        let mut kept = Self(carried.unwrap_or_default());
        for name in FIELDS {
            kept.note(name, posted.text(name).trim());
        }
        for line in posted.text(HEADERS).lines() {
            if let Some((name, value)) = line.split_once(':').filter(|(name, _)| is_secret(name)) {
                kept.note(&header(name), value.trim());
            }
        }
        kept
    }

    fn note(&mut self, name: &str, text: &str) {
        match text {
            MASK => {}
            "" => {
                self.0.remove(name);
            }
            typed => {
                self.0.insert(name.to_owned(), typed.to_owned());
            }
        }
    }

    /// Puts them where `***` stands. What is not among them is left, for the source's own.
    pub(super) fn fill(&self, settings: &mut Value) {
        let Some(request) = settings.get_mut("request") else { return };
        for name in FIELDS {
            let key = name.rsplit('.').next().unwrap_or_default();
            self.put(name, request.pointer_mut(&format!("/auth/{key}")));
        }
        if let Some(headers) = request.get_mut("headers").and_then(Value::as_object_mut) {
            for (name, value) in headers.iter_mut() {
                self.put(&header(name), Some(value));
            }
        }
    }

    fn put(&self, name: &str, value: Option<&mut Value>) {
        if let (Some(kept), Some(value)) = (self.0.get(name), value.filter(|value| **value == MASK)) {
            *value = Value::from(kept.as_str());
        }
    }

    /// For the hidden field.
    pub(super) fn sealed<N: Need>(&self, app: &App, member: &Member<N>) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let plain = serde_json::to_vec(&self.0).unwrap_or_default();
        let sealed = app.engine.store.keyring().seal(&place(member), &plain);
        sealed.map(|sealed| STANDARD.encode(sealed)).unwrap_or_default()
    }
}

/// In the form as it was typed.
pub(super) fn mask(form: &mut PollForm) {
    for field in form.fields_mut() {
        if FIELDS.contains(&&*field.name) && !field.value.trim().is_empty() {
            MASK.clone_into(&mut field.value);
        }
        if field.name == HEADERS {
            let lines = field.value.lines().map(masked_line);
            field.value = lines.collect::<Vec<_>>().join("\n");
        }
    }
}

fn masked_line(line: &str) -> String {
    match line.split_once(':') {
        Some((name, value)) if is_secret(name) && !value.trim().is_empty() => format!("{name}: {MASK}"),
        _ => line.to_owned(),
    }
}

fn header(name: &str) -> String {
    format!("header:{}", name.trim().to_ascii_lowercase())
}

/// Of headers only those that never hold one are shown.
fn is_secret(name: &str) -> bool {
    const OPEN: [&str; 4] = ["accept", "user-agent", "content-type", "x-github-api-version"];
    let name = name.trim().to_ascii_lowercase();
    !OPEN.contains(&name.as_str()) && !name.starts_with("if-")
}

fn place<N: Need>(member: &Member<N>) -> Place<'static> {
    let (tenant, row) = (member.membership.tenant, member.person.session.uuid());
    Place { table: "forms", column: "poll", tenant, row }
}
