//! A password that is given again, and one that is changed.

use std::net::IpAddr;

use postern_domain::{Actor, Secret, SessionId, UserId};
use serde_json::json;

use super::{Charge, Deed, session::is_current};
use crate::{StoreError, open::Store, read::query::Query, tenant::begin_to_write};

const CONFIRMING: &str = "confirming a session";
const CHANGING: &str = "changing a password";

/// A change of password, once the old one was verified within a session.
#[derive(Debug)]
pub struct NewPassword<'a> {
    pub user: UserId,
    /// The only session that goes on.
    pub session: SessionId,
    pub remote: Option<IpAddr>,
    /// The hash that the old password was verified against.
    pub verified: &'a Secret<String>,
    pub hash: &'a Secret<String>,
    pub charge: &'a Charge,
}

impl Store {
    /// The user's password was given within the session. False when the session has ended meanwhile.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn confirm_session(
        &self,
        (user, session): (UserId, SessionId),
        remote: Option<IpAddr>,
        charge: &Charge,
    ) -> Result<bool, StoreError> {
        let (tx, now) = (begin_to_write(self).await?, self.clock().now());
        charge.take_back(&tx).await?;
        let mut query = Query::on(&tx);
        query.sql("UPDATE sessions SET confirmed_at = ").bind(now.as_micros());
        query.sql(" WHERE id = ").bind(session.uuid()).sql(" AND user_id = ").bind(user.uuid());
        query.sql(" AND ended_at IS NULL");
        if query.execute(&tx, CONFIRMING).await? == 0 {
            return Ok(false);
        }
        let (actor, target, data) = (Actor::user(user, remote), session.to_string(), json!({}));
        let deed = Deed { at: now, actor: &actor, action: "session.confirmed", target: &target, data: &data };
        self.tell(&tx, user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm(CONFIRMING))?;
        Ok(true)
    }

    /// Sets the new password and ends all sessions but one. False when the old one was changed since it was verified.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_password(&self, new: &NewPassword<'_>) -> Result<bool, StoreError> {
        let (tx, now) = (begin_to_write(self).await?, self.clock().now());
        if !is_current(&tx, new.user, new.verified).await? {
            return Ok(false);
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
        let mut query = Query::on(&tx);
        query.sql("UPDATE sessions SET confirmed_at = ").bind(now.as_micros());
        query.sql(" WHERE id = ").bind(new.session.uuid());
        query.execute(&tx, CHANGING).await?;
        let (actor, target) = (Actor::user(new.user, new.remote), new.user.to_string());
        let data = json!({ "session_id": new.session, "sessions_ended": ended });
        let deed = Deed { at: now, actor: &actor, action: "password.changed", target: &target, data: &data };
        self.tell(&tx, new.user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm(CHANGING))?;
        Ok(true)
    }
}
