//! Commits accepted events in one statement; where a source refuses bodies that came before, under locks.

use std::{
    collections::{HashMap, HashSet},
    sync::LazyLock,
};

use postern_domain::{EventId, SourceId};
use sea_orm::sqlx::{self, PgConnection, PgPool, Row};
use uuid::Uuid;

use crate::{
    StoreError,
    engine::{
        replays::{Guarded, Key, Rest},
        rows::{AcceptBatch, Accepted, DeliveryRow, EventRow, FirstEvent, Written},
    },
};

const DOING: &str = "committing events";

/// `current` is empty when the configuration has moved on; then nothing is inserted anywhere. An expired dedup key is
/// taken over in place. Keys go in sorted, so that two replicas never wait for each other in a circle.
const TEXT: &str = "
WITH current AS (SELECT 1 FROM config_version WHERE id = 1 AND version = $1),
given AS (
    SELECT * FROM unnest($2::uuid[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
        $10::bigint[], $11::int[], $12::bytea[], $13::int[], $14::bytea[], $15::bigint[])
    AS given (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, body_bytes,
        body_sha256, filtered, key_hash, expires_at)
    WHERE EXISTS (SELECT 1 FROM current)),
fresh AS (
    INSERT INTO dedup_keys AS known (source_id, key_hash, event_id, body_hash, expires_at)
    SELECT source_id, key_hash, id, substring(body_sha256 FROM 1 FOR 16), expires_at FROM given
    WHERE key_hash IS NOT NULL ORDER BY source_id, key_hash
    ON CONFLICT (source_id, key_hash) DO UPDATE
        SET event_id = excluded.event_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
        WHERE known.expires_at <= $16 OR known.event_id = excluded.event_id
    RETURNING event_id),
taken AS (SELECT * FROM given WHERE key_hash IS NULL OR id IN (SELECT event_id FROM fresh)),
heads AS (
    INSERT INTO events (id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at,
        body_bytes, body_sha256, filtered)
    SELECT id, tenant_id, source_id, type, dedup_key, content_type, headers, remote, received_at, body_bytes,
        body_sha256, filtered FROM taken
    ON CONFLICT (id) DO NOTHING),
bodies AS (
    INSERT INTO event_bodies (event_id, body)
    SELECT id, body FROM unnest($2::uuid[], $17::bytea[]) AS sent (id, body)
    WHERE body IS NULL OR id IN (SELECT id FROM taken)
    ON CONFLICT (event_id) DO NOTHING),
owed AS (
    INSERT INTO queue (delivery_id, tenant_id, event_id, source_id, connection_id, destination_id, state, due_at,
        retries, attempts, body_bytes, lease_token, leased_by, leased_at, leased_until)
    SELECT id, tenant_id, event_id, source_id, connection_id, destination_id,
        CASE WHEN lease_token IS NULL THEN 'pending' ELSE 'leased' END, due_at, 0, 0, body_bytes, lease_token,
        CASE WHEN lease_token IS NOT NULL THEN $27::uuid END, CASE WHEN lease_token IS NOT NULL THEN $16 END,
        CASE WHEN lease_token IS NOT NULL THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + $28 END
    FROM unnest($18::uuid[], $19::uuid[], $20::uuid[], $21::uuid[], $22::uuid[], $23::uuid[], $24::bigint[], $25::int[],
        $26::uuid[])
    AS owed (id, tenant_id, event_id, source_id, connection_id, destination_id, due_at, body_bytes, lease_token)
    WHERE (event_id IS NULL OR event_id IN (SELECT id FROM taken)) {unless_settled}
    ON CONFLICT (delivery_id) DO NOTHING){marks}
SELECT EXISTS (SELECT 1 FROM current) AS current, ARRAY(SELECT id FROM taken) AS taken{marked}";

/// Remembers the bodies whose ids anybody could have changed; of the same body in one batch, the first.
const MARKS: &str = ",
marks AS (
    INSERT INTO dedup_keys AS known (source_id, key_hash, event_id, body_hash, expires_at)
    SELECT DISTINCT ON (source_id, body_key) source_id, body_key, id, substring(body_sha256 FROM 1 FOR 16), expires_at
    FROM taken JOIN unnest($2::uuid[], $29::bytea[]) AS sent (id, body_key) USING (id)
    WHERE body_key IS NOT NULL ORDER BY source_id, body_key, id
    ON CONFLICT (source_id, key_hash) DO UPDATE
        SET event_id = excluded.event_id, body_hash = excluded.body_hash, expires_at = excluded.expires_at
        WHERE known.expires_at <= $16 OR known.event_id = excluded.event_id
    RETURNING event_id)";
const MARKED: &str = ", ARRAY(SELECT event_id FROM marks) AS marked";
const UNLESS_SETTLED: &str = "AND NOT EXISTS (SELECT 1 FROM deliveries WHERE deliveries.id = owed.id)";

static COMMIT: LazyLock<String> = LazyLock::new(|| text("", "", ""));
/// A statement of its own, because most senders sign their ids.
static COMMIT_MARKED: LazyLock<String> = LazyLock::new(|| text("", MARKS, MARKED));

/// When an answer was lost, others may have settled meanwhile, and that is not queued again. A statement of its own: one
/// that may look into the history makes ready for each day of it.
static COMMIT_AGAIN: LazyLock<String> = LazyLock::new(|| text(UNLESS_SETTLED, "", ""));
static COMMIT_MARKED_AGAIN: LazyLock<String> = LazyLock::new(|| text(UNLESS_SETTLED, MARKS, MARKED));

fn text(unless_settled: &str, marks: &str, marked: &str) -> String {
    TEXT.replace("{unless_settled}", unless_settled).replace("{marks}", marks).replace("{marked}", marked)
}

/// What a statement wrote: the events that were taken in, and those of them whose body was new.
#[derive(Default)]
struct Wrote {
    taken: Vec<Uuid>,
    marked: Vec<Uuid>,
}

/// On TCP without TCP_NODELAY a statement above some 6 kB waits 40 ms for an acknowledgement.
const SMALL_STATEMENT_EVENTS: usize = 6;

pub(in crate::engine) async fn commit(pool: &PgPool, batch: &AcceptBatch, small: bool) -> Result<Accepted, StoreError> {
    let small = small && batch.events.len() > SMALL_STATEMENT_EVENTS;
    let guarded = Guarded::of(batch);
    if !small && guarded.is_none() {
        let mut connection = pool.acquire().await.map_err(StoreError::during(DOING))?;
        let wrote = write(&mut connection, batch, &batch.events, &batch.deliveries).await?;
        return finish(&mut connection, batch, wrote).await;
    }
    let mut tx = pool.begin().await.map_err(StoreError::during(DOING))?;
    let refused = match guarded {
        Some(guarded) => guarded.refused(held(&mut tx, batch, &guarded).await?),
        None => Vec::new(),
    };
    let accepted = if refused.is_empty() {
        write_in_statements(&mut tx, batch, small).await?
    } else {
        let rest = Rest::new(batch, refused);
        let accepted = write_in_statements(&mut tx, &rest.batch, small).await?;
        rest.of_whole(accepted)
    };
    // By the older configuration some of it may be written already: that must not stay.
    if matches!(accepted, Accepted::Written(_)) {
        tx.commit().await.map_err(StoreError::during(DOING))?;
    }
    Ok(accepted)
}

/// Within a transaction of somebody else's, who rolls it back when the configuration was stale. Not for events whose
/// bodies are guarded.
pub(crate) async fn commit_within(
    tx: &mut PgConnection,
    batch: &AcceptBatch,
    small: bool,
) -> Result<Accepted, StoreError> {
    write_in_statements(tx, batch, small).await
}

/// Who holds the keys of these events, once nobody else can take them. What is not there yet cannot be locked as a row;
/// so each key is locked as a number until the transaction ends, ids and bodies alike and always in the same order.
///
/// The look is a statement of its own: it has to see what was committed while the locks were waited for.
async fn held(
    tx: &mut PgConnection,
    batch: &AcceptBatch,
    guarded: &Guarded<'_>,
) -> Result<HashMap<Key, EventId>, StoreError> {
    let doing = "looking for bodies that came before";
    let (sources, hashes): (Vec<Uuid>, Vec<[u8; 16]>) =
        guarded.keys().map(|(source, hash)| (source.uuid(), hash)).unzip();
    let mut locks: Vec<i64> = guarded.keys().map(lock).collect();
    locks.sort_unstable();
    locks.dedup();
    sqlx::query("SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key")
        .bind(locks)
        .execute(&mut *tx)
        .await
        .map_err(StoreError::during(doing))?;
    let sql = "SELECT source_id, key_hash, event_id FROM dedup_keys \
               WHERE source_id = ANY ($1) AND key_hash = ANY ($2) AND expires_at > $3";
    let rows: Vec<(Uuid, Vec<u8>, Uuid)> = sqlx::query_as(sql)
        .bind(sources)
        .bind(hashes.iter().map(<[u8; 16]>::as_slice).collect::<Vec<_>>())
        .bind(batch.now.as_micros())
        .fetch_all(tx)
        .await
        .map_err(StoreError::during(doing))?;
    let held = rows.into_iter().filter_map(|(source, hash, event)| {
        Some(((SourceId::from_uuid(source), hash.try_into().ok()?), EventId::from_uuid(event)))
    });
    Ok(held.collect())
}

/// Two keys with one number only wait for each other.
fn lock((source, hash): Key) -> i64 {
    let (source, _) = source.uuid().as_u64_pair();
    let [a, b, c, d, e, f, g, h, ..] = hash;
    i64::from_be_bytes([a, b, c, d, e, f, g, h]) ^ source.cast_signed()
}

async fn write_in_statements(tx: &mut PgConnection, batch: &AcceptBatch, small: bool) -> Result<Accepted, StoreError> {
    let mut wrote = Wrote::default();
    let most = if small { SMALL_STATEMENT_EVENTS } else { batch.events.len().max(1) };
    for events in batch.events.chunks(most) {
        let deliveries: Vec<DeliveryRow> = batch
            .deliveries
            .iter()
            .filter(|delivery| events.iter().any(|event| event.id == delivery.event))
            .cloned()
            .collect();
        match write(tx, batch, events, &deliveries).await? {
            Some(mut more) => {
                wrote.taken.append(&mut more.taken);
                wrote.marked.append(&mut more.marked);
            }
            None => return Ok(Accepted::StaleConfig),
        }
    }
    finish(tx, batch, Some(wrote)).await
}

/// `None` when the configuration was stale.
async fn write(
    connection: &mut PgConnection,
    batch: &AcceptBatch,
    events: &[EventRow],
    deliveries: &[DeliveryRow],
) -> Result<Option<Wrote>, StoreError> {
    fn of<'a, R, T>(rows: &'a [R], pick: impl Fn(&'a R) -> T) -> Vec<T> {
        rows.iter().map(pick).collect()
    }
    let is_marked = events.iter().any(|row| row.body_key.is_some());
    let text: &'static str = match (is_marked, batch.repeated) {
        (false, false) => &COMMIT,
        (false, true) => &COMMIT_AGAIN,
        (true, false) => &COMMIT_MARKED,
        (true, true) => &COMMIT_MARKED_AGAIN,
    };
    let mut query = sqlx::query(text)
        .bind(batch.config_version)
        .bind(of(events, |row| row.id.uuid()))
        .bind(of(events, |row| row.tenant.uuid()))
        .bind(of(events, |row| row.source.uuid()))
        .bind(of(events, |row| row.event_type.as_str()))
        .bind(of(events, |row| row.dedup.as_ref().map(|dedup| dedup.text.as_str())))
        .bind(of(events, |row| row.content_type.as_deref()))
        .bind(of(events, |row| row.headers.as_str()))
        .bind(of(events, |row| row.remote.as_str()))
        .bind(of(events, |row| row.received_at.as_micros()))
        .bind(of(events, |row| i32::try_from(row.body.len()).unwrap_or(i32::MAX)))
        .bind(of(events, |row| row.body_sha256.as_slice()))
        .bind(of(events, |row| row.filtered))
        .bind(of(events, |row| row.dedup.as_ref().map(|dedup| dedup.hash.as_slice())))
        .bind(of(events, |row| row.dedup.as_ref().map(|dedup| dedup.expires_at.as_micros())))
        .bind(batch.now.as_micros())
        .bind(of(events, |row| row.body.as_ref()))
        .bind(of(deliveries, |row| row.id.uuid()))
        .bind(of(deliveries, |row| row.tenant.uuid()))
        .bind(of(deliveries, |row| row.event.uuid()))
        .bind(of(deliveries, |row| row.source.uuid()))
        .bind(of(deliveries, |row| row.connection.uuid()))
        .bind(of(deliveries, |row| row.destination.uuid()))
        .bind(of(deliveries, |row| row.due_at.as_micros()))
        .bind(of(deliveries, |row| row.body_bytes))
        .bind(of(deliveries, |row| row.lease.map(postern_domain::AttemptId::uuid)))
        .bind(batch.instance)
        .bind(batch.lease_ms * 1_000);
    if is_marked {
        query = query.bind(of(events, |row| row.body_key.as_ref().map(|key| key.hash.as_slice())));
    }
    let row = query.fetch_one(connection).await.map_err(StoreError::during(DOING))?;
    let current: bool = row.try_get("current").map_err(StoreError::during(DOING))?;
    let taken: Vec<Uuid> = row.try_get("taken").map_err(StoreError::during(DOING))?;
    let marked = if is_marked { row.try_get("marked").map_err(StoreError::during(DOING))? } else { Vec::new() };
    Ok(current.then_some(Wrote { taken, marked }))
}

/// Looks up, for each event that was not taken in and for each body that was not new, the one that came first.
async fn finish(
    connection: &mut PgConnection,
    batch: &AcceptBatch,
    wrote: Option<Wrote>,
) -> Result<Accepted, StoreError> {
    let Some(Wrote { taken, marked }) = wrote else { return Ok(Accepted::StaleConfig) };
    let bodies = batch.events.iter().filter(|event| event.body_key.is_some()).count();
    let (mut duplicates, mut replays) = (Vec::new(), Vec::new());
    if taken.len() == batch.events.len() && marked.len() == bodies {
        return Ok(Accepted::Written(Written { duplicates, replays, refused: Vec::new() }));
    }
    let taken: HashSet<Uuid> = taken.into_iter().collect();
    let marked: HashSet<Uuid> = marked.into_iter().collect();
    for (place, event) in batch.events.iter().enumerate() {
        if !taken.contains(&event.id.uuid()) {
            if let Some(dedup) = &event.dedup {
                duplicates.push((place, holder(connection, event, &dedup.hash).await?));
            }
        } else if let Some(key) = event.body_key.filter(|_| !marked.contains(&event.id.uuid())) {
            replays.push((place, holder(connection, event, &key.hash).await?.id));
        }
    }
    Ok(Accepted::Written(Written { duplicates, replays, refused: Vec::new() }))
}

async fn holder(connection: &mut PgConnection, event: &EventRow, key: &[u8; 16]) -> Result<FirstEvent, StoreError> {
    let row = sqlx::query("SELECT event_id, body_hash FROM dedup_keys WHERE source_id = $1 AND key_hash = $2")
        .bind(event.source.uuid())
        .bind(key.as_slice())
        .fetch_one(connection)
        .await
        .map_err(StoreError::during("looking up the first event of a duplicate"))?;
    let id: Uuid = row.try_get(0).map_err(StoreError::during("reading a dedup key"))?;
    let body_hash: Vec<u8> = row.try_get(1).map_err(StoreError::during("reading a dedup key"))?;
    let same_body = event.body_sha256.starts_with(&body_hash);
    Ok(FirstEvent { id: EventId::from_uuid(id), same_body })
}
