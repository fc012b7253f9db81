//! What must be known of somebody to check whether it is them.

use std::net::IpAddr;

use postern_domain::{Actor, Secret, UserId, actor::ActorKind, theme::Theme};
use sea_orm::FromQueryResult;
use serde_json::json;
use uuid::Uuid;

use super::{Deed, session::network_text};
use crate::{
    StoreError,
    open::Store,
    read::query::{Found, Query},
    tenant::begin_to_write,
};

/// Somebody who can log in.
#[derive(Clone, Debug)]
pub struct Credential {
    pub user: UserId,
    /// None: never set, so nothing is right.
    pub password_hash: Option<Secret<String>>,
}

#[derive(FromQueryResult)]
struct CredentialRow {
    id: Uuid,
    password_hash: Option<String>,
}

impl From<CredentialRow> for Credential {
    fn from(row: CredentialRow) -> Self {
        Self { user: UserId::from_uuid(row.id), password_hash: row.password_hash.map(Secret::new) }
    }
}

impl Store {
    /// By the address as it is stored.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credential(&self, email: &str) -> Result<Option<Credential>, StoreError> {
        let reader = self.reader();
        let mut query = Query::on(&reader);
        query.sql("SELECT id, password_hash FROM users WHERE email = ").bind(email);
        Ok(query.one::<CredentialRow>(&reader, "looking for a user").await?.map(Credential::from))
    }

    /// Of somebody who is logged in.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn credential_of(&self, user: UserId) -> Result<Option<Credential>, StoreError> {
        let reader = self.reader();
        let mut query = Query::on(&reader);
        query.sql("SELECT id, password_hash FROM users WHERE id = ").bind(user.uuid());
        Ok(query.one::<CredentialRow>(&reader, "reading a user").await?.map(Credential::from))
    }

    /// Whether the user logged in from the network of this address in the last weeks.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_known_at(&self, user: UserId, remote: Option<IpAddr>) -> Result<bool, StoreError> {
        if remote.is_none() {
            return Ok(false);
        }
        let reader = self.reader();
        let mut query = Query::on(&reader);
        query.sql("SELECT 1 AS found FROM sessions WHERE user_id = ").bind(user.uuid());
        query.sql(" AND network = ").bind(network_text(remote)).sql(" LIMIT 1");
        Ok(query.one::<Found>(&reader, "looking for earlier sessions").await?.is_some())
    }

    /// Puts it on record that somebody was wrong about the user's password. `target`: the user, or the session
    /// within which it happened.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn refuse(&self, user: UserId, target: &str, remote: Option<IpAddr>) -> Result<(), StoreError> {
        let tx = begin_to_write(self).await?;
        // Nobody has proven anything, so it is nobody's deed.
        let actor = Actor { kind: ActorKind::Engine, id: String::new(), remote };
        let data = json!({ "cause": "wrong_password" });
        let deed = Deed { at: self.clock().now(), actor: &actor, action: "session.refused", target, data: &data };
        self.tell(&tx, user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm("recording a refused log-in"))
    }

    /// # Errors
    /// When the database does not answer.
    pub async fn set_theme(&self, user: UserId, theme: Theme) -> Result<(), StoreError> {
        let writer = self.writer();
        let mut query = Query::on(&writer);
        query.sql("UPDATE users SET theme = ").bind(theme.as_str()).sql(" WHERE id = ").bind(user.uuid());
        query.execute(&writer, "keeping a theme").await.map(|_| ())
    }
}
