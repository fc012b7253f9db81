//! A new API key: what it may do, until when, from where.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    sample::Taste,
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/key_form.html")]
pub struct KeyEditor {
    pub shell: Shell,
    pub form: KeyForm,
    pub groups: Vec<ScopeGroup>,
}

/// Names: `name`, `scopes` (the checkboxes), `expires` (days, or `never`), `allowed_ips`.
#[derive(Clone, Debug)]
pub struct KeyForm {
    pub problem: Option<String>,
    pub name: Field,
    /// Holds the error only: what is ticked stands in the groups.
    pub scopes: Field,
    pub expires: Field,
    /// One a line.
    pub allowed_ips: Field,
}

crate::form_of!(KeyForm: name, scopes, expires, allowed_ips);

impl Default for KeyForm {
    fn default() -> Self {
        let days = |days: &str| Choice::new(days, format!("in {days} days"));
        let expiries = vec![days("7"), days("30"), days("90"), days("365"), Choice::new("never", "never")];
        Self {
            problem: None,
            name: Field::new("name", ""),
            scopes: Field::new("scopes", ""),
            expires: Field::select("expires", "90", expiries),
            allowed_ips: Field::new("allowed_ips", ""),
        }
    }
}

/// What belongs together: `Events`.
#[derive(Clone, Debug)]
pub struct ScopeGroup {
    pub title: String,
    pub scopes: Vec<ScopeBox>,
}

#[derive(Clone, Debug)]
pub struct ScopeBox {
    /// `events:read`.
    pub value: String,
    /// What it allows, in a few words.
    pub text: String,
    pub checked: bool,
}

impl Sample for KeyEditor {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = KeyForm::default();
            if taste == Taste::Hostile {
                form.set_error("scopes", &taste.name(""));
                form.set_error("allowed_ips", &taste.name(""));
                form.name.value = taste.name("");
            }
            let scope = |group: usize, name: &str| ScopeBox {
                value: format!("group{group}:{name}"),
                text: taste.name("look at events and their payloads"),
                checked: name == "read",
            };
            let group = |place| ScopeGroup {
                title: taste.name("Events"),
                scopes: vec![scope(place, "read"), scope(place, "write")],
            };
            Self { shell: taste.shell(Section::Keys), form, groups: (0..3).map(group).collect() }
        })
    }
}
