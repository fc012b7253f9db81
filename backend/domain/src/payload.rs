//! In which form a connection hands its events on.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PayloadFormat {
    /// The body as it came, byte for byte.
    #[default]
    Raw,
    /// The common envelope, with the fields of the event catalogue.
    Envelope,
    /// CloudEvents 1.0, structured mode.
    CloudEvents,
}

impl PayloadFormat {
    pub const ALL: &'static [Self] = &[Self::Raw, Self::Envelope, Self::CloudEvents];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Envelope => "envelope",
            Self::CloudEvents => "cloudevents",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.as_str() == text)
    }
}
