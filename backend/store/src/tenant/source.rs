//! Sources as rows: their secrets and the token of their URL are sealed.

use postern_domain::{
    Secret, SourceId, Timestamp,
    answer::AnswerSpec,
    dedup::DedupSpec,
    destination::RateLimit,
    intake::{AllowedAddresses, Intake},
    source::{HeaderToken, SourceKind},
};
use postern_seal::token;
use sea_orm::{ActiveValue::Set, EntityTrait};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TenantTx, connection, records::Record, state::RunState};
use crate::{
    StoreError,
    column::{Sealer, allowed_addresses, from_int, from_json, to_int, to_json},
    entity::source::{ActiveModel, Column, Entity, Model},
    polling::SealedSettings,
};

const TABLE: &str = "sources";

/// Where events come from.
#[derive(Clone, Debug)]
pub struct Source {
    pub id: SourceId,
    pub name: String,
    pub kind: SourceKind,
    pub provider: Option<String>,
    pub scheme: Option<String>,
    /// Of the scheme: a JSON object.
    pub config: Value,
    /// All of them are valid.
    pub secrets: Vec<Secret<String>>,
    /// The sender's, for schemes that sign with a private key. All of them are valid.
    pub public_keys: Vec<String>,
    /// The last part of its URL; a source that only publishes has none.
    pub token: Option<Secret<String>>,
    /// The URL as the provider knows it, for schemes that sign it.
    pub public_url: Option<String>,
    pub allowed_ips: AllowedAddresses,
    pub intake: Intake,
    /// What every request must carry besides the token of the URL.
    pub header_token: Option<HeaderToken>,
    /// The token before this one, while it still works.
    pub retired_token: Option<RetiredToken>,
    /// Until then its provider may hand over a secret, if it has none.
    pub handshake_until: Option<Timestamp>,
    pub dedup: DedupSpec,
    pub answer: Option<AnswerSpec>,
    pub max_body_bytes: u32,
    pub rate_limit: Option<RateLimit>,
    /// What a poll asks for, and how. May hold credentials, so it is sealed and never shown as it is.
    pub poll: Option<SealedSettings>,
    /// When a source of kind `schedule` makes an event, and which.
    pub schedule: Option<Value>,
    pub state: RunState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A token whose URL is being replaced. Only its hash is kept: it is not to be shown again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetiredToken {
    pub hash: Vec<u8>,
    pub until: Timestamp,
}

impl TenantTx {
    /// Marks the source and its connections as deleted, and ends its runs.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_source(&mut self, source: &Source) -> Result<(), StoreError> {
        let connections = self.end_connections(connection::Side::Source(source.id)).await?;
        self.drop_poll_plan(source.id).await?;
        self.end(source, json!({ "connections": connections })).await
    }
}

impl Source {
    /// Its poll settings without anything that may be a secret.
    fn outline(&self) -> Option<Value> {
        self.poll.as_ref().map(SealedSettings::outline)
    }

    fn seal_secrets(&self, sealer: &Sealer<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        if self.secrets.is_empty() {
            return Ok(None);
        }
        let texts: Vec<&str> = self.secrets.iter().map(|secret| secret.expose().as_str()).collect();
        sealer.seal((TABLE, "secrets_sealed", self.id.uuid()), Secret::new(to_json(&texts)).expose()).map(Some)
    }

    fn seal_header_token(&self, sealer: &Sealer<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(token) = &self.header_token else { return Ok(None) };
        let text = Secret::new(to_json(&[token.name.as_str(), token.value.expose()]));
        sealer.seal((TABLE, "header_token_sealed", self.id.uuid()), text.expose()).map(Some)
    }

    fn seal_poll(&self, sealer: &Sealer<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let Some(poll) = &self.poll else { return Ok(None) };
        let text = Secret::new(to_json(poll.value()));
        sealer.seal((TABLE, "poll_sealed", self.id.uuid()), text.expose()).map(Some)
    }

    fn token_hash(&self) -> Option<Vec<u8>> {
        self.token.as_ref().map(|token| token::sha256(token.expose()).to_vec())
    }

    fn seal_token(&self, sealer: &Sealer<'_>) -> Result<Option<Vec<u8>>, StoreError> {
        let seal = |token: &Secret<String>| sealer.seal((TABLE, "token_sealed", self.id.uuid()), token.expose());
        self.token.as_ref().map(seal).transpose()
    }
}

impl Record for Source {
    type Table = Entity;
    type Row = ActiveModel;
    type Id = SourceId;

    const NOUN: &'static str = "source";
    const ID: Column = Column::Id;
    const ENDED_AT: Column = Column::DeletedAt;
    const UPDATED_AT: Option<<Entity as EntityTrait>::Column> = Some(Column::UpdatedAt);
    const VERSION: Column = Column::Version;

    fn uuid(id: SourceId) -> Uuid {
        id.uuid()
    }

    fn id(&self) -> SourceId {
        self.id
    }

    fn read(row: Model, sealer: &Sealer<'_>) -> Result<Self, StoreError> {
        let inconsistent = |what: &str| StoreError::inconsistent(TABLE, what);
        let open = |column, sealed: &Vec<u8>| sealer.open((TABLE, column, row.id), sealed);
        let secrets = row.secrets_sealed.as_ref().map(|sealed| open("secrets_sealed", sealed)).transpose()?;
        let secrets: Vec<String> = secrets.map_or(Ok(Vec::new()), |text| from_json(TABLE, text.expose()))?;
        let header_token = row.header_token_sealed.as_ref().map(|sealed| open("header_token_sealed", sealed));
        let header_token: Option<(String, String)> =
            header_token.transpose()?.map(|text| from_json(TABLE, text.expose())).transpose()?;
        let retired_token = row.retired_token_hash.zip(row.retired_token_until);
        let poll = row.poll_sealed.as_ref().map(|sealed| open("poll_sealed", sealed)).transpose()?;
        Ok(Self {
            id: SourceId::from_uuid(row.id),
            kind: SourceKind::parse(&row.kind).ok_or_else(|| inconsistent("unknown kind"))?,
            secrets: secrets.into_iter().map(Secret::new).collect(),
            public_keys: from_json(TABLE, &row.public_keys)?,
            token: row.token_sealed.as_ref().map(|sealed| open("token_sealed", sealed)).transpose()?,
            name: row.name,
            provider: row.provider,
            scheme: row.scheme,
            config: from_json(TABLE, &row.config)?,
            public_url: row.public_url,
            allowed_ips: allowed_addresses(TABLE, &row.allowed_ips)?,
            intake: from_json(TABLE, &row.intake)?,
            header_token: header_token.map(|(name, value)| HeaderToken { name, value: Secret::new(value) }),
            retired_token: retired_token
                .map(|(hash, until)| RetiredToken { hash, until: Timestamp::from_micros(until) }),
            handshake_until: row.handshake_until.map(Timestamp::from_micros),
            dedup: from_json(TABLE, &row.dedup)?,
            answer: row.answer.map(|text| from_json(TABLE, &text)).transpose()?,
            max_body_bytes: from_int(TABLE, row.max_body_bytes)?,
            rate_limit: row.rate_limit.map(|text| from_json(TABLE, &text)).transpose()?,
            poll: poll.map(|text| from_json(TABLE, text.expose()).map(SealedSettings::new)).transpose()?,
            schedule: row.schedule.map(|text| from_json(TABLE, &text)).transpose()?,
            state: RunState::parse(&row.state).ok_or_else(|| inconsistent("unknown state"))?,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }

    fn row(&self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        Ok(ActiveModel {
            id: Set(self.id.uuid()),
            tenant_id: Set(sealer.tenant.uuid()),
            name: Set(self.name.clone()),
            kind: Set(self.kind.as_str().to_owned()),
            provider: Set(self.provider.clone()),
            scheme: Set(self.scheme.clone()),
            config: Set(to_json(&self.config)),
            secrets_sealed: Set(self.seal_secrets(sealer)?),
            public_keys: Set(to_json(&self.public_keys)),
            token_hash: Set(self.token_hash()),
            token_sealed: Set(self.seal_token(sealer)?),
            public_url: Set(self.public_url.clone()),
            allowed_ips: Set(to_json(&self.allowed_ips.to_strings())),
            intake: Set(to_json(&self.intake)),
            header_token_sealed: Set(self.seal_header_token(sealer)?),
            retired_token_hash: Set(self.retired_token.as_ref().map(|token| token.hash.clone())),
            retired_token_until: Set(self.retired_token.as_ref().map(|token| token.until.as_micros())),
            handshake_until: Set(self.handshake_until.map(Timestamp::as_micros)),
            dedup: Set(to_json(&self.dedup)),
            answer: Set(self.answer.as_ref().map(to_json)),
            max_body_bytes: Set(to_int(self.max_body_bytes)),
            rate_limit: Set(self.rate_limit.as_ref().map(to_json)),
            poll_sealed: Set(self.seal_poll(sealer)?),
            schedule: Set(self.schedule.as_ref().map(to_json)),
            state: Set(self.state.as_str().to_owned()),
            created_at: Set(self.created_at.as_micros()),
            updated_at: Set(self.updated_at.as_micros()),
            ..ActiveModel::default()
        })
    }

    fn changes(&self, after: &Self, sealer: &Sealer<'_>) -> Result<ActiveModel, StoreError> {
        let mut row = ActiveModel::default();
        if self.secrets != after.secrets {
            row.secrets_sealed = Set(after.seal_secrets(sealer)?);
        }
        if self.token != after.token {
            row.token_hash = Set(after.token_hash());
            row.token_sealed = Set(after.seal_token(sealer)?);
        }
        if self.header_token != after.header_token {
            row.header_token_sealed = Set(after.seal_header_token(sealer)?);
        }
        if self.poll != after.poll {
            row.poll_sealed = Set(after.seal_poll(sealer)?);
        }
        row.retired_token_hash = Set(after.retired_token.as_ref().map(|token| token.hash.clone()));
        row.retired_token_until = Set(after.retired_token.as_ref().map(|token| token.until.as_micros()));
        row.handshake_until = Set(after.handshake_until.map(Timestamp::as_micros));
        row.intake = Set(to_json(&after.intake));
        row.name = Set(after.name.clone());
        row.config = Set(to_json(&after.config));
        row.public_keys = Set(to_json(&after.public_keys));
        row.public_url = Set(after.public_url.clone());
        row.allowed_ips = Set(to_json(&after.allowed_ips.to_strings()));
        row.dedup = Set(to_json(&after.dedup));
        row.answer = Set(after.answer.as_ref().map(to_json));
        row.max_body_bytes = Set(to_int(after.max_body_bytes));
        row.rate_limit = Set(after.rate_limit.as_ref().map(to_json));
        row.schedule = Set(after.schedule.as_ref().map(to_json));
        row.state = Set(after.state.as_str().to_owned());
        Ok(row)
    }

    fn snapshot(&self) -> Value {
        json!({
            "name": self.name, "kind": self.kind, "provider": self.provider, "scheme": self.scheme,
            "config": self.config, "secrets_count": self.secrets.len(), "public_keys": self.public_keys, "public_url": self.public_url,
            "allowed_ips": self.allowed_ips.to_strings(), "dedup": self.dedup, "response": self.answer,
            "allowed_methods": self.intake.allowed_methods, "content_types": self.intake.content_types,
            "replay": self.intake.replay, "header_token": self.header_token.as_ref().map(|token| &token.name),
            "old_url_until": self.retired_token.as_ref().map(|token| token.until),
            "handshake_until": self.handshake_until,
            "max_body_bytes": self.max_body_bytes, "rate_limit": self.rate_limit, "poll": self.outline(),
            "schedule": self.schedule, "state": self.state.as_str(),
        })
    }

    fn action(&self, after: &Self) -> &'static str {
        if self.token != after.token {
            return "url_rotated";
        }
        if self.secrets.is_empty() && !after.secrets.is_empty() && self.handshake_until > after.handshake_until {
            return "secret_learned";
        }
        RunState::action(self.state, after.state)
    }

    fn changed_secrets(&self, after: &Self) -> Vec<&'static str> {
        let differing = [
            ("secrets", self.secrets != after.secrets),
            ("token", self.token != after.token),
            ("header_token", self.header_token != after.header_token),
            ("poll", self.poll != after.poll && self.outline() == after.outline()),
        ];
        differing.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
}
