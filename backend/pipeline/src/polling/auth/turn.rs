//! The turn to ask for a token, of which there is one for all replicas.
//!
//! Where each refresh token counts once, a second replica that shows it gets nothing, and some providers take back all
//! that came of it. So who asks has a row of the database meanwhile, and shares in it what came.

use std::{sync::Arc, time::Duration};

use postern_domain::{Secret, id::fresh_uuid};
use postern_polling::Auth;
use postern_store::{
    StoreError,
    polling::{SharedCredential, SharedToken, TokenTurn},
};
use uuid::Uuid;

use super::{InTurn, NoToken, Writes, credential, write_back};

/// Longer than the token server has time to answer, and the answer to be written down.
const HOLD_MS: i64 = 30_000;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// As long as a turn that is never given back, and a little.
const LOOKS: u32 = 160;

/// What the other replicas have left.
pub(super) enum Shared {
    /// They know one that can be used.
    Token(SharedToken),
    /// It is for the caller to ask, and then to give the turn back.
    Turn(Option<Uuid>),
}

impl InTurn<'_> {
    /// Waits for its turn, or for the token of whoever has it.
    ///
    /// # Errors
    /// When the database does not answer, nobody gives the turn back, or the credential was replaced meanwhile.
    pub(super) async fn shared(&self, refused: Option<&Secret<String>>) -> Result<Shared, NoToken> {
        let store = &self.engine.store;
        let is_of_use = |token: &SharedToken| {
            self.engine.clock.now() < token.refresh_at && refused.is_none_or(|refused| *refused != token.text)
        };
        if self.writes == Writes::No {
            // A rehearsal leaves nothing behind, not even a turn.
            let found = store.shared_token(&self.credential).await.map_err(unavailable)?;
            return Ok(found.filter(is_of_use).map_or(Shared::Turn(None), Shared::Token));
        }
        let holder = fresh_uuid();
        for _ in 0..LOOKS {
            match store.take_token_turn(&self.credential, holder, HOLD_MS).await.map_err(unavailable)? {
                TokenTurn::Taken(found) => {
                    let found = found.filter(is_of_use);
                    if found.is_none() && !self.is_replaced().await? {
                        return Ok(Shared::Turn(Some(holder)));
                    }
                    self.give_back(Some(holder), None, None).await;
                    return found.map(Shared::Token).ok_or_else(|| self.later("was replaced meanwhile"));
                }
                TokenTurn::SomebodyElses => tokio::time::sleep(LOOK_EVERY).await,
            }
        }
        Err(self.later("is being asked about by another replica, which does not come back"))
    }

    /// Ends the turn. `came` is shared under each name that the credential has by now.
    pub(super) async fn give_back(
        &self,
        turn: Option<Uuid>,
        came: Option<&SharedToken>,
        replaced: Option<&Secret<String>>,
    ) {
        let Some(holder) = turn else { return };
        let mut names = vec![self.credential];
        names.extend(replaced.and_then(|replaced| self.renamed(replaced)));
        let came = came.map(|token| (token, names.as_slice()));
        if let Err(cause) = self.engine.store.end_token_turn(&self.credential, holder, came).await {
            tracing::warn!(%cause, "The turn to ask for a token could not be given back, and will end by itself");
        }
    }

    /// Another replica has written another refresh token into the settings: what this run knows is used up.
    async fn is_replaced(&self) -> Result<bool, NoToken> {
        if !matches!(self.auth, Auth::RefreshToken { .. }) {
            return Ok(false);
        }
        let known = self.names_in_memory();
        self.engine.routing.refresh().await.map_err(unavailable)?;
        Ok(!known.iter().any(|name| write_back::is_held(self.engine, *name)))
    }

    fn renamed(&self, replaced: &Secret<String>) -> Option<SharedCredential> {
        let Auth::RefreshToken { .. } = self.auth else { return None };
        let mut auth = self.auth.clone();
        if let Auth::RefreshToken { refresh_token, .. } = &mut auth {
            *refresh_token = replaced.clone();
        }
        credential(self.credential.0, &auth)
    }

    /// The names under which this process knows the credential.
    fn names_in_memory(&self) -> Vec<SharedCredential> {
        let cells = self.engine.polls.tokens.cells.lock();
        let same = cells.iter().filter(|(_, cell)| Arc::ptr_eq(cell, self.cell));
        same.map(|(name, _)| *name).chain([self.credential]).collect()
    }

    fn later(&self, what: &str) -> NoToken {
        NoToken::Unreachable { message: format!("the credential {what}"), until: self.engine.clock.now() }
    }
}

fn unavailable(cause: StoreError) -> NoToken {
    NoToken::Store(Arc::new(cause))
}
