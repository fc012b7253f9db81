//! The settings of a poll, new or changed, and what a run with them would find.

use askama::Template;

use super::source_form::{Input, InputGroup, InputKind};
use crate::{
    Sample,
    form::{Field, Form},
    format::Moment,
    links,
    parts::Link,
    poll::Tried,
    sample::{self, Taste},
    shell::{Section, Shell},
};

#[derive(Clone, Debug, Template)]
#[template(path = "pages/poll_form.html")]
pub struct PollEditor {
    pub shell: Shell,
    /// Of the source that is changed; none for a new one.
    pub id: Option<String>,
    /// As it is called now; empty for a new one.
    pub title: String,
    pub of: PollOf,
    /// What the form began with.
    pub template: String,
    /// Secrets that were typed and are not saved yet, sealed.
    pub kept: String,
    pub form: PollForm,
    /// The runs to come, as these settings stand; empty when the schedule cannot be read.
    pub upcoming: Vec<Moment>,
    /// How they were reckoned: `every 5 min`, `*/5 8-18 * * 1-5 in Europe/Vienna`.
    pub every: String,
    /// What only the customer knows: `Owner, such as octocat`.
    pub wanted: Vec<String>,
    /// The API's own documentation, of a template.
    pub docs: Option<Link>,
    pub tried: Option<Tried>,
    /// A change that makes it read again asks first.
    pub restart: Option<String>,
}

/// What is polled for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PollOf {
    /// A source that does nothing else.
    #[default]
    Source,
    /// A webhook source without polling, yet.
    NewChannel,
    /// The same with it.
    Channel,
}

/// Names as in the API, so that its errors find their fields.
#[derive(Clone, Debug)]
pub struct PollForm {
    pub problem: Option<String>,
    /// Of the source.
    pub name: Field,
    /// What everybody has to think about.
    pub groups: Vec<InputGroup>,
    /// What usually stays as it is. Folded.
    pub more: Vec<InputGroup>,
}

impl Form for PollForm {
    fn fields(&self) -> Vec<&Field> {
        let inputs = self.groups.iter().chain(&self.more).flat_map(|group| &group.inputs);
        std::iter::once(&self.name).chain(inputs.map(|input| &input.field)).collect()
    }

    fn fields_mut(&mut self) -> Vec<&mut Field> {
        let inputs = self.groups.iter_mut().chain(&mut self.more).flat_map(|group| &mut group.inputs);
        std::iter::once(&mut self.name).chain(inputs.map(|input| &mut input.field)).collect()
    }

    fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn set_problem(&mut self, text: String) {
        self.problem = Some(text);
    }
}

impl PollForm {
    /// Shows a value in the input of that name, if there is one.
    pub fn fill(&mut self, name: &str, value: impl Into<String>) {
        if let Some(field) = self.fields_mut().into_iter().find(|field| field.name == name) {
            field.value = value.into();
        }
    }
}

impl PollEditor {
    /// Where the form is sent.
    #[must_use]
    pub fn action(&self) -> String {
        match &self.id {
            Some(id) => links::verb(&links::source(&self.shell.tenant_id, id), "poll/edit"),
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

    #[must_use]
    pub fn remove_href(&self) -> Option<String> {
        let id = self.id.as_deref().filter(|_| self.of == PollOf::Channel)?;
        Some(links::verb(&links::source(&self.shell.tenant_id, id), "poll/delete"))
    }

    #[must_use]
    pub fn heading(&self) -> String {
        match (&self.id, self.of) {
            (None, _) => "New source: poll an API".to_owned(),
            (Some(_), PollOf::Source) => format!("Edit {}", self.title),
            (Some(_), PollOf::NewChannel) => format!("Poll beside the webhook of {}", self.title),
            (Some(_), PollOf::Channel) => format!("Edit the polling of {}", self.title),
        }
    }
}

impl Sample for PollEditor {
    fn samples() -> Vec<(&'static str, Self)> {
        let mut samples = Taste::each(editor);
        let mut channel = editor(Taste::Usual);
        channel.of = PollOf::Channel;
        channel.tried = Some(Tried { fix: None, ..Tried::sample(Taste::Empty) });
        samples.push(("beside a webhook", channel));
        samples
    }
}

fn editor(taste: Taste) -> PollEditor {
    let mut form = PollForm {
        problem: None,
        name: Field::new("name", taste.text("orders")),
        groups: vec![InputGroup::new(taste.name("The request"), inputs(taste, "poll.request"))],
        more: vec![InputGroup::new(taste.name("Limits"), inputs(taste, "poll.limits"))],
    };
    if taste == Taste::Hostile {
        form.fields_mut().into_iter().for_each(|field| field.error = taste.some(""));
        form.set_error("no such field", "is not known");
    }
    PollEditor {
        shell: taste.shell(Section::Sources),
        id: taste.some_of(sample::id("src", 0)),
        title: taste.text("orders"),
        of: PollOf::Source,
        template: taste.text("rest"),
        kept: taste.text("AAAA"),
        form,
        upcoming: taste.list(|_, place| sample::moment(place)),
        every: taste.text("every 5 min"),
        wanted: taste.list(|taste, _| taste.name("Owner, such as octocat")),
        docs: taste.some_of(Link { href: "https://docs.example.com".to_owned(), text: taste.name("Stripe, events") }),
        tried: taste.some_of(Tried::sample(taste)),
        restart: taste.some("The URL is another one."),
    }
}

fn inputs(taste: Taste, prefix: &str) -> Vec<Input> {
    let name = |rest: &str| format!("{prefix}.{rest}");
    let options = sample::rows::select("any", taste).options;
    vec![
        Input::new(InputKind::Select, Field::select(name("kind"), taste.text(""), options).labelled("Kind"), ""),
        Input::new(
            InputKind::Text,
            Field::new(name("url"), taste.text("https://api.example.com")),
            taste.text("Whole."),
        ),
        Input::new(InputKind::Number, Field::new(name("number"), taste.text("5")), "").only("name", "a b"),
        Input::new(InputKind::Lines, Field::new(name("lines"), taste.text("a: b")), "One a line."),
    ]
}
