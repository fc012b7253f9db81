//! A password that is given again, and one that is changed.

use std::net::IpAddr;

use postern_domain::{Actor, Secret, SessionId, UserId};
use serde_json::json;

use super::{
    Charge, Deed,
    session::{is_current, renew},
};
use crate::{StoreError, open::Store, read::query::Query, tenant::begin_to_write};

const CONFIRMING: &str = "confirming a session";
const CHANGING: &str = "changing a password";

/// A change of password, once the old one was verified within a session.
#[derive(Debug)]
pub struct NewPassword<'a> {
    pub user: UserId,
    /// The only session that goes on, under another id.
    pub session: SessionId,
    pub remote: Option<IpAddr>,
    /// The hash that the old password was verified against.
    pub verified: &'a Secret<String>,
    pub hash: &'a Secret<String>,
    pub charge: &'a Charge,
}

impl Store {
    /// The user's password was given within the session, which goes on under another id: whoever kept a copy of its
    /// cookie is left behind. None when the session has ended meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn confirm_session(
        &self,
        (user, session): (UserId, SessionId),
        remote: Option<IpAddr>,
        charge: &Charge,
    ) -> Result<Option<SessionId>, StoreError> {
        let (tx, now) = (begin_to_write(self).await?, self.clock().now());
        charge.take_back(&tx).await?;
        let Some(renewed) = renew(&tx, (user, session), now).await? else { return Ok(None) };
        let (actor, target, data) = (Actor::user(user, remote), session.to_string(), json!({ "session_id": renewed }));
        let deed = Deed { at: now, actor: &actor, action: "session.confirmed", target: &target, data: &data };
        self.tell(&tx, user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm(CONFIRMING))?;
        Ok(Some(renewed))
    }

    /// Sets the new password and ends all sessions but one, which goes on under another id. None when the old password
    /// was changed since it was verified, or the session has ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_password(&self, new: &NewPassword<'_>) -> Result<Option<SessionId>, StoreError> {
        let (tx, now) = (begin_to_write(self).await?, self.clock().now());
        if !is_current(&tx, new.user, new.verified).await? {
            return Ok(None);
        }
        new.charge.take_back(&tx).await?;
        let mut query = Query::on(&tx);
        query.sql("UPDATE users SET password_hash = ").bind(new.hash.expose().as_str());
        query.sql(" WHERE id = ").bind(new.user.uuid());
        query.execute(&tx, CHANGING).await?;
        let mut query = Query::on(&tx);
        query.sql("UPDATE sessions SET ended_at = ").bind(now.as_micros());
        query.sql(" WHERE user_id = ").bind(new.user.uuid()).sql(" AND id <> ").bind(new.session.uuid());
        query.sql(" AND ended_at IS NULL AND expires_at > ").bind(now.as_micros());
        let ended = query.execute(&tx, CHANGING).await?;
        let Some(renewed) = renew(&tx, (new.user, new.session), now).await? else { return Ok(None) };
        let (actor, target) = (Actor::user(new.user, new.remote), new.user.to_string());
        let data = json!({ "session_id": renewed, "sessions_ended": ended });
        let deed = Deed { at: now, actor: &actor, action: "password.changed", target: &target, data: &data };
        self.tell(&tx, new.user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm(CHANGING))?;
        Ok(Some(renewed))
    }
}
