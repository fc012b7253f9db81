//! A source, new or changed: only what its sender needs. Who that is was chosen before, in `provider_list`.

use askama::Template;

use crate::{
    Sample,
    form::{Field, Form},
    links,
    provider::{About, Trust},
    sample::{self, Taste},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/source_form.html")]
pub struct SourceEditor {
    pub shell: Shell,
    /// Of the source that is changed; none for a new one.
    pub id: Option<String>,
    /// As it is called now; empty for a new one.
    pub title: String,
    pub sender: Sender,
    pub form: SourceForm,
}

/// Who sends, and what that asks of the form.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// As in the API; `publish` for a source without a front door.
    pub id: String,
    pub name: String,
    /// The ways in which it can prove itself, when there are several; fixed once the source exists.
    pub schemes: Vec<SchemeLink>,
    /// None for one's own programs, and for a sender that is no longer known.
    pub about: Option<About>,
    /// What is said about the secrets; none where there are none.
    pub secrets_hint: Option<String>,
    pub takes_public_keys: bool,
    pub signs_url: bool,
}

/// One of several ways to choose from.
#[derive(Clone, Debug)]
pub struct SchemeLink {
    pub href: String,
    pub label: String,
    pub covers: String,
    pub trust: Trust,
    pub current: bool,
}

/// Names as in the API, so that its errors find their fields.
#[derive(Clone, Debug)]
pub struct SourceForm {
    pub problem: Option<String>,
    pub name: Field,
    pub provider: Field,
    pub scheme: Field,
    /// One a line.
    pub secrets: Field,
    /// One after the other, each whole: a key in PEM has several lines.
    pub public_keys: Field,
    pub public_url: Field,
    /// `config.…` of the scheme.
    pub config: Vec<InputGroup>,
    /// What usually stays as it is: duplicates, the front door, the answer. Folded.
    pub more: Vec<InputGroup>,
}

/// Inputs that belong together.
#[derive(Clone, Debug)]
pub struct InputGroup {
    pub legend: String,
    pub inputs: Vec<Input>,
}

/// An input with what is said about it.
#[derive(Clone, Debug)]
pub struct Input {
    pub field: Field,
    pub hint: String,
    pub kind: InputKind,
    /// It matters only while a select stands at one of these values; a browser with scripts hides it otherwise.
    pub only: Option<Only>,
}

#[derive(Clone, Copy, Debug)]
pub struct Only {
    /// The select's name.
    pub of: &'static str,
    /// Separated by spaces.
    pub values: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    Text,
    Number,
    /// One entry a line.
    Lines,
    /// It has options.
    Select,
}

impl Input {
    #[must_use]
    pub fn new(kind: InputKind, field: Field, hint: impl Into<String>) -> Self {
        Self { field, hint: hint.into(), kind, only: None }
    }

    #[must_use]
    pub fn only(mut self, of: &'static str, values: &'static str) -> Self {
        self.only = Some(Only { of, values });
        self
    }
}

impl InputGroup {
    #[must_use]
    pub fn new(legend: impl Into<String>, inputs: Vec<Input>) -> Self {
        Self { legend: legend.into(), inputs }
    }

    /// An error in a folded part unfolds it.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.inputs.iter().any(|input| input.field.error.is_some())
    }
}

impl Form for SourceForm {
    fn fields(&self) -> Vec<&Field> {
        let own = [&self.name, &self.provider, &self.scheme, &self.secrets, &self.public_keys];
        let groups = self.config.iter().chain(&self.more);
        let asked = groups.flat_map(|group| &group.inputs).map(|input| &input.field);
        own.into_iter().chain([&self.public_url]).chain(asked).collect()
    }

    fn fields_mut(&mut self) -> Vec<&mut Field> {
        let own = [&mut self.name, &mut self.provider, &mut self.scheme, &mut self.secrets, &mut self.public_keys];
        let groups = self.config.iter_mut().chain(&mut self.more);
        let asked = groups.flat_map(|group| &mut group.inputs).map(|input| &mut input.field);
        own.into_iter().chain([&mut self.public_url]).chain(asked).collect()
    }

    fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn set_problem(&mut self, text: String) {
        self.problem = Some(text);
    }
}

impl Default for SourceForm {
    /// Empty, with what is asked of every sender; what usually stays as it is has to be added.
    fn default() -> Self {
        Self {
            problem: None,
            name: Field::new("name", ""),
            provider: Field::new("provider", ""),
            scheme: Field::new("scheme", ""),
            secrets: Field::new("secrets", ""),
            public_keys: Field::new("public_keys", ""),
            public_url: Field::new("public_url", ""),
            config: Vec::new(),
            more: Vec::new(),
        }
    }
}

impl SourceForm {
    /// Shows what is kept in the input of that name, if there is one.
    pub fn fill(&mut self, name: &str, value: impl Into<String>) {
        if let Some(field) = self.fields_mut().into_iter().find(|field| field.name == name) {
            field.value = value.into();
        }
    }
}

impl SourceEditor {
    /// Where the form is sent.
    #[must_use]
    pub fn action(&self) -> String {
        match &self.id {
            Some(id) => links::verb(&links::source(&self.shell.tenant_id, id), "edit"),
            None => self.shell.to("sources/new"),
        }
    }

    #[must_use]
    pub fn cancel_href(&self) -> String {
        match &self.id {
            Some(id) => links::source(&self.shell.tenant_id, id),
            None => links::sources(&self.shell.tenant_id),
        }
    }
}

impl Sample for SourceEditor {
    fn samples() -> Vec<(&'static str, Self)> {
        let mut samples = Taste::each(editor);
        let mut publish = editor(Taste::Empty);
        publish.sender.secrets_hint = None;
        let mut edited = editor(Taste::Usual);
        edited.id = None;
        samples.extend([("publish", publish), ("edit", edited)]);
        samples
    }
}

fn editor(taste: Taste) -> SourceEditor {
    let mut form = SourceForm {
        provider: Field::new("provider", "telegram"),
        config: vec![InputGroup::new(taste.name("The signature"), inputs(taste, "config"))],
        more: vec![InputGroup::new(taste.name("Duplicates"), inputs(taste, "more"))],
        ..SourceForm::default()
    };
    if taste == Taste::Hostile {
        for field in form.fields_mut().into_iter().filter(|field| !["provider", "scheme"].contains(&&*field.name)) {
            field.value = taste.name("");
            field.error = taste.some("");
        }
        form.secrets = form.secrets.labelled(taste.name(""));
        form.set_error("no such field", "is not known");
    }
    SourceEditor {
        shell: taste.shell(Section::Sources),
        id: taste.some_of(sample::id("src", 0)),
        title: taste.text("stripe"),
        sender: sender(taste),
        form,
    }
}

fn inputs(taste: Taste, prefix: &str) -> Vec<Input> {
    let field = |name: &str| Field::new(format!("{prefix}.{name}"), taste.text("x-signature"));
    let options = sample::rows::select("any", taste).options;
    let algorithm = Field::select(format!("{prefix}.algorithm"), taste.text(""), options);
    vec![
        Input::new(InputKind::Text, field("header"), taste.text("Which header carries it.")),
        Input::new(InputKind::Number, field("window_s"), ""),
        Input::new(InputKind::Lines, field("addresses"), taste.text("One a line.")),
        Input::new(InputKind::Select, algorithm.labelled(taste.name("Algorithm")), ""),
    ]
}

fn sender(taste: Taste) -> Sender {
    let scheme = |taste: Taste, place: usize| SchemeLink {
        href: "/t/x/sources/new?provider=gitlab&scheme=gitlab".to_owned(),
        label: taste.name("Signing token"),
        covers: taste.name("The body, its time and its id."),
        trust: Trust::sample(taste),
        current: place == 0,
    };
    Sender {
        id: "telegram".to_owned(),
        name: taste.name("Telegram"),
        schemes: taste.list(scheme),
        about: taste.some_of(About::sample(taste)),
        secrets_hint: Some(taste.text("One a line.")),
        takes_public_keys: taste.is_full(),
        signs_url: taste.is_full(),
    }
}
