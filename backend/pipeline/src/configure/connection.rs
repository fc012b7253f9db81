//! Connections: made, changed, paused, resumed, deleted.

use postern_domain::{
    ConnectionId, DestinationId, Invalid, SourceId, event_type::Pattern, payload::PayloadFormat,
    source::MAX_CONNECTIONS,
};
use postern_store::{
    TenantTx,
    tenant::{Altered, Connection, Destination, RunState, Source},
};

use super::{By, ConfigureError, Done, check_room, run};
use crate::{Engine, delay};

const MAX_PATTERNS: usize = 100;

/// A connection to be made.
#[derive(Debug)]
pub struct NewConnection {
    pub source: SourceId,
    pub destination: DestinationId,
    /// Empty: all.
    pub event_types: Vec<String>,
    /// In which form events are handed on.
    pub payload: PayloadFormat,
    /// So long each of its deliveries waits.
    pub delay_s: u32,
}

/// What is to be different.
#[derive(Debug, Default)]
pub struct ConnectionChange {
    /// All of them.
    pub event_types: Option<Vec<String>>,
    pub payload: Option<PayloadFormat>,
    /// For what comes from now on; what waits keeps its time.
    pub delay_s: Option<u32>,
}

/// # Errors
/// When an end does not exist, the pair is connected, the source has too many, or a pattern is none.
pub async fn create(
    engine: &Engine,
    by: &By,
    new: NewConnection,
    answer: impl FnOnce(&Connection) -> (u16, String),
) -> Result<Done<Connection>, ConfigureError> {
    let patterns = patterns(&new.event_types)?;
    check_delay(engine, Some(new.delay_s))?;
    let manner = (new.payload, new.delay_s);
    run(engine, by, async move |tx| insert(tx, (new.source, new.destination), patterns, manner).await, answer).await
}

/// From source to destination, if both are there and there is room.
pub(super) async fn insert(
    tx: &mut TenantTx,
    (source, destination): (SourceId, DestinationId),
    event_types: Vec<Pattern>,
    (payload, delay_s): (PayloadFormat, u32),
) -> Result<Connection, ConfigureError> {
    check_ends(tx, source, destination).await?;
    let (id, at) = (ConnectionId::fresh(), tx.now());
    let state = RunState::Active;
    let connection =
        Connection { id, source, destination, event_types, payload, delay_s, state, created_at: at, updated_at: at };
    tx.insert(&connection).await?;
    Ok(connection)
}

/// # Errors
/// When there is no such connection, or a pattern is none.
pub async fn update(
    engine: &Engine,
    by: &By,
    (id, change): (ConnectionId, ConnectionChange),
    answer: impl FnOnce(&Connection) -> (u16, String),
) -> Result<Done<Connection>, ConfigureError> {
    let patterns = change.event_types.as_deref().map(patterns).transpose()?;
    check_delay(engine, change.delay_s)?;
    let alteration = |before: Connection| Connection {
        delay_s: change.delay_s.unwrap_or(before.delay_s),
        payload: change.payload.unwrap_or(before.payload),
        event_types: patterns.unwrap_or(before.event_types),
        ..before
    };
    alter(engine, by, id, alteration, answer).await
}

/// Its deliveries wait until it is resumed.
///
/// # Errors
/// When there is no such connection.
pub async fn pause(
    engine: &Engine,
    by: &By,
    id: ConnectionId,
    answer: impl FnOnce(&Connection) -> (u16, String),
) -> Result<Done<Connection>, ConfigureError> {
    alter(engine, by, id, |before| Connection { state: RunState::Paused, ..before }, answer).await
}

/// # Errors
/// When there is no such connection.
pub async fn resume(
    engine: &Engine,
    by: &By,
    id: ConnectionId,
    answer: impl FnOnce(&Connection) -> (u16, String),
) -> Result<Done<Connection>, ConfigureError> {
    let done = alter(engine, by, id, |before| Connection { state: RunState::Active, ..before }, answer).await?;
    engine.wake();
    Ok(done)
}

/// # Errors
/// When there is no such connection.
pub async fn delete(
    engine: &Engine,
    by: &By,
    id: ConnectionId,
    answer: impl FnOnce(&()) -> (u16, String),
) -> Result<Done<()>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let connection = tx.find::<Connection>(id).await?.ok_or(ConfigureError::NotFound)?;
            Ok(tx.delete_connection(&connection).await?)
        },
        answer,
    )
    .await
}

async fn alter(
    engine: &Engine,
    by: &By,
    id: ConnectionId,
    alteration: impl FnOnce(Connection) -> Connection,
    answer: impl FnOnce(&Connection) -> (u16, String),
) -> Result<Done<Connection>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let before = tx.find::<Connection>(id).await?.ok_or(ConfigureError::NotFound)?;
            let mut after = alteration(before.clone());
            if tx.update(&before, &after).await? == Altered::Yes {
                after.updated_at = tx.now();
            }
            Ok(after)
        },
        answer,
    )
    .await
}

async fn check_ends(tx: &mut TenantTx, source: SourceId, destination: DestinationId) -> Result<(), ConfigureError> {
    tx.find::<Source>(source).await?.ok_or(ConfigureError::UnknownReference("source_id"))?;
    tx.find::<Destination>(destination).await?.ok_or(ConfigureError::UnknownReference("destination_id"))?;
    if let Some(existing) = tx.find_pair(source, destination).await? {
        return Err(ConfigureError::PairExists(existing));
    }
    check_room("connections of this source", tx.count_connections_of(source).await?, MAX_CONNECTIONS)
}

/// A payload must still be there when its delivery is due.
fn check_delay(engine: &Engine, delay_s: Option<u32>) -> Result<(), Invalid> {
    let longest = delay::longest_s(engine.options.retention);
    if delay_s.is_some_and(|wanted| i64::from(wanted) > longest) {
        let detail = format!("must be 0 to {longest}: payloads are not kept for longer");
        return Err(Invalid::new("delay_s", detail));
    }
    Ok(())
}

fn patterns(texts: &[String]) -> Result<Vec<Pattern>, Invalid> {
    if texts.len() > MAX_PATTERNS {
        return Err(Invalid::new("event_types", format!("may have at most {MAX_PATTERNS} entries")));
    }
    texts.iter().map(|text| Pattern::parse(text)).collect()
}
