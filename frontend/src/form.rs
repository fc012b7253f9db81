//! Forms as they are shown: what was typed, what is wrong with it, and what may be chosen.

use std::borrow::Cow;

/// What the inputs are called, by their names. One table, so that a label and the summary of errors use the same word.
const LABELS: &[(&str, &str)] = &[
    ("action", "Action"),
    ("actor", "Who"),
    ("allowed_ips", "Allowed addresses"),
    ("allowed_methods", "Methods"),
    ("body", "Body"),
    ("body_as", "How the body is given"),
    ("concurrency", "Requests at once"),
    ("config.algorithm", "Algorithm"),
    ("config.encoding", "Encoding of the signature"),
    ("config.group_separator", "Between groups"),
    ("config.handshakes", "Greetings"),
    ("config.header", "Header"),
    ("config.header_repeated", "The header may be there several times"),
    ("config.id_header", "Header with the event id"),
    ("config.id_path", "Event id in the body"),
    ("config.prefix", "Prefix"),
    ("config.prefix_optional", "The prefix may be missing"),
    ("config.secret_encoding", "Form of the secrets"),
    ("config.separator", "Separator"),
    ("config.signature_keys", "Names of the signatures"),
    ("config.signature_query", "Signature in the URL"),
    ("config.template", "What is signed"),
    ("config.timestamp_age", "What is too old"),
    ("config.timestamp_header", "Header with the timestamp"),
    ("config.timestamp_key", "Name of the timestamp"),
    ("config.timestamp_path", "Timestamp in the body"),
    ("config.timestamp_unit", "Form of the timestamp"),
    ("config.tolerance_s", "Tolerance in seconds"),
    ("config.type_header", "Header with the event type"),
    ("config.type_path", "Event type in the body"),
    ("config.verify_token", "Verify token"),
    ("confirm", "Name"),
    ("connection", "Connection"),
    ("content_types", "Content types"),
    ("current", "Current password"),
    ("dedup.key", "Dedup key"),
    ("dedup.window_s", "Dedup window in seconds"),
    ("destination", "Destination"),
    ("destination_id", "Destination"),
    ("email", "Email"),
    ("event_types", "Event types"),
    ("expires", "Expires"),
    ("freshness_s", "How fresh must it be?"),
    ("from", "From (UTC)"),
    ("header_token.name", "Header with a token"),
    ("header_token.value", "Its token"),
    ("headers", "Headers"),
    ("kind", "Kind"),
    ("limit_per_hour", "What limits are there?"),
    ("max_body_bytes", "Largest body in bytes"),
    ("method", "Method"),
    ("name", "Name"),
    ("objects", "How many objects are there?"),
    ("offers_webhooks", "Does the provider offer webhooks?"),
    ("outcome", "Outcome"),
    ("overlap_s", "The URL of now"),
    ("password", "Password"),
    ("payload", "Payload"),
    ("provider", "Sender"),
    ("public_keys", "Public keys of the sender"),
    ("public_url", "URL as the sender knows it"),
    ("q", "Text"),
    ("queue.max_in_flight", "Leased at once"),
    ("queue.max_receives", "Receives"),
    ("queue.retry_delay_s", "Wait after it is given back in seconds"),
    ("queue.visibility_s", "Lease in seconds"),
    ("rate_limit.burst", "Burst"),
    ("rate_limit.per_s", "Requests per second"),
    ("received_at", "Received at (UTC)"),
    ("replay", "A body that comes again under another id"),
    ("response.body", "Body of the answer"),
    ("response.content_type", "Type of the answer"),
    ("response.status", "Status of the answer"),
    ("retry.jitter_pct", "Jitter in percent"),
    ("retry.schedule_s", "Waits between tries in seconds"),
    ("role", "Role"),
    ("scheme", "Scheme"),
    ("scopes", "Scopes"),
    ("secrets", "Secrets"),
    ("source", "Source"),
    ("source_id", "Source"),
    ("state", "State"),
    ("target", "Target"),
    ("theme", "Theme"),
    ("delay_s", "Delay in seconds"),
    ("timeout_ms", "Timeout in milliseconds"),
    ("to", "To (UTC)"),
    ("type", "Type"),
    ("url", "URL"),
];

/// One input. Its name is also its id, and is the API's name for the same thing, so that errors find it.
#[derive(Clone, Debug, Default)]
pub struct Field {
    pub name: Cow<'static, str>,
    pub value: String,
    pub error: Option<String>,
    /// Of a select; empty for inputs that are typed into.
    pub options: Vec<Choice>,
    /// In the words of whoever asks for it; otherwise [`LABELS`] has one.
    own_label: Option<String>,
}

impl Field {
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into(), ..Self::default() }
    }

    /// A select with its options.
    #[must_use]
    pub fn select(name: impl Into<Cow<'static, str>>, value: impl Into<String>, options: Vec<Choice>) -> Self {
        Self { options, ..Self::new(name, value) }
    }

    #[must_use]
    pub fn with_error(mut self, text: impl Into<String>) -> Self {
        self.error = Some(text.into());
        self
    }

    /// Called as a provider calls it.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<String>) -> Self {
        self.own_label = Some(label.into());
        self
    }

    /// Whether the option is the one that was chosen.
    #[must_use]
    pub fn is(&self, value: &str) -> bool {
        self.value == value
    }

    /// Fits into an input for a date and a time. What does not is shown as text, so that it can be corrected.
    #[must_use]
    pub fn is_moment(&self) -> bool {
        const FORM: &str = "0000-00-00T00:00:00";
        let fits = |(found, wanted): (char, char)| if wanted == '0' { found.is_ascii_digit() } else { found == wanted };
        let whole = matches!(self.value.len(), 0 | 16 | 19);
        whole && self.value.chars().zip(FORM.chars()).all(fits)
    }

    /// What it is called on the page.
    #[must_use]
    pub fn label(&self) -> &str {
        let usual = || LABELS.iter().find(|(name, _)| *name == self.name).map(|(_, label)| *label);
        self.own_label.as_deref().or_else(usual).unwrap_or(&self.name)
    }

    fn answers_to(&self, name: &str) -> bool {
        name.strip_prefix(&*self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    }
}

/// One option of a select.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub value: String,
    pub label: String,
}

impl Choice {
    #[must_use]
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into() }
    }
}

/// A form as a whole.
pub trait Form {
    /// In the order in which they are shown.
    fn fields(&self) -> Vec<&Field>;
    fn fields_mut(&mut self) -> Vec<&mut Field>;
    /// What is wrong with none of the fields in particular.
    fn problem(&self) -> Option<&str>;
    fn set_problem(&mut self, text: String);

    /// Puts an error at the field of that name (`headers` takes `headers.x-a`), or at the form when there is none.
    fn set_error(&mut self, name: &str, text: &str) {
        match self.fields_mut().into_iter().find(|field| field.answers_to(name)) {
            Some(field) => field.error = Some(text.to_owned()),
            None if name.is_empty() => self.set_problem(text.to_owned()),
            None => self.set_problem(format!("{name} {text}")),
        }
    }

    /// The fields with an error, for the summary above the form.
    fn errors(&self) -> Vec<&Field> {
        self.fields().into_iter().filter(|field| field.error.is_some()).collect()
    }

    fn has_errors(&self) -> bool {
        self.problem().is_some() || !self.errors().is_empty()
    }
}

/// A form is a struct with `Field`s and a `problem`; this lists them.
#[macro_export]
macro_rules! form_of {
    ($form:ty: $($field:ident),+ $(,)?) => {
        impl $crate::form::Form for $form {
            fn fields(&self) -> Vec<&$crate::form::Field> { vec![$(&self.$field),+] }
            fn fields_mut(&mut self) -> Vec<&mut $crate::form::Field> { vec![$(&mut self.$field),+] }
            fn problem(&self) -> Option<&str> { self.problem.as_deref() }
            fn set_problem(&mut self, text: String) { self.problem = Some(text); }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample {
        problem: Option<String>,
        name: Field,
        headers: Field,
    }

    crate::form_of!(Sample: name, headers);

    #[test]
    fn an_error_finds_its_field_or_the_form() {
        let (name, headers) = (Field::new("name", ""), Field::new("headers", ""));
        let mut form = Sample { problem: None, name, headers };
        assert!(!form.has_errors());
        form.set_error("headers.x-a", "is set by Postern itself");
        form.set_error("names", "is not known");
        assert_eq!(form.errors().iter().map(|field| field.label()).collect::<Vec<_>>(), ["Headers"]);
        assert_eq!(form.problem(), Some("names is not known"));
    }

    #[test]
    fn a_moment_that_cannot_be_one_is_shown_as_text() {
        let fits = |value: &str| Field::new("from", value).is_moment();
        assert!(fits("") && fits("2026-11-22T12:04") && fits("2026-11-22T12:04:11"));
        assert!(!fits("yesterday") && !fits("2026-11-22 12:04:11") && !fits("2026-11-22T12:04:1é"));
    }
}
