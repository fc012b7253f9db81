//! Destinations as rows: their headers and signing secret are sealed.

use std::collections::BTreeMap;

use postern_domain::{
    DestinationId, Secret, Timestamp,
    destination::{DestinationKind, RateLimit},
    queue::QueueSettings,
    retry::RetryPolicy,
};
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TenantTx, connection, records::Record, state::DestinationState};
use crate::{
    StoreError,
    column::{Sealer, from_int, from_json, to_int, to_json},
    entity::destination::{ActiveModel, Column, Entity, Model},
};

const TABLE: &str = "destinations";

/// Where events go.
#[derive(Clone, Debug)]
pub struct Destination {
    pub id: DestinationId,
    pub name: String,
    pub kind: DestinationKind,
    /// Of kind `http`; the others have none.
    pub url: Option<String>,
    /// Sent with every attempt. Their values may be credentials.
    pub headers: BTreeMap<String, Secret<String>>,
    /// `whsec_…`
    pub signing_secret: Secret<String>,
    pub rate_limit: Option<RateLimit>,
    pub concurrency: u32,
    pub timeout_ms: u32,
    pub retry: RetryPolicy,
    /// Of a bin: so many of the next requests are answered 500.
    pub fail_next: u32,
    /// Of a queue, and of no other kind.
    pub queue: Option<QueueSettings>,
    pub state: DestinationState,
    pub state_reason: Option<String>,
    /// Since when every attempt has failed.
    pub failing_since: Option<Timestamp>,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl TenantTx {
    /// Marks the destination and its connections as deleted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_destination(&mut self, destination: &Destination) -> Result<(), StoreError> {
        let connections = self.end_connections(connection::Side::Destination(destination.id)).await?;
        self.end(destination, json!({ "connections": connections })).await
    }
}

impl Destination {
    fn seal_headers(&self, sealer: &Sealer<'_>) -> Result<Vec<u8>, StoreError> {
        let texts: BTreeMap<&str, &str> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.expose().as_str())).collect();
        sealer.seal((TABLE, "headers_sealed", self.id.uuid()), Secret::new(to_json(&texts)).expose())
    }

    fn header_names(&self) -> Vec<&str> {
        self.headers.keys().map(String::as_str).collect()
    }
}

impl Record for Destination {
    type Table = Entity;
    type Row = ActiveModel;
    type Id = DestinationId;

    const NOUN: &'static str = "destination";
    const ID: Column = Column::Id;
    const ENDED_AT: Column = Column::DeletedAt;
    const UPDATED_AT: Option<<Entity as EntityTrait>::Column> = Some(Column::UpdatedAt);
    const VERSION: Column = Column::Version;

    fn uuid(id: DestinationId) -> Uuid {
        id.uuid()
    }

    fn id(&self) -> DestinationId {
        self.id
    }

    fn read(row: Model, sealer: &Sealer<'_>) -> Result<Self, StoreError> {
        let inconsistent = |what: &str| StoreError::inconsistent(TABLE, what);
        let headers = sealer.open((TABLE, "headers_sealed", row.id), &row.headers_sealed)?;
        let headers: BTreeMap<String, String> = from_json(TABLE, headers.expose())?;
        Ok(Self {
            id: DestinationId::from_uuid(row.id),
            kind: DestinationKind::parse(&row.kind).ok_or_else(|| inconsistent("unknown kind"))?,
            headers: headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            signing_secret: sealer.open((TABLE, "signing_secret_sealed", row.id), &row.signing_secret_sealed)?,
            name: row.name,
            url: row.url,
            rate_limit: row.rate_limit.map(|text| from_json(TABLE, &text)).transpose()?,
            concurrency: from_int(TABLE, row.concurrency)?,
            timeout_ms: from_int(TABLE, row.timeout_ms)?,
            retry: from_json(TABLE, &row.retry)?,
            fail_next: from_int(TABLE, row.fail_next)?,
            queue: row.queue.map(|text| from_json(TABLE, &text)).transpose()?,
            state: DestinationState::parse(&row.state).ok_or_else(|| inconsistent("unknown state"))?,
            state_reason: row.state_reason,
            failing_since: row.failing_since.map(Timestamp::from_micros),
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }

    fn row(&self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        let cell = (TABLE, "signing_secret_sealed", self.id.uuid());
        Ok(ActiveModel {
            id: Set(self.id.uuid()),
            tenant_id: Set(sealer.tenant.uuid()),
            name: Set(self.name.clone()),
            kind: Set(self.kind.as_str().to_owned()),
            url: Set(self.url.clone()),
            headers_sealed: Set(self.seal_headers(sealer)?),
            signing_secret_sealed: Set(sealer.seal(cell, self.signing_secret.expose())?),
            rate_limit: Set(self.rate_limit.as_ref().map(to_json)),
            concurrency: Set(to_int(self.concurrency)),
            timeout_ms: Set(to_int(self.timeout_ms)),
            retry: Set(to_json(&self.retry)),
            fail_next: Set(to_int(self.fail_next)),
            queue: Set(self.queue.as_ref().map(to_json)),
            state: Set(self.state.as_str().to_owned()),
            state_reason: Set(self.state_reason.clone()),
            failing_since: Set(self.failing_since.map(Timestamp::as_micros)),
            created_at: Set(self.created_at.as_micros()),
            updated_at: Set(self.updated_at.as_micros()),
            ..ActiveModel::default()
        })
    }

    fn changes(&self, after: &Self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        let mut row = ActiveModel::default();
        if self.headers != after.headers {
            row.headers_sealed = Set(after.seal_headers(sealer)?);
        }
        // The engine writes these too.
        if self.fail_next != after.fail_next {
            row.fail_next = Set(to_int(after.fail_next));
        }
        if self.failing_since != after.failing_since {
            row.failing_since = Set(after.failing_since.map(Timestamp::as_micros));
        }
        if self.state != after.state {
            row.state = Set(after.state.as_str().to_owned());
            row.state_reason = Set(after.state_reason.clone());
        }
        row.name = Set(after.name.clone());
        row.url = Set(after.url.clone());
        row.rate_limit = Set(after.rate_limit.as_ref().map(to_json));
        row.concurrency = Set(to_int(after.concurrency));
        row.timeout_ms = Set(to_int(after.timeout_ms));
        row.retry = Set(to_json(&after.retry));
        row.queue = Set(after.queue.as_ref().map(to_json));
        Ok(row)
    }

    fn snapshot(&self) -> Value {
        json!({
            "name": self.name, "kind": self.kind, "url": self.url, "header_names": self.header_names(),
            "rate_limit": self.rate_limit, "concurrency": self.concurrency, "timeout_ms": self.timeout_ms,
            "retry": self.retry, "fail_next": self.fail_next, "queue": self.queue,
            "state": self.state.as_str(), "state_reason": self.state_reason,
        })
    }

    fn action(&self, after: &Self) -> &'static str {
        DestinationState::action(self.state, after.state)
    }

    fn changed_secrets(&self, after: &Self) -> Vec<&'static str> {
        if self.headers == after.headers { Vec::new() } else { vec!["headers"] }
    }
}
