//! Has a source's scheme listen to a request, with the provider's key when it takes one.

use postern_domain::Timestamp;
use postern_signatures::{Examined, Heard, RawRequest, Refusal, SourceScheme};

use crate::{
    engine::Engine,
    entry::SourceEntry,
    keys::{KeysOf, NoKey},
};

/// Why nothing was heard.
#[derive(Debug)]
pub(crate) enum Unheard {
    Refused(Refusal),
    NoKey(NoKey),
    /// It has no front door.
    NoScheme,
}

pub(crate) async fn hear(
    engine: &Engine,
    source: &SourceEntry,
    request: &RawRequest<'_>,
    now: Timestamp,
) -> Result<Heard, Unheard> {
    let scheme = source.scheme.as_ref().ok_or(Unheard::NoScheme)?;
    let keys = keys_of(engine, source);
    match scheme.hear(request, now, &keys).map_err(Unheard::Refused)? {
        Heard::NeedsKey(wanted) => {
            keys.fetch(&engine.egress, &wanted).await.map_err(Unheard::NoKey)?;
            scheme.hear(request, now, &keys).map_err(Unheard::Refused)
        }
        heard => Ok(heard),
    }
}

/// The same with its steps; a key that cannot be had is the scheme's to tell.
pub(crate) async fn examine(
    engine: &Engine,
    (source, scheme): (&SourceEntry, &SourceScheme),
    request: &RawRequest<'_>,
    now: Timestamp,
) -> (Examined, Option<NoKey>) {
    let keys = keys_of(engine, source);
    let examined = scheme.examine(request, now, &keys);
    let Ok(Heard::NeedsKey(wanted)) = &examined.outcome else { return (examined, None) };
    match keys.fetch(&engine.egress, wanted).await {
        Ok(()) => (scheme.examine(request, now, &keys), None),
        Err(cause) => (examined, Some(cause)),
    }
}

/// A key is as old as the present says, also when a request of long ago is examined.
fn keys_of<'a>(engine: &'a Engine, source: &SourceEntry) -> KeysOf<'a> {
    KeysOf { keys: &engine.keys, source: source.id, now: engine.clock.now() }
}
