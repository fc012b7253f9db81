//! What surrounds a page: who is logged in, where in which tenant, and what was just done.

use crate::links;

/// Around every page of a tenant.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    pub tenant_id: String,
    pub tenant_name: String,
    /// Where else this person may go, the current one with them.
    pub tenants: Vec<TenantLink>,
    pub email: String,
    pub role: String,
    /// May change configuration and retry.
    pub can_write: bool,
    /// May manage members, keys and secrets.
    pub can_admin: bool,
    pub section: Section,
    pub csrf: String,
    /// What the last form did.
    pub flash: Option<Flash>,
    /// Where changes of this page are streamed from, if they are.
    pub live_href: Option<String>,
    pub theme: Theme,
    /// Of this answer's Content-Security-Policy.
    pub nonce: String,
}

impl Shell {
    /// A path in this tenant: `shell.to("sources/new")`.
    #[must_use]
    pub fn to(&self, rest: &str) -> String {
        links::in_tenant(&self.tenant_id, rest)
    }

    /// For `aria-current` in the navigation.
    #[must_use]
    pub fn is_at(&self, section: &str) -> bool {
        self.section.as_str() == section
    }

    #[must_use]
    pub fn has_other_tenants(&self) -> bool {
        self.tenants.len() > 1
    }
}

/// Around a page without a tenant: login, errors.
#[derive(Clone, Debug, Default)]
pub struct Plain {
    /// Empty where no form can be sent.
    pub csrf: String,
    pub nonce: String,
    pub theme: Theme,
}

#[derive(Clone, Debug)]
pub struct TenantLink {
    pub name: String,
    pub href: String,
    pub current: bool,
}

/// The part of the dashboard a page belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    #[default]
    Overview,
    Events,
    Deliveries,
    Dead,
    Requests,
    Calls,
    Sources,
    Destinations,
    Connections,
    Keys,
    Members,
    Audit,
    Account,
}

impl Section {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Events => "events",
            Self::Deliveries => "deliveries",
            Self::Dead => "dead",
            Self::Requests => "requests",
            Self::Calls => "calls",
            Self::Sources => "sources",
            Self::Destinations => "destinations",
            Self::Connections => "connections",
            Self::Keys => "keys",
            Self::Members => "members",
            Self::Audit => "audit",
            Self::Account => "account",
        }
    }
}

/// One sentence about what was just done, or could not be.
#[derive(Clone, Debug)]
pub struct Flash {
    pub tone: Tone,
    pub text: String,
}

/// What a colour means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    Ok,
    Info,
    Retry,
    Warn,
    Bad,
    #[default]
    Neutral,
}

impl Tone {
    /// The end of a class name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Retry => "retry",
            Self::Warn => "warn",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the browser prefers.
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.as_str() == text)
    }
}
