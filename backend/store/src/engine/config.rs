//! Reads what changed of the configuration, with its secrets opened, for the engine's memory.

use std::collections::BTreeMap;

use postern_domain::{
    ApiKeyId, ConnectionId, DestinationId, Secret, SourceId, TenantId, Timestamp,
    answer::AnswerSpec,
    dedup::DedupSpec,
    destination::{DestinationKind, RateLimit},
    intake::Intake,
    payload::PayloadFormat,
    queue::QueueSettings,
    retry::RetryPolicy,
    source::{HeaderToken, SourceKind},
};
use postern_seal::Place;
use sea_orm::{ConnectionTrait, FromQueryResult, Statement};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::changed::{DOING, versioned};
use crate::{StoreError, open::Store, polling::SealedSettings};

/// One row that has a higher version than the reader knew. `None` in its place: it was deleted or revoked.
#[derive(Debug)]
pub enum ConfigChange {
    Source(SourceId, Option<Box<SourceConfig>>),
    Destination(DestinationId, Option<Box<DestinationConfig>>),
    Connection(ConnectionId, Option<ConnectionConfig>),
    Key(String, Option<KeyConfig>),
}

#[derive(Debug)]
pub struct SourceConfig {
    pub id: SourceId,
    pub tenant: TenantId,
    pub kind: SourceKind,
    pub provider: Option<String>,
    pub scheme: Option<String>,
    pub config: serde_json::Value,
    pub secrets: Vec<Secret<String>>,
    pub public_keys: Vec<String>,
    /// SHA-256 of the token in the path of its URL; none for a source that only publishes.
    pub token_hash: Option<Vec<u8>>,
    /// The same of the token before, and until when it works.
    pub retired_token: Option<(Vec<u8>, Timestamp)>,
    pub public_url: Option<String>,
    pub allowed_ips: Vec<String>,
    pub intake: Intake,
    pub header_token: Option<HeaderToken>,
    pub handshake_until: Option<Timestamp>,
    pub dedup: DedupSpec,
    pub answer: Option<AnswerSpec>,
    pub max_body_bytes: u32,
    pub rate_limit: Option<RateLimit>,
    pub poll: Option<SealedSettings>,
    pub schedule: Option<serde_json::Value>,
    pub paused: bool,
}

#[derive(Debug)]
pub struct DestinationConfig {
    pub id: DestinationId,
    pub tenant: TenantId,
    pub kind: DestinationKind,
    pub url: Option<String>,
    pub headers: BTreeMap<String, String>,
    pub signing_secret: Secret<String>,
    pub rate_limit: Option<RateLimit>,
    pub concurrency: u32,
    pub timeout_ms: u32,
    pub retry: RetryPolicy,
    pub queue: Option<QueueSettings>,
    /// `active`, `paused` or `held`.
    pub state: String,
    pub failing: bool,
}

#[derive(Debug)]
pub struct ConnectionConfig {
    pub id: ConnectionId,
    pub tenant: TenantId,
    pub source: SourceId,
    pub destination: DestinationId,
    pub event_types: Vec<String>,
    pub payload: PayloadFormat,
    pub delay_s: u32,
    pub paused: bool,
}

#[derive(Debug)]
pub struct KeyConfig {
    pub id: ApiKeyId,
    pub tenant: TenantId,
    pub hash: Vec<u8>,
    pub scopes: Vec<String>,
    pub allowed_ips: Vec<String>,
    pub expires_at: Option<Timestamp>,
}

#[derive(FromQueryResult)]
struct SourceRow {
    id: Uuid,
    tenant_id: Uuid,
    kind: String,
    provider: Option<String>,
    scheme: Option<String>,
    config: String,
    secrets_sealed: Option<Vec<u8>>,
    public_keys: String,
    token_hash: Option<Vec<u8>>,
    retired_token_hash: Option<Vec<u8>>,
    retired_token_until: Option<i64>,
    public_url: Option<String>,
    allowed_ips: String,
    intake: String,
    header_token_sealed: Option<Vec<u8>>,
    handshake_until: Option<i64>,
    dedup: String,
    answer: Option<String>,
    max_body_bytes: i32,
    rate_limit: Option<String>,
    poll_sealed: Option<Vec<u8>>,
    schedule: Option<String>,
    state: String,
    deleted_at: Option<i64>,
    version: i64,
}

#[derive(FromQueryResult)]
struct DestinationRow {
    id: Uuid,
    tenant_id: Uuid,
    kind: String,
    url: Option<String>,
    headers_sealed: Vec<u8>,
    signing_secret_sealed: Vec<u8>,
    rate_limit: Option<String>,
    concurrency: i32,
    timeout_ms: i32,
    retry: String,
    queue: Option<String>,
    state: String,
    failing_since: Option<i64>,
    deleted_at: Option<i64>,
    version: i64,
}

#[derive(FromQueryResult)]
struct ConnectionRow {
    id: Uuid,
    tenant_id: Uuid,
    source_id: Uuid,
    destination_id: Uuid,
    event_types: String,
    payload: String,
    delay_s: i32,
    state: String,
    deleted_at: Option<i64>,
    version: i64,
}

#[derive(FromQueryResult)]
struct KeyRow {
    id: Uuid,
    tenant_id: Uuid,
    public_id: String,
    hash: Vec<u8>,
    scopes: String,
    allowed_ips: String,
    expires_at: Option<i64>,
    revoked_at: Option<i64>,
    version: i64,
}

versioned!(SourceRow, DestinationRow, ConnectionRow, KeyRow);

impl Store {
    /// The current version of the configuration.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn config_version(&self) -> Result<i64, StoreError> {
        let reader = self.reader();
        let sql = "SELECT version FROM config_version WHERE id = 1";
        let row = reader
            .query_one_raw(Statement::from_string(reader.get_database_backend(), sql))
            .await
            .map_err(StoreError::orm(DOING))?
            .ok_or_else(|| StoreError::inconsistent("config_version", "no row"))?;
        row.try_get("", "version").map_err(StoreError::orm(DOING))
    }

    /// Everything with a version above `known`, row by row: as it is read it takes several times the memory that is needed
    /// of it. Answers the version to know from now on, which is read first: what is committed while the rows are read may
    /// already be among them and will be among the next ones again.
    ///
    /// # Errors
    /// When the database does not answer; what was given by then says nothing. A row that cannot be read is left out and
    /// logged: one tenant's broken row must not stop the others.
    pub async fn config_since(
        &self,
        known: i64,
        take: &mut (dyn FnMut(ConfigChange) + Send),
    ) -> Result<i64, StoreError> {
        let version = self.config_version().await?;
        if version == known {
            return Ok(version);
        }
        self.each_changed(known, "sources", |row: SourceRow| {
            let id = SourceId::from_uuid(row.id);
            let read = kept("sources", row.id, row.deleted_at, || self.source(row));
            read.into_iter().for_each(|entry| take(ConfigChange::Source(id, entry.map(Box::new))));
        })
        .await?;
        self.each_changed(known, "destinations", |row: DestinationRow| {
            let id = DestinationId::from_uuid(row.id);
            let read = kept("destinations", row.id, row.deleted_at, || self.destination(row));
            read.into_iter().for_each(|entry| take(ConfigChange::Destination(id, entry.map(Box::new))));
        })
        .await?;
        self.each_changed(known, "connections", |row: ConnectionRow| {
            let id = ConnectionId::from_uuid(row.id);
            let read = kept("connections", row.id, row.deleted_at, || connection(row));
            read.into_iter().for_each(|entry| take(ConfigChange::Connection(id, entry)));
        })
        .await?;
        self.each_changed(known, "api_keys", |row: KeyRow| {
            let public_id = row.public_id.clone();
            let read = kept("api_keys", row.id, row.revoked_at, || key(row));
            read.into_iter().for_each(|entry| take(ConfigChange::Key(public_id.clone(), entry)));
        })
        .await?;
        Ok(version)
    }

    fn open_text(
        &self,
        table: &'static str,
        column: &'static str,
        of: (Uuid, Uuid),
        sealed: &[u8],
    ) -> Result<Secret<String>, StoreError> {
        let place = Place { table, column, tenant: TenantId::from_uuid(of.0), row: of.1 };
        let plain = self.inner.keyring.open(&place, sealed).map_err(|cause| StoreError::inconsistent(table, cause))?;
        String::from_utf8(plain.expose().clone())
            .map(Secret::new)
            .map_err(|cause| StoreError::inconsistent(table, cause))
    }

    fn source(&self, row: SourceRow) -> Result<SourceConfig, StoreError> {
        let table = "sources";
        let of = (row.tenant_id, row.id);
        let secrets: Vec<String> = match &row.secrets_sealed {
            Some(sealed) => json(table, self.open_text(table, "secrets_sealed", of, sealed)?.expose())?,
            None => Vec::new(),
        };
        let header_token: Option<(String, String)> = match &row.header_token_sealed {
            Some(sealed) => json(table, self.open_text(table, "header_token_sealed", of, sealed)?.expose())?,
            None => None,
        };
        let poll = match &row.poll_sealed {
            Some(sealed) => Some(json(table, self.open_text(table, "poll_sealed", of, sealed)?.expose())?),
            None => None,
        };
        let retired_token = row.retired_token_hash.zip(row.retired_token_until.map(Timestamp::from_micros));
        Ok(SourceConfig {
            id: SourceId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            kind: SourceKind::parse(&row.kind).ok_or_else(|| StoreError::inconsistent(table, "unknown kind"))?,
            provider: row.provider,
            scheme: row.scheme,
            config: json(table, &row.config)?,
            secrets: secrets.into_iter().map(Secret::new).collect(),
            public_keys: json(table, &row.public_keys)?,
            token_hash: row.token_hash,
            retired_token,
            public_url: row.public_url,
            allowed_ips: json(table, &row.allowed_ips)?,
            intake: json(table, &row.intake)?,
            header_token: header_token.map(|(name, value)| HeaderToken { name, value: Secret::new(value) }),
            handshake_until: row.handshake_until.map(Timestamp::from_micros),
            dedup: json(table, &row.dedup)?,
            answer: row.answer.as_deref().map(|text| json(table, text)).transpose()?,
            max_body_bytes: u32::try_from(row.max_body_bytes).unwrap_or(0),
            rate_limit: row.rate_limit.as_deref().map(|text| json(table, text)).transpose()?,
            poll: poll.map(SealedSettings::new),
            schedule: row.schedule.as_deref().map(|text| json(table, text)).transpose()?,
            paused: row.state == "paused",
        })
    }

    fn destination(&self, row: DestinationRow) -> Result<DestinationConfig, StoreError> {
        let table = "destinations";
        let of = (row.tenant_id, row.id);
        Ok(DestinationConfig {
            id: DestinationId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            kind: DestinationKind::parse(&row.kind).ok_or_else(|| StoreError::inconsistent(table, "unknown kind"))?,
            url: row.url,
            headers: json(table, self.open_text(table, "headers_sealed", of, &row.headers_sealed)?.expose())?,
            signing_secret: self.open_text(table, "signing_secret_sealed", of, &row.signing_secret_sealed)?,
            rate_limit: row.rate_limit.as_deref().map(|text| json(table, text)).transpose()?,
            concurrency: u32::try_from(row.concurrency).unwrap_or(1),
            timeout_ms: u32::try_from(row.timeout_ms).unwrap_or(1),
            retry: json(table, &row.retry)?,
            queue: row.queue.as_deref().map(|text| json(table, text)).transpose()?,
            state: row.state,
            failing: row.failing_since.is_some(),
        })
    }
}

fn connection(row: ConnectionRow) -> Result<ConnectionConfig, StoreError> {
    Ok(ConnectionConfig {
        id: ConnectionId::from_uuid(row.id),
        tenant: TenantId::from_uuid(row.tenant_id),
        source: SourceId::from_uuid(row.source_id),
        destination: DestinationId::from_uuid(row.destination_id),
        event_types: json("connections", &row.event_types)?,
        payload: PayloadFormat::parse(&row.payload)
            .ok_or_else(|| StoreError::inconsistent("connections", "unknown payload"))?,
        delay_s: u32::try_from(row.delay_s).unwrap_or(0),
        paused: row.state == "paused",
    })
}

fn key(row: KeyRow) -> Result<KeyConfig, StoreError> {
    Ok(KeyConfig {
        id: ApiKeyId::from_uuid(row.id),
        tenant: TenantId::from_uuid(row.tenant_id),
        hash: row.hash,
        scopes: json("api_keys", &row.scopes)?,
        allowed_ips: json("api_keys", &row.allowed_ips)?,
        expires_at: row.expires_at.map(Timestamp::from_micros),
    })
}

/// `Some(None)`: ended. `None`: cannot be read, which is logged.
fn kept<T>(
    table: &'static str,
    id: Uuid,
    ended: Option<i64>,
    read: impl FnOnce() -> Result<T, StoreError>,
) -> Option<Option<T>> {
    if ended.is_some() {
        return Some(None);
    }
    match read() {
        Ok(entry) => Some(Some(entry)),
        Err(cause) => {
            tracing::error!(row.id = %id, table, %cause, "Row `{id}` of `{table}` cannot be read and is not in effect");
            None
        }
    }
}

fn json<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|cause| StoreError::inconsistent(table, cause))
}
