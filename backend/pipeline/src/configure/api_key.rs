//! API keys: made and revoked.

use postern_domain::{ApiKeyId, Invalid, Secret, Timestamp, address::AddressList, invalid, permission::Permission};
use postern_seal::api_key;
use postern_store::tenant::ApiKey;

use super::{By, ConfigureError, Done, check_room, run};
use crate::Engine;

const MAX_KEYS: u64 = 1_000;

/// A key to be made.
#[derive(Debug)]
pub struct NewApiKey {
    pub name: String,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub expires_at: Option<Timestamp>,
    /// What the creator has, and so can give.
    pub own: Vec<Permission>,
}

/// A key that was just made.
#[derive(Debug)]
pub struct MadeApiKey {
    pub key: ApiKey,
    /// The key itself, this once.
    pub text: Secret<String>,
}

/// # Errors
/// When a field cannot be accepted, the creator lacks what it wants to give, or the tenant has too many keys.
pub async fn create(
    engine: &Engine,
    by: &By,
    new: NewApiKey,
    answer: impl FnOnce(&MadeApiKey) -> (u16, String),
) -> Result<Done<MadeApiKey>, ConfigureError> {
    let made = build(new, by, engine.clock.now())?;
    run(
        engine,
        by,
        async move |tx| {
            check_room("API keys", tx.count::<ApiKey>().await?, MAX_KEYS)?;
            tx.insert(&made.key).await?;
            Ok(made)
        },
        answer,
    )
    .await
}

/// Within two seconds it opens nothing, on every replica; here, at once.
///
/// # Errors
/// When there is no such key.
pub async fn revoke(
    engine: &Engine,
    by: &By,
    id: ApiKeyId,
    answer: impl FnOnce(&()) -> (u16, String),
) -> Result<Done<()>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let key = tx.find::<ApiKey>(id).await?.ok_or(ConfigureError::NotFound)?;
            Ok(tx.revoke_api_key(&key).await?)
        },
        answer,
    )
    .await
}

fn build(new: NewApiKey, by: &By, now: Timestamp) -> Result<MadeApiKey, ConfigureError> {
    let scopes = scopes(&new.scopes)?;
    if let Some(beyond) = scopes.iter().find(|scope| !new.own.contains(scope)) {
        return Err(ConfigureError::ExceedsOwn(*beyond));
    }
    if new.expires_at.is_some_and(|at| at <= now) {
        return Err(Invalid::new("expires_at", "must be in the future").into());
    }
    let made = api_key::generate();
    let key = ApiKey {
        id: ApiKeyId::fresh(),
        name: invalid::name("name", &new.name)?,
        public_id: made.public_id,
        hash: made.hash,
        scopes,
        allowed_ips: AddressList::parse("allowed_ips", &new.allowed_ips)?,
        created_by: if by.actor.id.is_empty() { by.actor.kind.as_str().to_owned() } else { by.actor.id.clone() },
        created_at: now,
        expires_at: new.expires_at,
        last_used_at: None,
    };
    Ok(MadeApiKey { key, text: made.text })
}

/// In the order of the documents, each once.
fn scopes(texts: &[String]) -> Result<Vec<Permission>, Invalid> {
    let mut scopes = Vec::new();
    for text in texts {
        let shown: String = text.chars().take(64).collect();
        let scope = Permission::parse(text)
            .ok_or_else(|| Invalid::new("scopes", format!("`{shown}` is none; there are {}", known_scopes())))?;
        scopes.push(scope);
    }
    if scopes.is_empty() {
        return Err(Invalid::new("scopes", format!("must name at least one of {}", known_scopes())));
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes)
}

fn known_scopes() -> String {
    Permission::ALL.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}
