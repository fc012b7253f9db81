//! Greetings: requests that are answered in the provider's own way and never become events.
//!
//! Most only want an answer. A few hand over the secret by which the provider will sign; whoever could do that at any
//! time would be the provider, so it counts only while the source awaits it.

use postern_domain::{Secret, Timestamp};
use postern_seal::token::sha256;
use postern_signatures::Greeting;

use crate::{
    accept::{AcceptError, Incoming},
    configure::{self, ConfigureError, front_door::Learned},
    engine::Engine,
    entry::SourceEntry,
    recorder,
};

pub(crate) const NOT_AWAITED: &str = "handshake_not_awaited";
pub(crate) const AWAITED: &str =
    "a source that has no secret and awaits its handshake: for an hour after it was made, or after it was asked to";

/// What a secret that is handed over would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Handover {
    /// The source has this very secret: the provider did not see the answer and says it again.
    Known,
    Awaited,
    NotAwaited,
}

impl Handover {
    pub(crate) fn of(source: &SourceEntry, secret: &Secret<String>, now: Timestamp) -> Self {
        if source.secret_hashes.contains(&sha256(secret.expose().as_bytes())) {
            return Self::Known;
        }
        let is_open = source.secret_hashes.is_empty() && source.handshake_until.is_some_and(|until| now < until);
        if is_open { Self::Awaited } else { Self::NotAwaited }
    }
}

/// Learns what is to be learned; then the greeting may be answered.
pub(crate) async fn greet(
    engine: &Engine,
    source: &SourceEntry,
    incoming: &Incoming<'_>,
    greeting: Greeting,
) -> Result<Greeting, AcceptError> {
    let Some(secret) = &greeting.learned else { return Ok(greeting) };
    let learned = match Handover::of(source, secret, engine.clock.now()) {
        Handover::Known => Learned::Yes,
        Handover::NotAwaited => Learned::No,
        Handover::Awaited => {
            let learned = configure::front_door::learn(engine, source, secret.clone(), incoming.remote).await;
            learned.or_else(|cause| match cause {
                ConfigureError::Store(cause) => Err(AcceptError::Store(cause)),
                // A secret that the scheme cannot use, or a source that was just deleted.
                _ => Ok(Learned::No),
            })?
        }
    };
    match learned {
        Learned::Yes => Ok(greeting),
        Learned::No => {
            recorder::refused(engine, source, incoming, NOT_AWAITED, AWAITED);
            Err(AcceptError::NotAwaited)
        }
    }
}
