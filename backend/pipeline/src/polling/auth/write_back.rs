//! A refresh token that replaces another one, written into the settings of every source that has the old one.

use std::sync::Arc;

use postern_domain::{Actor, Secret, SourceId, TenantScope};
use postern_polling::{Auth, PollSettings};
use postern_store::{StoreError, polling::SealedSettings, tenant::Source};
use serde_json::Value;

use super::{Credential, NoToken, credential};
use crate::{Engine, polling::STORED_FLOOR_S};

/// On disk when this returns. Answers by which name the credential is known from now on.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn write(engine: &Engine, old: Credential, replaced: &Secret<String>) -> Result<Credential, NoToken> {
    let store = |cause: StoreError| NoToken::Store(Arc::new(cause));
    let (tenant, _) = old;
    let mut renamed = old;
    let mut tx =
        engine.store.tenant(TenantScope::from_owned_row(tenant)).begin(&Actor::engine()).await.map_err(store)?;
    for id in holders(engine, old) {
        // Settings that were changed meanwhile have a credential of their own.
        let Some(before) = tx.find::<Source>(id).await.map_err(store)? else { continue };
        let Some(auth) = stored_auth(&before) else { continue };
        if credential(tenant, &auth) != Some(old) {
            continue;
        }
        let mut after = before.clone();
        let Some(value) = after.poll.as_ref().and_then(|poll| with_token(poll.value(), replaced)) else { continue };
        after.poll = Some(SealedSettings::new(value));
        if let Some(name) = stored_auth(&after).and_then(|auth| credential(tenant, &auth)) {
            renamed = name;
        }
        tx.update(&before, &after).await.map_err(store)?;
        tracing::info!(source.id = %id, "The provider of source `{id}` replaced its refresh token; the new one is kept");
    }
    tx.commit().await.map_err(store)?;
    // Only so that the next run finds the new name at once; the old one leads to the same token.
    if let Err(cause) = engine.routing.refresh().await {
        tracing::warn!(%cause, "A replaced refresh token is written, and will be read a little later");
    }
    Ok(renamed)
}

/// Whether settings name it.
pub(super) fn is_held(engine: &Engine, name: Credential) -> bool {
    !holders(engine, name).is_empty()
}

fn holders(engine: &Engine, wanted: Credential) -> Vec<SourceId> {
    let maps = engine.routing.read();
    let has_it = |entry: &&Arc<crate::SourceEntry>| {
        entry.tenant == wanted.0
            && entry.poll.as_ref().is_some_and(|poll| credential(entry.tenant, &poll.request.auth) == Some(wanted))
    };
    maps.sources().filter(has_it).map(|entry| entry.id).collect()
}

fn stored_auth(source: &Source) -> Option<Auth> {
    PollSettings::parse(source.poll.as_ref()?.value(), STORED_FLOOR_S).ok().map(|settings| settings.request.auth)
}

fn with_token(settings: &Value, replaced: &Secret<String>) -> Option<Value> {
    let mut settings = settings.clone();
    let token = settings.pointer_mut("/request/auth/refresh_token")?;
    *token = Value::String(replaced.expose().clone());
    Some(settings)
}
