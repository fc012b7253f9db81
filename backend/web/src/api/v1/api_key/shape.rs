//! An API key as the API takes and shows it.

use postern_domain::Timestamp;
use postern_pipeline::configure::api_key::MadeApiKey;
use postern_store::tenant::ApiKey;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A key to be made. It may do what its creator may, or less.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewApiKey)]
pub(crate) struct CreateApiKey {
    /// For people, 1 to 100 characters.
    pub(crate) name: String,
    /// `sources:read` and so on; at least one.
    #[schema(min_items = 1)]
    pub(crate) scopes: Vec<String>,
    /// Never, unless given.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Timestamp>,
    /// Addresses and CIDR blocks; empty admits everybody.
    #[serde(default)]
    pub(crate) allowed_ips: Vec<String>,
}

/// A key, without what makes it one.
#[derive(Serialize, ToSchema)]
#[schema(as = ApiKey)]
pub(crate) struct ApiKeyView {
    id: String,
    name: String,
    /// How the key begins.
    prefix: String,
    scopes: Vec<&'static str>,
    allowed_ips: Vec<String>,
    /// Who made it.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// To the minute; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
    /// The key itself, shown once, when it is made.
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
}

impl ApiKeyView {
    pub(crate) fn of(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            prefix: format!("pst_live_{}", key.public_id),
            scopes: key.scopes.iter().map(|scope| scope.as_str()).collect(),
            allowed_ips: key.allowed_ips.to_strings(),
            created_by: key.created_by.clone(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            key: None,
        }
    }

    pub(crate) fn with_secret(made: &MadeApiKey) -> Self {
        Self { key: Some(made.text.expose().clone()), ..Self::of(&made.key) }
    }
}
