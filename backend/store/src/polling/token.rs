//! Tokens of OAuth2 that all replicas share, and whose turn it is to ask for the next one.
//!
//! Some providers take back what they gave when a refresh token is shown twice. So one replica asks, under a row that it
//! holds for as long, and the others find its token there.

use postern_domain::{Secret, TenantId, Timestamp};
use uuid::Uuid;

use super::writing::{Bind, Writing, change, lease, lease_end, look};
use crate::{Store, StoreError, column::Sealer};

const DOING: &str = "sharing a token";
const TABLE: &str = "poll_tokens";

/// A hash over all that makes a token request what it is, and whose it is.
pub type SharedCredential = (TenantId, [u8; 32]);

#[derive(Clone, Debug, PartialEq)]
pub struct SharedToken {
    pub text: Secret<String>,
    /// From then on the next one is asked for.
    pub refresh_at: Timestamp,
}

/// Whether it is the caller's turn to ask.
#[derive(Clone, Debug, PartialEq)]
pub enum TokenTurn {
    /// It is, until it is given back. The latest token, whether or not it can be used still.
    Taken(Option<SharedToken>),
    SomebodyElses,
}

type Stored = (Option<Vec<u8>>, i64);

impl Store {
    /// The latest token, if there was one.
    ///
    /// # Errors
    /// When the database does not answer, or the keyring does not open the token.
    pub async fn shared_token(&self, credential: &SharedCredential) -> Result<Option<SharedToken>, StoreError> {
        let sql = "SELECT token_sealed, refresh_at FROM poll_tokens WHERE tenant_id = $1 AND credential = $2";
        let rows: Vec<Stored> = look(self, DOING, sql, &key(credential)).await?;
        self.opened(credential, rows)
    }

    /// Takes the turn for `hold_ms`, unless somebody has it. `holder` is of this turn alone.
    ///
    /// # Errors
    /// As [`Self::shared_token`]; a turn that may have been taken ends by itself.
    pub async fn take_token_turn(
        &self,
        credential: &SharedCredential,
        holder: Uuid,
        hold_ms: i64,
    ) -> Result<TokenTurn, StoreError> {
        let mut tx = Writing::begin(self, DOING).await?;
        let sql = format!(
            "INSERT INTO poll_tokens (tenant_id, credential, held_by, held_until, refresh_at) \
             VALUES ($1, $2, $3, {until}, 0) ON CONFLICT (tenant_id, credential) DO UPDATE \
             SET held_by = excluded.held_by, held_until = excluded.held_until \
             WHERE poll_tokens.held_until IS NULL OR poll_tokens.held_until <= {now} RETURNING token_sealed, refresh_at",
            until = lease_end(tx.backend(), 4),
            now = lease_end(tx.backend(), 5),
        );
        let [tenant, hash] = key(credential);
        let binds = [tenant, hash, Bind::Uuid(holder), lease(self, hold_ms), lease(self, 0)];
        let rows: Vec<Stored> = tx.fetch(DOING, sql, &binds).await?;
        if rows.is_empty() {
            return Ok(TokenTurn::SomebodyElses);
        }
        tx.commit(self, DOING).await?;
        self.opened(credential, rows).map(TokenTurn::Taken)
    }

    /// Gives the turn back and shares the token, if one came of it, under each of these names. Whoever had the turn too long
    /// shares nothing: somebody else may have asked since.
    ///
    /// # Errors
    /// When the database does not answer; then the turn ends by itself.
    pub async fn end_token_turn(
        &self,
        credential: &SharedCredential,
        holder: Uuid,
        came: Option<(&SharedToken, &[SharedCredential])>,
    ) -> Result<(), StoreError> {
        let mut tx = Writing::begin(self, DOING).await?;
        let sql = "UPDATE poll_tokens SET held_by = NULL, held_until = NULL \
                   WHERE tenant_id = $1 AND credential = $2 AND held_by = $3";
        let [tenant, hash] = key(credential);
        let is_ours = tx.execute(DOING, sql, &[tenant, hash, Bind::Uuid(holder)]).await? == 1;
        if let (true, Some((token, names))) = (is_ours, came) {
            for name in names {
                let sealed = self.sealer(name).seal(cell(name), token.text.expose())?;
                let sql = "INSERT INTO poll_tokens (tenant_id, credential, token_sealed, refresh_at) \
                           VALUES ($1, $2, $3, $4) ON CONFLICT (tenant_id, credential) DO UPDATE \
                           SET token_sealed = excluded.token_sealed, refresh_at = excluded.refresh_at";
                let [tenant, hash] = key(name);
                let binds = [tenant, hash, Bind::Bytes(&sealed), Bind::Long(token.refresh_at.as_micros())];
                tx.execute(DOING, sql, &binds).await?;
            }
        }
        tx.commit(self, DOING).await
    }

    /// Deletes tokens that are of no use any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_tokens(&self, now: Timestamp) -> Result<u64, StoreError> {
        let sql = format!(
            "DELETE FROM poll_tokens WHERE refresh_at < $1 AND (held_until IS NULL OR held_until < {})",
            lease_end(self.backend(), 2)
        );
        change(self, DOING, sql, &[Bind::Long(now.as_micros()), lease(self, 0)]).await
    }

    fn opened(&self, name: &SharedCredential, rows: Vec<Stored>) -> Result<Option<SharedToken>, StoreError> {
        let Some((Some(sealed), refresh_at)) = rows.into_iter().next() else { return Ok(None) };
        let text = self.sealer(name).open(cell(name), &sealed)?;
        Ok(Some(SharedToken { text, refresh_at: Timestamp::from_micros(refresh_at) }))
    }

    fn sealer(&self, (tenant, _): &SharedCredential) -> Sealer<'_> {
        Sealer { keyring: self.keyring(), tenant: *tenant }
    }
}

const fn key<'a>((tenant, hash): &'a SharedCredential) -> [Bind<'a>; 2] {
    [Bind::Uuid(tenant.uuid()), Bind::Bytes(hash)]
}

/// The row has no id: the first half of the hash stands for it.
fn cell((_, hash): &SharedCredential) -> (&'static str, &'static str, Uuid) {
    let mut row = [0; 16];
    row.copy_from_slice(&hash[..16]);
    (TABLE, "token_sealed", Uuid::from_bytes(row))
}
