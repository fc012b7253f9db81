//! A request held against a source, step by step, without anything being kept.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form as _},
    links,
    parts::{Fact, Header, Step},
    sample::{self, Taste, rows},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/check.html")]
pub struct CheckPage {
    pub shell: Shell,
    /// Of the source.
    pub id: String,
    pub name: String,
    pub form: CheckForm,
    /// What was filled in from a request on record, and what of it is missing.
    pub note: Option<String>,
    pub result: Option<CheckResult>,
}

/// Names as in the API; `body_as` is the page's own, because a browser does not keep line breaks as they are.
#[derive(Clone, Debug)]
pub struct CheckForm {
    pub problem: Option<String>,
    pub method: Field,
    pub url: Field,
    /// `Name: value`, one a line.
    pub headers: Field,
    pub body: Field,
    /// [`TEXT`], [`TEXT_CRLF`] or [`BASE64`].
    pub body_as: Field,
    pub received_at: Field,
}

pub const TEXT: &str = "text";
pub const TEXT_CRLF: &str = "text_crlf";
pub const BASE64: &str = "base64";

crate::form_of!(CheckForm: method, url, headers, body, body_as, received_at);

impl Default for CheckForm {
    fn default() -> Self {
        let methods = ["POST", "GET", "PUT", "PATCH", "HEAD", "OPTIONS"].map(|method| Choice::new(method, method));
        let forms = [
            Choice::new(TEXT, "as text"),
            Choice::new(TEXT_CRLF, "as text, its lines end in CR LF"),
            Choice::new(BASE64, "as base64"),
        ];
        Self {
            problem: None,
            method: Field::select("method", "POST", methods.into()),
            url: Field::new("url", ""),
            headers: Field::new("headers", ""),
            body: Field::new("body", ""),
            body_as: Field::select("body_as", TEXT, forms.into()),
            received_at: Field::new("received_at", ""),
        }
    }
}

/// What the source would have done.
#[derive(Clone, Debug)]
pub struct CheckResult {
    pub accepted: bool,
    /// `It would be refused: the timestamp is too old.`
    pub verdict: String,
    pub steps: Vec<Step>,
    /// The event's id and type as the sender names them.
    pub facts: Vec<Fact>,
    /// `200`.
    pub answer_status: String,
    pub answer_headers: Vec<Header>,
    pub answer_body: String,
}

impl CheckPage {
    #[must_use]
    pub fn source_href(&self) -> String {
        links::source(&self.shell.tenant_id, &self.id)
    }

    #[must_use]
    pub fn action(&self) -> String {
        links::verb(&self.source_href(), "check")
    }
}

impl Sample for CheckPage {
    fn samples() -> Vec<(&'static str, Self)> {
        Taste::each(|taste| {
            let mut form = CheckForm::default();
            form.headers.value = taste.text("x-signature: 00ff");
            form.body.value = taste.text("{\"a\":1}");
            if taste == Taste::Hostile {
                form.headers.error = taste.some("");
                form.problem = taste.some("");
            }
            Self {
                shell: taste.shell(Section::Sources),
                id: sample::id("src", 0),
                name: taste.name("shop"),
                form,
                note: taste.some("Filled in from a refused request."),
                result: taste.some_of(CheckResult {
                    accepted: taste == Taste::Hostile,
                    verdict: taste.name("It would be refused: the signature does not match."),
                    steps: rows::steps(taste),
                    facts: rows::facts(taste),
                    answer_status: taste.name("401"),
                    answer_headers: rows::headers(taste),
                    answer_body: taste.text("{\"code\":\"signature\"}"),
                }),
            }
        })
    }
}
