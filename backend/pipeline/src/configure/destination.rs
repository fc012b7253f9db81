//! Destinations: made, changed, paused, resumed, deleted.

use std::collections::BTreeMap;

use postern_domain::{
    DestinationId, Invalid, Secret, Timestamp,
    destination::{
        DEFAULT_CONCURRENCY, DEFAULT_TIMEOUT_MS, DestinationKind, RateLimit, check_concurrency, check_headers,
        check_timeout_ms,
    },
    invalid,
    queue::QueueSettings,
    retry::RetryPolicy,
};
use postern_seal::token;
use postern_signatures::outgoing::SigningKey;
use postern_store::{
    TenantTx,
    tenant::{Altered, Destination, DestinationState},
};

use super::{By, ConfigureError, Done, MAX_PER_TENANT, check_room, run};
use crate::Engine;

const SIGNING_KEY_BYTES: usize = 32;
/// How often a bin can be told to fail.
const MAX_FAIL_NEXT: u32 = 1_000_000;

/// A destination to be made.
#[derive(Debug)]
pub struct NewDestination {
    pub name: String,
    pub kind: DestinationKind,
    pub url: Option<String>,
    pub headers: BTreeMap<String, Secret<String>>,
    pub rate_limit: Option<RateLimit>,
    pub concurrency: Option<u32>,
    pub timeout_ms: Option<u32>,
    pub retry: Option<RetryPolicy>,
    pub fail_next: Option<u32>,
    pub queue: Option<QueueSettings>,
}

/// What is to be different. `None` stays as it is; `Some(None)` is taken away.
#[derive(Debug, Default)]
pub struct DestinationChange {
    pub name: Option<String>,
    pub url: Option<String>,
    /// All of them.
    pub headers: Option<BTreeMap<String, Secret<String>>>,
    pub rate_limit: Option<Option<RateLimit>>,
    pub concurrency: Option<u32>,
    pub timeout_ms: Option<u32>,
    pub retry: Option<RetryPolicy>,
    pub fail_next: Option<u32>,
    /// All of it.
    pub queue: Option<QueueSettings>,
}

/// Its signing secret is in the answer, this once.
///
/// # Errors
/// When a field cannot be accepted, or the tenant has too many destinations.
pub async fn create(
    engine: &Engine,
    by: &By,
    new: NewDestination,
    answer: impl FnOnce(&Destination) -> (u16, String),
) -> Result<Done<Destination>, ConfigureError> {
    let destination = build(engine, new)?;
    run(engine, by, async move |tx| insert(tx, destination).await, answer).await
}

/// One that was built, if there is room for it.
pub(super) async fn insert(tx: &mut TenantTx, mut destination: Destination) -> Result<Destination, ConfigureError> {
    check_room("destinations", tx.count::<Destination>().await?, MAX_PER_TENANT)?;
    (destination.created_at, destination.updated_at) = (tx.now(), tx.now());
    tx.insert(&destination).await?;
    Ok(destination)
}

/// # Errors
/// When there is no such destination, or a field cannot be accepted.
pub async fn update(
    engine: &Engine,
    by: &By,
    (id, change): (DestinationId, DestinationChange),
    answer: impl FnOnce(&Destination) -> (u16, String),
) -> Result<Done<Destination>, ConfigureError> {
    alter(engine, by, id, |destination| merge(engine, destination, change), answer).await
}

/// Its deliveries wait until it is resumed.
///
/// # Errors
/// When there is no such destination.
pub async fn pause(
    engine: &Engine,
    by: &By,
    id: DestinationId,
    answer: impl FnOnce(&Destination) -> (u16, String),
) -> Result<Done<Destination>, ConfigureError> {
    let alteration =
        |destination| Ok(Destination { state: DestinationState::Paused, state_reason: None, ..destination });
    alter(engine, by, id, alteration, answer).await
}

/// Also one that is held because it said that it is gone; what it did before is forgiven.
///
/// # Errors
/// When there is no such destination.
pub async fn resume(
    engine: &Engine,
    by: &By,
    id: DestinationId,
    answer: impl FnOnce(&Destination) -> (u16, String),
) -> Result<Done<Destination>, ConfigureError> {
    let alteration = |destination: Destination| match destination.state {
        DestinationState::Active => Ok(destination),
        DestinationState::Paused | DestinationState::Held => {
            Ok(Destination { state: DestinationState::Active, state_reason: None, failing_since: None, ..destination })
        }
    };
    let done = alter(engine, by, id, alteration, answer).await?;
    engine.wake();
    Ok(done)
}

/// With its connections.
///
/// # Errors
/// When there is no such destination.
pub async fn delete(
    engine: &Engine,
    by: &By,
    id: DestinationId,
    answer: impl FnOnce(&()) -> (u16, String),
) -> Result<Done<()>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let destination = tx.find::<Destination>(id).await?.ok_or(ConfigureError::NotFound)?;
            Ok(tx.delete_destination(&destination).await?)
        },
        answer,
    )
    .await
}

async fn alter(
    engine: &Engine,
    by: &By,
    id: DestinationId,
    alteration: impl FnOnce(Destination) -> Result<Destination, Invalid>,
    answer: impl FnOnce(&Destination) -> (u16, String),
) -> Result<Done<Destination>, ConfigureError> {
    run(
        engine,
        by,
        async move |tx| {
            let before = tx.find::<Destination>(id).await?.ok_or(ConfigureError::NotFound)?;
            let mut after = alteration(before.clone())?;
            if tx.update(&before, &after).await? == Altered::Yes {
                after.updated_at = tx.now();
            }
            Ok(after)
        },
        answer,
    )
    .await
}

pub(super) fn build(engine: &Engine, new: NewDestination) -> Result<Destination, Invalid> {
    Given::by(&new).check(new.kind)?;
    let key = SigningKey::from_bytes(&token::random_bytes::<SIGNING_KEY_BYTES>())?;
    let mut destination = Destination {
        id: DestinationId::fresh(),
        name: new.name,
        kind: new.kind,
        url: new.url,
        headers: checked_headers(&new.headers)?,
        signing_secret: key.to_text(),
        rate_limit: new.rate_limit,
        concurrency: new.concurrency.unwrap_or(DEFAULT_CONCURRENCY),
        timeout_ms: new.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS),
        retry: new.retry.unwrap_or_default(),
        fail_next: new.fail_next.unwrap_or(0),
        queue: (new.kind == DestinationKind::Queue).then(|| new.queue.unwrap_or_default()),
        state: DestinationState::Active,
        state_reason: None,
        failing_since: None,
        created_at: Timestamp::default(),
        updated_at: Timestamp::default(),
    };
    check_url(engine, &mut destination)?;
    check(&mut destination)?;
    Ok(destination)
}

fn merge(engine: &Engine, before: Destination, change: DestinationChange) -> Result<Destination, Invalid> {
    Given::by_change(&change).check(before.kind)?;
    let headers = change.headers.map(|headers| checked_headers(&headers)).transpose()?;
    let url_is_new = change.url.is_some();
    let mut after = Destination {
        name: change.name.unwrap_or(before.name),
        url: change.url.or(before.url),
        headers: headers.unwrap_or(before.headers),
        rate_limit: change.rate_limit.unwrap_or(before.rate_limit),
        concurrency: change.concurrency.unwrap_or(before.concurrency),
        timeout_ms: change.timeout_ms.unwrap_or(before.timeout_ms),
        retry: change.retry.unwrap_or(before.retry),
        fail_next: change.fail_next.unwrap_or(before.fail_next),
        queue: change.queue.or(before.queue),
        ..before
    };
    // An old URL that the operator has forbidden since is stopped when it is asked for; it must not keep its owner
    // from changing anything else.
    if url_is_new {
        check_url(engine, &mut after)?;
    }
    check(&mut after)?;
    Ok(after)
}

/// Which fields somebody gave that not every kind has.
struct Given {
    of_sending: [(&'static str, bool); 6],
    queue: bool,
}

impl Given {
    fn by(new: &NewDestination) -> Self {
        let of_sending = [
            ("url", new.url.is_some()),
            ("headers", !new.headers.is_empty()),
            ("rate_limit", new.rate_limit.is_some()),
            ("concurrency", new.concurrency.is_some()),
            ("timeout_ms", new.timeout_ms.is_some()),
            ("retry", new.retry.is_some()),
        ];
        Self { of_sending, queue: new.queue.is_some() }
    }

    fn by_change(change: &DestinationChange) -> Self {
        let of_sending = [
            ("url", change.url.is_some()),
            ("headers", change.headers.is_some()),
            ("rate_limit", change.rate_limit.is_some()),
            ("concurrency", change.concurrency.is_some()),
            ("timeout_ms", change.timeout_ms.is_some()),
            ("retry", change.retry.is_some()),
        ];
        Self { of_sending, queue: change.queue.is_some() }
    }

    /// A field that would do nothing is refused: it would look as if it did.
    fn check(&self, kind: DestinationKind) -> Result<(), Invalid> {
        let sends = kind != DestinationKind::Queue;
        if sends && self.queue {
            return Err(Invalid::new("queue", "is for destinations of kind `queue` only"));
        }
        match self.of_sending.iter().find(|(_, given)| *given && !sends) {
            Some((field, _)) => Err(Invalid::new(*field, "means nothing for a queue: nothing is sent to it")),
            None => Ok(()),
        }
    }
}

/// Looks at the URL only: the addresses of its name are looked at each time it is asked for.
fn check_url(engine: &Engine, destination: &mut Destination) -> Result<(), Invalid> {
    match (destination.kind, &destination.url) {
        (DestinationKind::Http, Some(url)) => {
            let checked = engine.egress.check_url(url).map_err(|blocked| Invalid::new("url", blocked.to_string()))?;
            destination.url = Some(checked.as_str().to_owned());
            Ok(())
        }
        (DestinationKind::Http, None) => Err(Invalid::new("url", "is required for kind `http`")),
        (DestinationKind::Bin | DestinationKind::Queue, Some(_)) => {
            Err(Invalid::new("url", "is for destinations of kind `http` only"))
        }
        (DestinationKind::Bin | DestinationKind::Queue, None) => Ok(()),
    }
}

fn check(destination: &mut Destination) -> Result<(), Invalid> {
    destination.name = invalid::name("name", &destination.name)?;
    check_concurrency(destination.concurrency)?;
    check_timeout_ms(destination.timeout_ms)?;
    destination.retry.check()?;
    if let Some(limit) = &destination.rate_limit {
        limit.check()?;
    }
    if let Some(queue) = &destination.queue {
        queue.check()?;
    }
    match destination.kind {
        DestinationKind::Http | DestinationKind::Queue if destination.fail_next > 0 => {
            Err(Invalid::new("fail_next", "is for destinations of kind `bin` only"))
        }
        DestinationKind::Bin if destination.fail_next > MAX_FAIL_NEXT => {
            Err(Invalid::new("fail_next", format!("must be 0 to {MAX_FAIL_NEXT}")))
        }
        DestinationKind::Http | DestinationKind::Bin | DestinationKind::Queue => Ok(()),
    }
}

fn checked_headers(headers: &BTreeMap<String, Secret<String>>) -> Result<BTreeMap<String, Secret<String>>, Invalid> {
    let texts = headers.iter().map(|(name, value)| (name.clone(), value.expose().clone())).collect();
    Ok(check_headers(&texts)?.into_iter().map(|(name, value)| (name, Secret::new(value))).collect())
}
