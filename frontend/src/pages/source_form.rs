//! A source, new or changed. First who sends, then only what that sender needs.

use askama::Template;

use crate::{
    Sample,
    form::{Choice, Field, Form},
    links,
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
    pub form: SourceForm,
    /// How many secrets are kept now: they are not shown here, and stay unless new ones are typed.
    pub secrets_kept: usize,
}

/// Names as in the API, so that its errors find their fields.
#[derive(Clone, Debug)]
pub struct SourceForm {
    pub problem: Option<String>,
    pub name: Field,
    /// `stripe`, `github`, `standard-webhooks`, `hmac`, `token`, `bearer`, `basic`, `none`, or `publish` for a source
    /// without a front door; empty until it is chosen.
    pub provider: Field,
    /// One a line.
    pub secrets: Field,
    /// `config.…` of the schemes.
    pub header: Field,
    pub prefix: Field,
    pub algorithm: Field,
    pub encoding: Field,
    pub secret_encoding: Field,
    pub template: Field,
    pub timestamp_header: Field,
    pub timestamp_unit: Field,
    pub tolerance_s: Field,
    pub id_header: Field,
    pub type_header: Field,
    /// `provider`, `header:NAME`, `json:$.path`, `body`, `none`.
    pub dedup_key: Field,
    pub dedup_window_s: Field,
    /// One a line.
    pub allowed_ips: Field,
    pub max_body_bytes: Field,
}

crate::form_of!(SourceForm: name, provider, secrets, header, prefix, algorithm, encoding, secret_encoding, template,
    timestamp_header, timestamp_unit, tolerance_s, id_header, type_header, dedup_key, dedup_window_s, allowed_ips,
    max_body_bytes);

impl Default for SourceForm {
    /// Empty, with every name and option in place.
    fn default() -> Self {
        Self {
            problem: None,
            name: Field::new("name", ""),
            provider: Field::new("provider", ""),
            secrets: Field::new("secrets", ""),
            header: Field::new("config.header", ""),
            prefix: Field::new("config.prefix", ""),
            algorithm: choices("config.algorithm", &["sha256", "sha1", "sha512"]),
            encoding: choices("config.encoding", &["hex", "base64"]),
            secret_encoding: choices("config.secret_encoding", &["utf8", "hex", "base64"]),
            template: Field::new("config.template", "{body}"),
            timestamp_header: Field::new("config.timestamp_header", ""),
            timestamp_unit: choices("config.timestamp_unit", &["s", "ms", "rfc3339"]),
            tolerance_s: Field::new("config.tolerance_s", ""),
            id_header: Field::new("config.id_header", ""),
            type_header: Field::new("config.type_header", ""),
            dedup_key: Field::new("dedup.key", "provider"),
            dedup_window_s: Field::new("dedup.window_s", "604800"),
            allowed_ips: Field::new("allowed_ips", ""),
            max_body_bytes: Field::new("max_body_bytes", "1048576"),
        }
    }
}

/// The first is the default.
fn choices(name: &'static str, values: &[&str]) -> Field {
    let options = values.iter().map(|value| Choice::new(*value, *value)).collect();
    Field::select(name, values.first().copied().unwrap_or_default(), options)
}

/// What may be chosen as the sender: its name in the API, what people call it, and how it proves itself.
const SENDERS: [(&str, &str, &str); 9] = [
    ("stripe", "Stripe", "Signed with the endpoint's secret."),
    ("github", "GitHub", "Signed with the webhook's secret."),
    ("standard-webhooks", "Standard Webhooks", "Svix, Clerk, OpenAI and others: webhook-id, webhook-signature."),
    ("hmac", "Any HMAC", "Any other sender that signs: say which header, and what is signed."),
    ("token", "A token in a header", "The sender shows a secret in a header of its choice."),
    ("bearer", "Bearer token", "The sender shows a secret as Authorization: Bearer."),
    ("basic", "User and password", "The sender logs in with Authorization: Basic."),
    ("none", "Nobody in particular", "Nothing is verified: whoever knows the URL may send."),
    ("publish", "Your own programs", "No URL: events come by the API, with a key."),
];

/// One of the senders to choose from.
#[derive(Debug)]
pub struct Sender {
    pub href: String,
    pub name: &'static str,
    pub text: &'static str,
}

impl SourceEditor {
    #[must_use]
    pub fn senders(&self) -> Vec<Sender> {
        let path = self.shell.to("sources/new");
        let sender =
            |(value, name, text)| Sender { href: links::with_query(&path, &[("provider", value)]), name, text };
        SENDERS.map(sender).into()
    }

    #[must_use]
    pub fn sender_name(&self) -> &str {
        let known = SENDERS.iter().find(|(value, ..)| self.is(value));
        known.map_or(self.form.provider.value.as_str(), |(_, name, _)| name)
    }

    #[must_use]
    pub fn is(&self, provider: &str) -> bool {
        self.form.provider.is(provider)
    }

    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.is("none") && !self.is("publish")
    }

    /// Senders whose ids and types are not known by their protocol.
    #[must_use]
    pub fn names_itself(&self) -> bool {
        ["hmac", "token", "bearer", "basic", "none"].iter().any(|provider| self.is(provider))
    }

    #[must_use]
    pub fn secrets_hint(&self) -> String {
        let form = if self.is("basic") { "user:password, one a line" } else { "One a line" };
        match self.secrets_kept {
            0 => format!("{form}. All of them are valid, so that one can be changed without a gap."),
            1 => format!(
                "One is kept, and not shown here. Leave this empty to keep it; what you type replaces it. {form}."
            ),
            kept => format!(
                "{kept} are kept, and not shown here. Leave this empty to keep them; what you type replaces all of them. \
                 {form}."
            ),
        }
    }

    /// An error in the folded part unfolds it.
    #[must_use]
    pub fn opens_more(&self) -> bool {
        let form = &self.form;
        [&form.dedup_key, &form.dedup_window_s, &form.allowed_ips, &form.max_body_bytes]
            .iter()
            .any(|field| field.error.is_some())
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
        let choose = ("choose", Self { form: SourceForm::default(), ..editor(Taste::Usual, "") });
        let all = ["stripe", "github", "hmac", "token", "basic", "none", "publish"];
        let mut samples: Vec<_> = all.into_iter().map(|provider| (provider, editor(Taste::Usual, provider))).collect();
        samples.extend([choose, ("empty", editor(Taste::Empty, "hmac")), ("hostile", editor(Taste::Hostile, "hmac"))]);
        samples
    }
}

fn editor(taste: Taste, provider: &str) -> SourceEditor {
    let mut form = SourceForm { provider: Field::new("provider", provider), ..SourceForm::default() };
    if taste == Taste::Hostile {
        for field in form.fields_mut().into_iter().filter(|field| field.name != "provider") {
            field.value = taste.name("");
            field.error = taste.some("");
        }
        form.set_error("no such field", "is not known");
    }
    SourceEditor {
        shell: taste.shell(Section::Sources),
        id: taste.some_of(sample::id("src", 0)).filter(|_| provider != "stripe" && !provider.is_empty()),
        title: taste.text("stripe"),
        form,
        secrets_kept: usize::from(taste.is_full()),
    }
}
