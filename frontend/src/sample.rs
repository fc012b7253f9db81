//! Pages that can show themselves, so that each is tested, and looked at, without a browser or a database.

pub(crate) mod rows;

use crate::{
    format::{self, Moment},
    shell::{Flash, Plain, Section, Shell, TenantLink, Theme, Tone},
};

/// At least `empty`, `usual` and `hostile`: markup in every text, endless names, text that runs the other way.
pub trait Sample: Sized {
    /// Each with its name.
    fn samples() -> Vec<(&'static str, Self)>;
}

/// What a sample is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taste {
    Empty,
    Usual,
    Hostile,
}

const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{7*7}}\u{202e}&amp;<!--";

impl Taste {
    /// One sample of each.
    pub(crate) fn each<T>(make: impl Fn(Self) -> T) -> Vec<(&'static str, T)> {
        let all = [("empty", Self::Empty), ("usual", Self::Usual), ("hostile", Self::Hostile)];
        all.into_iter().map(|(name, taste)| (name, make(taste))).collect()
    }

    /// Text that may be missing.
    pub(crate) fn text(self, usual: &str) -> String {
        if self == Self::Empty { String::new() } else { self.name(usual) }
    }

    /// Text that is always there.
    pub(crate) fn name(self, usual: &str) -> String {
        match self {
            Self::Hostile => format!("{HOSTILE}{}", "w".repeat(300)),
            Self::Empty | Self::Usual => usual.to_owned(),
        }
    }

    pub(crate) fn some(self, usual: &str) -> Option<String> {
        self.some_of(self.name(usual))
    }

    pub(crate) fn some_of<T>(self, value: T) -> Option<T> {
        (self != Self::Empty).then_some(value)
    }

    /// None, or three.
    pub(crate) fn list<T>(self, make: impl Fn(Self, usize) -> T) -> Vec<T> {
        let number = if self == Self::Empty { 0 } else { 3 };
        (0..number).map(|place| make(self, place)).collect()
    }

    pub(crate) fn is_full(self) -> bool {
        self != Self::Empty
    }

    pub(crate) fn shell(self, section: Section) -> Shell {
        let tenant = |taste: Self, place: usize| TenantLink {
            name: taste.name(["acme", "acme test", "other"][place]),
            href: format!("/t/{}/", id("ten", place)),
            current: place == 0,
        };
        Shell {
            tenant_id: id("ten", 0),
            tenant_name: self.name("acme"),
            tenants: self.list(tenant),
            email: self.name("ops@example.com"),
            role: "admin".to_owned(),
            can_write: self.is_full(),
            can_admin: self.is_full(),
            section,
            csrf: "token".to_owned(),
            flash: self.some("The source was paused.").map(|text| Flash { tone: Tone::Ok, text }),
            live_href: None,
            theme: Theme::System,
            nonce: "bm9uY2U".to_owned(),
        }
    }

    pub(crate) fn plain(self) -> Plain {
        let theme = if self.is_full() { Theme::Dark } else { Theme::System };
        Plain { csrf: "token".to_owned(), nonce: "bm9uY2U".to_owned(), theme }
    }
}

/// An id that looks like one.
pub(crate) fn id(prefix: &str, place: usize) -> String {
    format!("{prefix}_01jd9k7w00e4nrx8cabh3q5t{place:02}")
}

pub(crate) fn moment(place: usize) -> Moment {
    let back_s = i64::try_from(place).unwrap_or_default() * 61;
    format::moment_ms(1_795_349_051_204_000 - back_s * 1_000_000)
}
