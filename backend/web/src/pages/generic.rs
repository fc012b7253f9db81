//! Senders that are on no list: the schemes that are configured field by field, and what their form asks.

use postern_pipeline::providers::Trust;

/// One of them, in words for people.
#[derive(Debug)]
pub(super) struct Generic {
    /// The scheme, [`POLL`], [`SCHEDULE`] or [`PUBLISH`].
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    /// As far as it goes when it is set up as usual; none where nobody sends.
    pub(super) trust: Option<Trust>,
    pub(super) covers: &'static str,
    pub(super) leaves_out: &'static str,
    /// None where there are no secrets.
    pub(super) secrets: Option<&'static str>,
    pub(super) takes_public_keys: bool,
}

pub(super) const PUBLISH: &str = "publish";
pub(super) const POLL: &str = "poll";
pub(super) const SCHEDULE: &str = "schedule";

pub(super) const GENERIC: [Generic; 10] = [
    Generic {
        id: "hmac",
        name: "Any HMAC",
        text: "Any other sender that signs: say which header, and what is signed.",
        trust: Some(Trust::B),
        covers: "That whoever sent it knows the secret, and that nothing of what is signed was changed on its way.",
        leaves_out: "What is not part of what is signed. Without a signed timestamp an old request can be sent again; \
                     the dedup key notices it.",
        secrets: Some("As the sender shows it."),
        takes_public_keys: false,
    },
    Generic {
        id: "hash",
        name: "A hash with a secret in it",
        text: "The sender hashes the secret together with the body, without HMAC.",
        trust: Some(Trust::B),
        covers: "That whoever sent it knows the secret, and that nothing of what is hashed was changed on its way.",
        leaves_out: "What is not part of what is hashed. Where the sender offers an HMAC as well, take that.",
        secrets: Some("As the sender shows it."),
        takes_public_keys: false,
    },
    Generic {
        id: "ed25519",
        name: "Any Ed25519",
        text: "The sender signs with a private key and publishes the public one.",
        trust: Some(Trust::B),
        covers: "That whoever sent it has the private key, and that nothing of what is signed was changed on its way.",
        leaves_out: "What is not part of what is signed. Without a signed timestamp an old request can be sent again; \
                     the dedup key notices it.",
        secrets: None,
        takes_public_keys: true,
    },
    Generic {
        id: "token",
        name: "A token in a header",
        text: "The sender shows a secret in a header of its choice.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the token.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("At least 16 characters, made up at random."),
        takes_public_keys: false,
    },
    Generic {
        id: "bearer",
        name: "Bearer token",
        text: "The sender shows a secret as Authorization: Bearer.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the token.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("Without the word Bearer."),
        takes_public_keys: false,
    },
    Generic {
        id: "basic",
        name: "User and password",
        text: "The sender logs in with Authorization: Basic.",
        trust: Some(Trust::D),
        covers: "That whoever sent it knows the password.",
        leaves_out: "The body: whoever has seen one request can send any other.",
        secrets: Some("As user:password."),
        takes_public_keys: false,
    },
    Generic {
        id: "none",
        name: "Nobody in particular",
        text: "Nothing is verified: whoever knows the URL may send.",
        trust: Some(Trust::E),
        covers: "Nothing.",
        leaves_out: "Everything. Take an event as a hint, and ask the sender what is true.",
        secrets: None,
        takes_public_keys: false,
    },
    Generic {
        id: POLL,
        name: "Poll an API",
        text: "Nobody sends: Postern asks at the times you set, and each record that is new becomes an event.",
        trust: None,
        covers: "",
        leaves_out: "",
        secrets: None,
        takes_public_keys: false,
    },
    Generic {
        id: SCHEDULE,
        name: "A timetable",
        text: "Nobody sends: an event comes at each instant that you name, by an interval or by cron.",
        trust: None,
        covers: "",
        leaves_out: "",
        secrets: None,
        takes_public_keys: false,
    },
    Generic {
        id: PUBLISH,
        name: "Your own programs",
        text: "No URL: events come by the API, with a key.",
        trust: None,
        covers: "",
        leaves_out: "",
        secrets: None,
        takes_public_keys: false,
    },
];

pub(super) fn find(id: &str) -> Option<&'static Generic> {
    GENERIC.iter().find(|generic| generic.id == id)
}
