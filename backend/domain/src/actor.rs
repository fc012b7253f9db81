//! Who did it: for audit entries and attempts.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::id::{ApiKeyId, UserId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// Postern itself: routing, retries, a destination held after 410.
    Engine,
    User,
    ApiKey,
    /// Somebody with a shell on the machine: `postern bootstrap`.
    Operator,
}

impl ActorKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Engine => "engine",
            Self::User => "user",
            Self::ApiKey => "api_key",
            Self::Operator => "operator",
        }
    }

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Engine, Self::User, Self::ApiKey, Self::Operator].into_iter().find(|kind| kind.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// The typed id of the user or key as text; empty for the engine and the operator.
    pub id: String,
    pub remote: Option<IpAddr>,
}

impl Actor {
    #[must_use]
    pub const fn engine() -> Self {
        Self { kind: ActorKind::Engine, id: String::new(), remote: None }
    }

    #[must_use]
    pub const fn operator() -> Self {
        Self { kind: ActorKind::Operator, id: String::new(), remote: None }
    }

    #[must_use]
    pub fn api_key(id: ApiKeyId, remote: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::ApiKey, id: id.to_string(), remote }
    }

    #[must_use]
    pub fn user(id: UserId, remote: Option<IpAddr>) -> Self {
        Self { kind: ActorKind::User, id: id.to_string(), remote }
    }
}
