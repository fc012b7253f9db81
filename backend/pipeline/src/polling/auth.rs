//! How a run proves who asks. A token of OAuth2 is kept for all runs with the same credential, made anew before it ends
//! or when it was refused, by one of them while the others wait, on whichever replica they are ([`turn`]).
//!
//! A provider that hands out a new refresh token with each access token has spent the old one by then. So the new one is
//! written down, in a transaction of its own, before anything is done with what came along.

mod grant;
mod turn;
mod write_back;

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;
use postern_domain::{Secret, TenantId, Timestamp};
use postern_polling::Auth;
use postern_seal::token::sha256;
use postern_store::{StoreError, polling::SharedToken};
use tokio::sync::Mutex as Turn;

use crate::Engine;
use grant::Granted;
use turn::Shared;

/// After a refusal nobody asks the token server again before.
const COOLDOWN_S: i64 = 30;
/// Of a token that does not say how long it lives.
const DEFAULT_LIFE_S: i64 = 3_600;
/// A token is made anew when so much of its life is over.
const REFRESH_AT_PERCENT: i64 = 80;
const MAX_CREDENTIALS: usize = 20_000;

/// Why there is no token.
#[derive(Clone, Debug)]
pub(crate) enum NoToken {
    /// Only a person can help.
    Refused {
        status: Option<u16>,
        message: String,
    },
    /// It may be there later.
    Unreachable {
        message: String,
        until: Timestamp,
    },
    /// The settings cannot be used.
    Settings {
        field: &'static str,
        message: String,
    },
    Store(Arc<StoreError>),
}

/// The tokens of this process.
#[derive(Debug, Default)]
pub(crate) struct Tokens {
    cells: Mutex<HashMap<Credential, Cell>>,
}

/// A hash over all that makes a token request what it is.
pub(crate) type Credential = (TenantId, [u8; 32]);
type Cell = Arc<Turn<Kept>>;

/// What is known of one credential. Whoever holds the lock is the one who refreshes.
#[derive(Debug, Default)]
struct Kept {
    token: Option<SharedToken>,
    /// Came with a token, in place of the refresh token that settings may still name.
    replaced: Option<Secret<String>>,
    /// It stands in no settings yet.
    is_unwritten: bool,
    failed: Option<(NoToken, Timestamp)>,
    used_at: Timestamp,
}

/// Whether a credential that the provider replaces is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Writes {
    Yes,
    /// A rehearsal of settings that are not saved; what was handed out waits in memory for the first run that may.
    No,
}

/// Which token shall do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wanted<'a> {
    Any,
    /// This one was refused.
    OtherThan(&'a Secret<String>),
}

/// The name of the credential, where there is one that tokens are made of.
pub(crate) fn credential(tenant: TenantId, auth: &Auth) -> Option<Credential> {
    let parts: Vec<&str> = match auth {
        Auth::None | Auth::Bearer { .. } | Auth::Basic { .. } | Auth::ApiKey { .. } => return None,
        Auth::ClientCredentials { token_url, client_id, client_secret, scopes, audience, .. } => {
            let mut parts = vec!["cc", token_url, client_id, client_secret.expose(), audience.as_deref().unwrap_or("")];
            parts.extend(scopes.iter().map(String::as_str));
            parts
        }
        Auth::RefreshToken { token_url, client_id, refresh_token, .. } => {
            vec!["rt", token_url, client_id, refresh_token.expose()]
        }
    };
    Some((tenant, sha256(Secret::new(parts.join("\0")).expose().as_bytes())))
}

/// The token for this authentication; none where it needs none.
///
/// # Errors
/// When one is needed and not to be had.
pub(crate) async fn token(
    engine: &Engine,
    (tenant, auth): (TenantId, &Auth),
    wanted: Wanted<'_>,
    writes: Writes,
) -> Result<Option<Secret<String>>, NoToken> {
    let Some(credential) = credential(tenant, auth) else { return Ok(None) };
    // What a provider replaces is spent: where saved settings name it, they must not be left with it, whoever asked.
    let is_saved = matches!(auth, Auth::RefreshToken { .. }) && write_back::is_held(engine, credential);
    let writes = if is_saved { Writes::Yes } else { writes };
    let cell = engine.polls.tokens.cell(credential);
    let mut kept = cell.lock().await;
    kept.used_at = engine.clock.now();
    let turn = InTurn { engine, credential, auth, cell: &cell, writes };
    turn.token(&mut kept, wanted).await.map(Some)
}

/// Somebody who has the turn of a credential.
struct InTurn<'a> {
    engine: &'a Engine,
    credential: Credential,
    auth: &'a Auth,
    cell: &'a Cell,
    writes: Writes,
}

impl InTurn<'_> {
    async fn token(&self, kept: &mut Kept, wanted: Wanted<'_>) -> Result<Secret<String>, NoToken> {
        let now = self.engine.clock.now();
        self.write_down(kept).await?;
        if let Some(token) = kept.token.as_ref().filter(|token| now < token.refresh_at) {
            // Somebody else may have refreshed it since it was refused.
            if !matches!(wanted, Wanted::OtherThan(refused) if *refused == token.text) {
                return Ok(token.text.clone());
            }
        }
        if let Some((cause, _)) = kept.failed.as_ref().filter(|(_, until)| now < *until) {
            return Err(cause.clone());
        }
        // A token that was refused must not be given again while the new one is asked for.
        kept.token = None;
        let refused = match wanted {
            Wanted::Any => None,
            Wanted::OtherThan(refused) => Some(refused),
        };
        match self.shared(refused).await? {
            Shared::Token(token) => {
                let text = token.text.clone();
                kept.token = Some(token);
                Ok(text)
            }
            Shared::Turn(turn) => {
                let asked = self.ask(kept, now).await;
                let came = asked.is_ok().then_some(kept.token.as_ref()).flatten();
                self.give_back(turn, came, kept.replaced.as_ref()).await;
                asked
            }
        }
    }

    async fn ask(&self, kept: &mut Kept, now: Timestamp) -> Result<Secret<String>, NoToken> {
        match grant::ask(self.engine, self.auth, kept.replaced.as_ref()).await {
            Ok(granted) => {
                kept.failed = None;
                self.take(kept, granted).await
            }
            Err(cause) => {
                kept.failed = Some((cause.clone(), now.plus_secs(COOLDOWN_S)));
                Err(cause)
            }
        }
    }

    async fn take(&self, kept: &mut Kept, granted: Granted) -> Result<Secret<String>, NoToken> {
        let life_s = granted.expires_in_s.unwrap_or(DEFAULT_LIFE_S).max(1);
        if let Some(replaced) = granted.refresh_token {
            // In memory first: should the database not answer now, it is written before anybody gets a token later.
            (kept.replaced, kept.is_unwritten) = (Some(replaced), true);
            self.write_down(kept).await?;
        }
        let refresh_at = self.engine.clock.now().plus_ms(life_s.saturating_mul(10 * REFRESH_AT_PERCENT));
        let text = granted.access_token;
        kept.token = Some(SharedToken { text: text.clone(), refresh_at });
        Ok(text)
    }

    async fn write_down(&self, kept: &mut Kept) -> Result<(), NoToken> {
        if self.writes == Writes::No {
            return Ok(());
        }
        let Some(replaced) = kept.replaced.as_ref().filter(|_| kept.is_unwritten) else { return Ok(()) };
        let renamed = write_back::write(self.engine, self.credential, replaced).await?;
        kept.is_unwritten = false;
        // The settings name the credential by its new refresh token from now on.
        self.engine.polls.tokens.cells.lock().insert(renamed, Arc::clone(self.cell));
        Ok(())
    }
}

impl Tokens {
    fn cell(&self, credential: Credential) -> Cell {
        let mut cells = self.cells.lock();
        if cells.len() >= MAX_CREDENTIALS && !cells.contains_key(&credential) {
            // Somebody who is using one has it in hand; a token that is forgotten is asked for again.
            cells.retain(|_, cell| Arc::strong_count(cell) > 1);
        }
        Arc::clone(cells.entry(credential).or_default())
    }

    /// Forgets what nobody has used for a day. A refresh token that stands nowhere else stays.
    pub(crate) fn tidy(&self, now: Timestamp) {
        self.cells.lock().retain(|_, cell| {
            cell.try_lock().map_or(true, |kept| kept.is_unwritten || now < kept.used_at.plus_secs(86_400))
        });
    }
}
