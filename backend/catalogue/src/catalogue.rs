//! The vocabulary and the mappings together.

use std::sync::LazyLock;

use crate::{
    body::Body,
    event::{Event, Outcome},
    mapping::Mapping,
    vocabulary::{CommonType, TYPES},
};

/// Every file of `data/mappings`; a test compares the list with the folder.
macro_rules! mappings {
    ($($name:literal),+ $(,)?) => {
        pub(crate) const MAPPINGS: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../data/mappings/", $name, ".toml")))),+];
    };
}

mappings![
    "adyen",
    "coinbase-commerce",
    "generic",
    "mailgun",
    "meta",
    "onfido",
    "paddle",
    "paypal",
    "paystack",
    "persona",
    "postmark",
    "razorpay",
    "sendgrid",
    "square",
    "stripe",
    "sumsub",
    "telegram",
    "twilio",
    "veriff",
];

/// For sources that name no provider: the vocabulary itself.
pub(crate) const GENERIC: &str = "generic";
/// What the fields of a body's events may hold together: so much, and twice the body.
const SPARE_BYTES: usize = 64 * 1024;

/// What is known of types and providers.
#[derive(Debug, Default)]
pub struct Catalogue {
    types: Vec<CommonType>,
    mappings: Vec<Mapping>,
}

impl Catalogue {
    /// What comes with Postern. Read once.
    #[must_use]
    pub fn builtin() -> &'static Self {
        // A test reads the same files and says what is wrong with them.
        static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::read().unwrap_or_default());
        &BUILTIN
    }

    pub(crate) fn read() -> Result<Self, String> {
        let types = TYPES.iter().map(|(name, text)| CommonType::parse(name, text)).collect::<Result<Vec<_>, _>>()?;
        let mappings = MAPPINGS.iter().map(|(name, text)| Mapping::parse(name, text, &types));
        Ok(Self { mappings: mappings.collect::<Result<_, _>>()?, types })
    }

    /// The vocabulary, in the order of its documents.
    #[must_use]
    pub fn types(&self) -> &[CommonType] {
        &self.types
    }

    #[must_use]
    pub fn find(&self, name: &str) -> Option<&CommonType> {
        self.types.iter().find(|known| known.name() == name)
    }

    pub(crate) fn mappings(&self) -> &[Mapping] {
        &self.mappings
    }

    /// What a body of this provider says, as at least one event. `received` is the type under which it was taken in.
    #[must_use]
    pub fn events(
        &self,
        provider: Option<&str>,
        received: &str,
        (content_type, bytes): (Option<&str>, &[u8]),
    ) -> Vec<Event> {
        let name = provider.unwrap_or(GENERIC);
        let Some(mapping) = self.mappings.iter().find(|mapping| mapping.is_for(name)) else {
            return vec![Event::whole(received, format!("the catalogue has no mapping for the provider `{name}`"))];
        };
        let Some(root) = (Body { bytes, content_type }).read() else {
            return vec![Event::whole(received, "the body is neither JSON nor a form".to_owned())];
        };
        let events = mapping.events(&self.types, &root, received);
        // What stands once above a batch may come into each of its events: this must not grow without end.
        if events.iter().map(Event::text_bytes).sum::<usize>() > 2 * bytes.len() + SPARE_BYTES + 100 * events.len() {
            return vec![Event::whole(received, "its events would be too large together".to_owned())];
        }
        events
    }
}

impl Event {
    /// Whether it is in the vocabulary.
    #[must_use]
    pub const fn is_common(&self) -> bool {
        matches!(self.outcome, Outcome::Common { .. })
    }
}
