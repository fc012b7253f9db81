//! A source, new or changed: only what its sender needs. Who that is was chosen before, in `provider_list`.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
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
    /// Published by the provider, as a suggestion.
    pub ranges: Vec<String>,
    pub is_publish: bool,
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
    /// `provider`, `header:NAME`, `json:$.path`, `body`, `none`.
    pub dedup_key: Field,
    pub dedup_window_s: Field,
    /// One a line.
    pub allowed_ips: Field,
    pub max_body_bytes: Field,
    pub answer_status: Field,
    pub answer_content_type: Field,
    pub answer_body: Field,
}

/// Inputs that belong together.
#[derive(Clone, Debug)]
pub struct InputGroup {
    pub legend: String,
    pub inputs: Vec<Input>,
}

/// An input with what is said about it; a select where it has options.
#[derive(Clone, Debug)]
pub struct Input {
    pub field: Field,
    pub hint: String,
}

impl Form for SourceForm {
    fn fields(&self) -> Vec<&Field> {
        let mut fields =
            vec![&self.name, &self.provider, &self.scheme, &self.secrets, &self.public_keys, &self.public_url];
        fields.extend(self.config.iter().flat_map(|group| &group.inputs).map(|input| &input.field));
        fields.extend([&self.dedup_key, &self.dedup_window_s, &self.allowed_ips, &self.max_body_bytes]);
        fields.extend([&self.answer_status, &self.answer_content_type, &self.answer_body]);
        fields
    }

    fn fields_mut(&mut self) -> Vec<&mut Field> {
        let mut fields = vec![
            &mut self.name,
            &mut self.provider,
            &mut self.scheme,
            &mut self.secrets,
            &mut self.public_keys,
            &mut self.public_url,
        ];
        fields.extend(self.config.iter_mut().flat_map(|group| &mut group.inputs).map(|input| &mut input.field));
        fields.extend([&mut self.dedup_key, &mut self.dedup_window_s, &mut self.allowed_ips, &mut self.max_body_bytes]);
        fields.extend([&mut self.answer_status, &mut self.answer_content_type, &mut self.answer_body]);
        fields
    }

    fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    fn set_problem(&mut self, text: String) {
        self.problem = Some(text);
    }
}

impl Default for SourceForm {
    /// Empty, with every name and option in place that all senders share.
    fn default() -> Self {
        let content_types = ["", "application/json", "text/plain", "text/xml"];
        let content_types =
            content_types.map(|known| Choice::new(known, if known.is_empty() { "as usual" } else { known }));
        Self {
            problem: None,
            name: Field::new("name", ""),
            provider: Field::new("provider", ""),
            scheme: Field::new("scheme", ""),
            secrets: Field::new("secrets", ""),
            public_keys: Field::new("public_keys", ""),
            public_url: Field::new("public_url", ""),
            config: Vec::new(),
            dedup_key: Field::new("dedup.key", "provider"),
            dedup_window_s: Field::new("dedup.window_s", "604800"),
            allowed_ips: Field::new("allowed_ips", ""),
            max_body_bytes: Field::new("max_body_bytes", "1048576"),
            answer_status: Field::new("response.status", ""),
            answer_content_type: Field::select("response.content_type", "", content_types.into()),
            answer_body: Field::new("response.body", ""),
        }
    }
}

impl SourceEditor {
    /// An error in the folded part unfolds it.
    #[must_use]
    pub fn opens_more(&self) -> bool {
        let form = &self.form;
        let folded = [
            &form.dedup_key,
            &form.dedup_window_s,
            &form.allowed_ips,
            &form.max_body_bytes,
            &form.answer_status,
            &form.answer_content_type,
            &form.answer_body,
        ];
        folded.iter().any(|field| field.error.is_some())
    }

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
        (publish.sender.is_publish, publish.sender.secrets_hint) = (true, None);
        let mut edited = editor(Taste::Usual);
        edited.id = None;
        samples.extend([("publish", publish), ("edit", edited)]);
        samples
    }
}

fn editor(taste: Taste) -> SourceEditor {
    let mut form = SourceForm {
        provider: Field::new("provider", "telegram"),
        config: vec![InputGroup {
            legend: taste.name("The signature"),
            inputs: vec![
                Input {
                    field: Field::new("config.header", "x-signature"),
                    hint: taste.text("Which header carries it."),
                },
                Input { field: sample::rows::select("config.algorithm", taste), hint: String::new() },
            ],
        }],
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
        ranges: taste.list(|taste, _| taste.name("149.154.160.0/20")),
        is_publish: false,
    }
}
