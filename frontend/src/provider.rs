//! What pages tell about a provider: how far it can be believed, what of it is checked, and what to do at its side.

use crate::{sample::Taste, shell::Tone};

/// How far a sender can be believed: a letter, and what the letter means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    /// `A` to `E`.
    pub level: String,
    pub meaning: String,
}

impl Trust {
    #[must_use]
    pub fn new(level: impl Into<String>, meaning: impl Into<String>) -> Self {
        Self { level: level.into(), meaning: meaning.into() }
    }

    /// For its badge, which says the letter as well.
    #[must_use]
    pub fn tone(&self) -> Tone {
        match self.level.as_str() {
            "A" | "B" => Tone::Ok,
            "C" => Tone::Info,
            "D" => Tone::Warn,
            "E" => Tone::Bad,
            _ => Tone::Neutral,
        }
    }

    pub(crate) fn sample(taste: Taste) -> Self {
        Self::new("D", taste.name("Only a shared secret shows who sends: the body is not signed."))
    }
}

/// What there is to know of a provider, in one of its schemes.
#[derive(Clone, Debug)]
pub struct About {
    pub name: String,
    pub trust: Trust,
    /// What is checked, in a sentence; may be empty.
    pub covers: String,
    /// What is not; may be empty.
    pub leaves_out: String,
    /// At the provider's side; may be empty.
    pub where_to_click: String,
    pub traps: Vec<String>,
    /// How long it waits, how often it tries again, what it is answered: as far as it is known.
    pub habits: Vec<crate::parts::Fact>,
    pub docs_url: Option<String>,
}

impl About {
    pub(crate) fn sample(taste: Taste) -> Self {
        Self {
            name: taste.name("Telegram"),
            trust: Trust::sample(taste),
            covers: taste.text("The token in X-Telegram-Bot-Api-Secret-Token."),
            leaves_out: taste.text("The body: whoever learns the token can send anything."),
            where_to_click: taste.text("Call setWebhook with `url` and `secret_token`."),
            traps: taste.list(|taste, _| taste.name("An answer of 410 ends the webhook after 23 hours.")),
            habits: crate::sample::rows::facts(taste),
            docs_url: taste.some_of("https://example.com/docs".to_owned()),
        }
    }
}
