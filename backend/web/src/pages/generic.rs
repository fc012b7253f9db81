//! Senders that are on no list: the schemes that are configured field by field, and what their form asks.

use postern_frontend::{
    form::{Choice, Field},
    pages::source_form::{Input, InputGroup, InputKind},
};
use postern_pipeline::providers::Trust;

/// One of them, in words for people.
#[derive(Debug)]
pub(super) struct Generic {
    /// The scheme, or [`PUBLISH`].
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// As far as it goes when it is set up as usual; none where nobody sends.
    pub(super) trust: Option<Trust>,
    pub(super) covers: &'static str,
    pub(super) leaves_out: &'static str,
    /// None where there are no secrets.
    pub(super) secrets: Option<&'static str>,
}

pub(super) const PUBLISH: &str = "publish";

pub(super) const GENERIC: [Generic; 6] = [
    Generic {
        id: "hmac",
        name: "Any HMAC",
        text: "Any other sender that signs: say which header, and what is signed.",
        trust: Some(Trust::B),
        covers: "That whoever sent it knows the secret, and that nothing of what is signed was changed on its way.",
        leaves_out: "What is not part of what is signed. Without a signed timestamp an old request can be sent again; \
                     the dedup key notices it.",
        secrets: Some("As the sender shows it."),
    },
    Generic {
        id: "token",
        name: "A token in a header",
        text: "The sender shows a secret in a header of its choice.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the token.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("At least 16 characters, made up at random."),
    },
    Generic {
        id: "bearer",
        name: "Bearer token",
        text: "The sender shows a secret as Authorization: Bearer.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the token.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("Without the word Bearer."),
    },
    Generic {
        id: "basic",
        name: "User and password",
        text: "The sender logs in with Authorization: Basic.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the password.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("As user:password."),
    },
    Generic {
        id: "none",
        name: "Nobody in particular",
        text: "Nothing is verified: whoever knows the URL may send.",
        trust: Some(Trust::E),
        covers: "Nothing.",
        leaves_out: "Everything. Take an event as a hint, and ask the sender what is true.",
        secrets: None,
    },
    Generic {
        id: PUBLISH,
        name: "Your own programs",
        text: "No URL: events come by the API, with a key.",
        trust: None,
        covers: "",
        leaves_out: "",
        secrets: None,
    },
];

pub(super) fn find(id: &str) -> Option<&'static Generic> {
    GENERIC.iter().find(|generic| generic.id == id)
}

impl Generic {
    /// `config.…` of the scheme.
    pub(super) fn inputs(&self) -> Vec<InputGroup> {
        match self.id {
            "hmac" => vec![signature(), timestamp(), naming()],
            "token" => vec![token(), naming()],
            PUBLISH => Vec::new(),
            _ => vec![naming()],
        }
    }
}

fn typed(name: &'static str, hint: &str) -> Input {
    Input::new(InputKind::Text, Field::new(name, ""), hint)
}

/// The first is the default.
fn chosen(name: &'static str, values: &[&str], hint: &str) -> Input {
    let options = values.iter().map(|value| Choice::new(*value, *value)).collect();
    let field = Field::select(name, values.first().copied().unwrap_or_default(), options);
    Input::new(InputKind::Select, field, hint)
}

fn signature() -> InputGroup {
    InputGroup::new(
        "The signature",
        vec![
            typed("config.header", "Which header carries it, such as x-signature."),
            typed("config.prefix", "What stands before it in the header, such as sha256=. Often nothing."),
            chosen("config.algorithm", &["sha256", "sha1", "sha512"], ""),
            chosen("config.encoding", &["hex", "base64"], ""),
            chosen("config.secret_encoding", &["utf8", "hex", "base64"], "How the secret is turned into bytes."),
            typed(
                "config.template",
                "Empty: {body}, the body alone. Or with {timestamp} and {id}, such as {timestamp}.{body}.",
            ),
        ],
    )
}

fn timestamp() -> InputGroup {
    InputGroup::new(
        "Its time",
        vec![
            typed(
                "config.timestamp_header",
                "Needed when {timestamp} is signed: it keeps old requests from being sent again.",
            ),
            chosen("config.timestamp_unit", &["s", "ms", "rfc3339"], ""),
            Input::new(
                InputKind::Number,
                Field::new("config.tolerance_s", ""),
                "How old it may be. Empty: 300, which are five minutes.",
            ),
        ],
    )
}

fn token() -> InputGroup {
    InputGroup::new(
        "The token",
        vec![
            typed("config.header", "Which header carries it, such as x-api-key."),
            typed("config.prefix", "What stands before it in the header. Often nothing."),
        ],
    )
}

fn naming() -> InputGroup {
    InputGroup::new(
        "What the sender calls an event",
        vec![
            typed("config.id_header", "Its id. It is the dedup key where that is \"as the sender names it\"."),
            typed("config.type_header", "Its type. Empty: the field type of a JSON body."),
        ],
    )
}
