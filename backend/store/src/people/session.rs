//! Browser sessions. There is no copy in memory: an ended session is dead at once, on every replica.

use std::net::IpAddr;

use postern_domain::{
    Actor, Secret, SessionId, Timestamp, UserId,
    address::network_of,
    session::{IDLE_MS, KNOWN_MS, LONGEST_MS, TOUCH_MS},
    theme::Theme,
};
use sea_orm::{ConnectionTrait, DatabaseTransaction, FromQueryResult};
use serde_json::json;
use uuid::Uuid;

use super::{Charge, Deed};
use crate::{StoreError, open::Store, read::query::Query, tenant::begin_to_write};

const STARTING: &str = "starting a session";
const ENDING: &str = "ending a session";
/// Of one person's live sessions; more are not shown.
const MAX_LISTED: i64 = 200;
/// Rows to a statement, so that a large clean-up does not hold up the others.
const EXPIRE_AT_ONCE: i64 = 1_000;

/// A session to be started, once the password was verified.
#[derive(Debug)]
pub struct NewSession<'a> {
    pub user: UserId,
    /// The hash that the password was verified against.
    pub verified: &'a Secret<String>,
    pub remote: Option<IpAddr>,
    pub user_agent: &'a str,
    /// Taken back, since it was no failure.
    pub charge: &'a Charge,
}

/// A session that is alive, and whose it is.
#[derive(Clone, Debug)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    pub email: String,
    pub theme: Theme,
    pub created_at: Timestamp,
    /// To the minute.
    pub seen_at: Timestamp,
    /// When the password was last given.
    pub confirmed_at: Timestamp,
    /// Where it began; empty when that is not known.
    pub remote: String,
    pub user_agent: String,
}

#[derive(FromQueryResult)]
struct SessionRow {
    id: Uuid,
    user_id: Uuid,
    email: String,
    theme: String,
    created_at: i64,
    seen_at: i64,
    confirmed_at: i64,
    remote: String,
    user_agent: String,
}

#[derive(FromQueryResult)]
struct HashRow {
    password_hash: Option<String>,
}

impl Store {
    /// None when the password was changed since it was verified.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn start_session(&self, new: &NewSession<'_>) -> Result<Option<SessionId>, StoreError> {
        let tx = begin_to_write(self).await?;
        if !is_current(&tx, new.user, new.verified).await? {
            return Ok(None);
        }
        new.charge.take_back(&tx).await?;
        let (id, now) = (SessionId::fresh(), self.clock().now());
        let mut query = Query::on(&tx);
        query
            .sql("INSERT INTO sessions (id, user_id, created_at, seen_at, confirmed_at, expires_at, remote, network, ");
        query.sql("user_agent) VALUES (").bind(id.uuid()).sql(", ").bind(new.user.uuid());
        for at in [now, now, now, now.plus_ms(LONGEST_MS)] {
            query.sql(", ").bind(at.as_micros());
        }
        query.sql(", ").bind(new.remote.map_or_else(String::new, |remote| remote.to_string()));
        query.sql(", ").bind(network_text(new.remote)).sql(", ").bind(new.user_agent).sql(")");
        query.execute(&tx, STARTING).await?;
        let actor = Actor::user(new.user, new.remote);
        let (target, data) = (id.to_string(), json!({ "user_agent": new.user_agent }));
        let deed = Deed { at: now, actor: &actor, action: "session.started", target: &target, data: &data };
        self.tell(&tx, new.user, &deed).await?;
        tx.commit().await.map_err(StoreError::orm(STARTING))?;
        Ok(Some(id))
    }

    /// The session, if it is alive; that it was used is written once a minute.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn use_session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let Some(session) = self.find_session(id).await? else { return Ok(None) };
        let now = self.clock().now();
        if now.ms_since(session.seen_at) >= TOUCH_MS {
            self.touch(id, now).await;
        }
        Ok(Some(session))
    }

    /// The session, if it is alive. Looking does not keep it so.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_session(&self, id: SessionId) -> Result<Option<Session>, StoreError> {
        let (reader, now) = (self.reader(), self.clock().now());
        let mut query = select(&reader);
        query.sql("session.id = ").bind(id.uuid());
        alive(&mut query, now);
        query.one::<SessionRow>(&reader, "reading a session").await?.map(Session::read).transpose()
    }

    /// Those of the user that are alive, newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sessions(&self, user: UserId) -> Result<Vec<Session>, StoreError> {
        let reader = self.reader();
        let mut query = select(&reader);
        query.sql("session.user_id = ").bind(user.uuid());
        alive(&mut query, self.clock().now());
        query.sql(" ORDER BY session.id DESC LIMIT ").bind(MAX_LISTED);
        let rows: Vec<SessionRow> = query.all(&reader, "listing sessions").await?;
        rows.into_iter().map(Session::read).collect()
    }

    /// Ends a session of the user. How many that were: none when there is no such one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn end_session(&self, user: UserId, id: SessionId, remote: Option<IpAddr>) -> Result<u64, StoreError> {
        let (tx, now) = (begin_to_write(self).await?, self.clock().now());
        let mut query = Query::on(&tx);
        query.sql("UPDATE sessions SET ended_at = ").bind(now.as_micros());
        query.sql(" WHERE id = ").bind(id.uuid()).sql(" AND user_id = ").bind(user.uuid());
        query.sql(" AND ended_at IS NULL AND expires_at > ").bind(now.as_micros());
        let ended = query.execute(&tx, ENDING).await?;
        if ended > 0 {
            let (actor, target, data) = (Actor::user(user, remote), id.to_string(), json!({}));
            let deed = Deed { at: now, actor: &actor, action: "session.ended", target: &target, data: &data };
            self.tell(&tx, user, &deed).await?;
        }
        tx.commit().await.map_err(StoreError::orm(ENDING))?;
        Ok(ended)
    }

    /// Forgets sessions that were over long ago, and with them where their users are known. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer; the next run goes on.
    pub async fn expire_sessions(&self, now: Timestamp) -> Result<u64, StoreError> {
        let writer = self.writer();
        let mut total = 0;
        loop {
            let mut query = Query::on(&writer);
            query.sql("DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires_at < ");
            query.bind(now.plus_ms(-KNOWN_MS).as_micros()).sql(" LIMIT ").bind(EXPIRE_AT_ONCE).sql(")");
            let deleted = query.execute(&writer, "forgetting old sessions").await?;
            total += deleted;
            if deleted == 0 {
                return Ok(total);
            }
        }
    }

    /// A session is no less alive when this cannot be written.
    async fn touch(&self, id: SessionId, now: Timestamp) {
        let writer = self.writer();
        let mut query = Query::on(&writer);
        query.sql("UPDATE sessions SET seen_at = ").bind(now.as_micros()).sql(" WHERE id = ").bind(id.uuid());
        query.sql(" AND seen_at <= ").bind(now.plus_ms(-TOUCH_MS).as_micros());
        if let Err(cause) = query.execute(&writer, "touching a session").await {
            tracing::warn!(session.id = %id, %cause, "That session `{id}` was used could not be written");
        }
    }
}

impl Session {
    fn read(row: SessionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: SessionId::from_uuid(row.id),
            user: UserId::from_uuid(row.user_id),
            email: row.email,
            theme: Theme::parse(&row.theme).ok_or_else(|| StoreError::inconsistent("users", "unknown theme"))?,
            created_at: Timestamp::from_micros(row.created_at),
            seen_at: Timestamp::from_micros(row.seen_at),
            confirmed_at: Timestamp::from_micros(row.confirmed_at),
            remote: row.remote,
            user_agent: row.user_agent,
        })
    }
}

/// Whether this is the user's hash now. From here on nobody changes it until the transaction ends.
pub(super) async fn is_current(
    tx: &DatabaseTransaction,
    user: UserId,
    verified: &Secret<String>,
) -> Result<bool, StoreError> {
    let mut query = Query::on(tx);
    query.sql("SELECT password_hash FROM users WHERE id = ").bind(user.uuid()).for_update();
    let row: Option<HashRow> = query.one(tx, "reading a user").await?;
    Ok(row.and_then(|row| row.password_hash).is_some_and(|hash| hash == *verified.expose()))
}

/// The session under another id, with the password just given. None when it has ended.
pub(super) async fn renew(
    tx: &DatabaseTransaction,
    (user, session): (UserId, SessionId),
    now: Timestamp,
) -> Result<Option<SessionId>, StoreError> {
    let renewed = SessionId::fresh();
    let mut query = Query::on(tx);
    query.sql("UPDATE sessions SET id = ").bind(renewed.uuid()).sql(", confirmed_at = ").bind(now.as_micros());
    query.sql(" WHERE id = ").bind(session.uuid()).sql(" AND user_id = ").bind(user.uuid());
    query.sql(" AND ended_at IS NULL AND expires_at > ").bind(now.as_micros());
    Ok((query.execute(tx, "renewing a session").await? > 0).then_some(renewed))
}

/// What somebody is known by: empty when there is no address.
pub(super) fn network_text(remote: Option<IpAddr>) -> String {
    remote.map_or_else(String::new, |remote| network_of(remote).to_string())
}

fn select(db: &impl ConnectionTrait) -> Query {
    let mut query = Query::on(db);
    query.sql("SELECT session.id, session.user_id, person.email, person.theme, session.created_at, session.seen_at, ");
    query.sql("session.confirmed_at, session.remote, session.user_agent FROM sessions session ");
    query.sql("JOIN users person ON person.id = session.user_id WHERE ");
    query
}

fn alive(query: &mut Query, now: Timestamp) {
    query.sql(" AND session.ended_at IS NULL AND session.expires_at > ").bind(now.as_micros());
    query.sql(" AND session.seen_at > ").bind(now.plus_ms(-IDLE_MS).as_micros());
}
