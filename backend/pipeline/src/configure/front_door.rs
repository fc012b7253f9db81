//! The front door of a source: its URL replaced without a gap, and a handshake that may hand over its secret.

use std::net::IpAddr;

use postern_domain::{Actor, Invalid, Secret, SourceId, TenantScope, Timestamp, actor::ActorKind, source::SourceKind};
use postern_seal::token;
use postern_signatures::{Need, Presets};
use postern_store::tenant::{RetiredToken, Source};

use super::{By, ConfigureError, Done, run, source};
use crate::{Engine, SourceEntry, entry::scheme_of};

pub const DEFAULT_OVERLAP_S: u32 = 24 * 3600;
pub const MAX_OVERLAP_S: u32 = 30 * 24 * 3600;
/// How long a provider may hand over a secret.
const AWAIT_S: i64 = 3_600;

/// A new URL; the one before works for `overlap_s` more, and one before that no longer.
///
/// # Errors
/// When there is no such source, it has no URL, or the overlap is too long.
pub async fn rotate_url(
    engine: &Engine,
    by: &By,
    (id, overlap_s): (SourceId, u32),
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    if overlap_s > MAX_OVERLAP_S {
        return Err(Invalid::new("overlap_s", format!("must be 0 to {MAX_OVERLAP_S}")).into());
    }
    let now = engine.clock.now();
    let rotate = |before: Source| {
        let Some(old) = &before.token else { return Err(Invalid::new("overlap_s", "is of no use: it has no URL")) };
        let retired =
            RetiredToken { hash: token::sha256(old.expose()).to_vec(), until: now.plus_secs(i64::from(overlap_s)) };
        let token = Some(Secret::new(token::random_base62(source::TOKEN_LEN)));
        Ok(Source { token, retired_token: (overlap_s > 0).then_some(retired), ..before })
    };
    source::alter(engine, by, id, rotate, answer).await
}

/// For an hour from now its provider may hand over the secret.
///
/// # Errors
/// When there is no such source, its provider does no such thing, or it has a secret.
pub async fn await_handshake(
    engine: &Engine,
    by: &By,
    id: SourceId,
    answer: impl FnOnce(&Source) -> (u16, String),
) -> Result<Done<Source>, ConfigureError> {
    let until = engine.clock.now().plus_secs(AWAIT_S);
    let wait = |before: Source| {
        if !learns(&engine.presets, &before) {
            return Err(Invalid::new("provider", "does not hand over a secret; enter one in `secrets`"));
        }
        if !before.secrets.is_empty() {
            return Err(Invalid::new("secrets", "are there: take them away before another is handed over"));
        }
        Ok(Source { handshake_until: Some(until), ..before })
    };
    source::alter(engine, by, id, wait, answer).await
}

/// Until when a new source awaits its secret, if it does.
pub(super) fn awaited_from(presets: &Presets, source: &Source, now: Timestamp) -> Option<Timestamp> {
    (source.secrets.is_empty() && learns(presets, source)).then(|| now.plus_secs(AWAIT_S))
}

fn learns(presets: &Presets, source: &Source) -> bool {
    let scheme = scheme_of(presets, source.provider.as_deref(), source.scheme.as_deref());
    source.kind == SourceKind::Webhook && scheme.is_some_and(|scheme| scheme.secret.need == Need::Learned)
}

/// Whether a secret that was handed over is now that of its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learned {
    Yes,
    No,
}

/// Decided by what the database says: two handshakes at one moment cannot both win.
pub(crate) async fn learn(
    engine: &Engine,
    source: &SourceEntry,
    secret: Secret<String>,
    remote: IpAddr,
) -> Result<Learned, ConfigureError> {
    let actor = Actor { kind: ActorKind::Engine, id: String::new(), remote: Some(remote) };
    let by = By { scope: TenantScope::from_owned_row(source.tenant), actor, once: None };
    let (id, presets) = (source.id, &engine.presets);
    let change = async move |tx: &mut postern_store::TenantTx| {
        let before = tx.find::<Source>(id).await?.ok_or(ConfigureError::NotFound)?;
        if before.secrets.contains(&secret) {
            return Ok(Learned::Yes);
        }
        let is_awaited = before.handshake_until.is_some_and(|until| tx.now() < until);
        if !before.secrets.is_empty() || !is_awaited {
            return Ok(Learned::No);
        }
        let mut after = Source { secrets: vec![secret.clone()], handshake_until: None, ..before.clone() };
        source::check(presets, &mut after)?;
        tx.update(&before, &after).await?;
        Ok::<_, ConfigureError>(Learned::Yes)
    };
    match run(engine, &by, change, |_| (0, String::new())).await? {
        Done::Now(learned) => Ok(learned),
        Done::Before { .. } => Ok(Learned::No),
    }
}
