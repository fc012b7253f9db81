//! Counters of failed log-ins, shared by all replicas.
//!
//! A try is charged before the password is looked at, and taken back when it was right: a hundred tries at once are a
//! hundred failures, and not one.

use postern_domain::{
    Timestamp,
    throttle::{Counter, FORGOTTEN_MS, ThrottleKind},
};
use postern_seal::token::sha256;
use sea_orm::{DatabaseTransaction, FromQueryResult};

use crate::{StoreError, open::Store, read::query::Query, tenant::begin_to_write};

const DOING: &str = "counting a try to log in";

/// What a try counts for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThrottleKey {
    kind: ThrottleKind,
    hash: [u8; 32],
}

impl ThrottleKey {
    #[must_use]
    pub fn new(kind: ThrottleKind, name: &str) -> Self {
        Self { kind, hash: sha256(name) }
    }
}

/// A try that was counted. Nothing more is needed when it fails.
#[derive(Clone, Debug)]
pub struct Charge {
    counted: Vec<(ThrottleKey, Counter)>,
}

/// Whether a try is allowed.
#[derive(Clone, Debug)]
pub enum Charged {
    Now(Charge),
    /// Not before so many seconds.
    Wait(u64),
}

#[derive(FromQueryResult)]
struct CounterRow {
    failures: i32,
    since: i64,
    blocked_until: i64,
}

impl From<CounterRow> for Counter {
    fn from(row: CounterRow) -> Self {
        Self {
            failures: u32::try_from(row.failures).unwrap_or(0),
            since: Timestamp::from_micros(row.since),
            blocked_until: Timestamp::from_micros(row.blocked_until),
        }
    }
}

impl Store {
    /// Counts a try under each of the keys, unless one of them has to wait.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn charge(&self, keys: &[ThrottleKey]) -> Result<Charged, StoreError> {
        let now = self.clock().now();
        // Who has to wait anyway costs no write.
        if let Some(wait_s) = self.waiting(keys, now).await? {
            return Ok(Charged::Wait(wait_s));
        }
        let mut keys = keys.to_vec();
        // Two tries at once wait for each other, never in a circle.
        keys.sort_unstable_by_key(|key| (key.kind, key.hash));
        let tx = begin_to_write(self).await?;
        let (mut counted, mut wait) = (Vec::with_capacity(keys.len()), None);
        for key in keys {
            let before = lock(&tx, &key, now).await?;
            wait = wait.max(before.wait_s(now));
            counted.push((key.clone(), key.kind.charge(before, now)));
        }
        if let Some(wait_s) = wait {
            return Ok(Charged::Wait(wait_s));
        }
        for (key, counter) in &counted {
            write(&tx, key, counter).await?;
        }
        tx.commit().await.map_err(StoreError::orm(DOING))?;
        Ok(Charged::Now(Charge { counted }))
    }

    /// Deletes counters that say nothing any more. Answers how many.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire_throttle(&self, now: Timestamp) -> Result<u64, StoreError> {
        let writer = self.writer();
        let mut query = Query::on(&writer);
        query.sql("DELETE FROM login_throttle WHERE since < ").bind(now.plus_ms(-FORGOTTEN_MS).as_micros());
        query.sql(" AND blocked_until < ").bind(now.as_micros());
        query.execute(&writer, "forgetting old failures").await
    }

    async fn waiting(&self, keys: &[ThrottleKey], now: Timestamp) -> Result<Option<u64>, StoreError> {
        let reader = self.reader();
        let mut wait = None;
        for key in keys {
            let mut query = Query::on(&reader);
            query.sql("SELECT failures, since, blocked_until FROM login_throttle WHERE ");
            at(&mut query, key);
            let row: Option<CounterRow> = query.one(&reader, DOING).await?;
            wait = wait.max(row.and_then(|row| Counter::from(row).wait_s(now)));
        }
        Ok(wait)
    }
}

impl Charge {
    /// It was no failure. Whoever is known there begins anew; the others get back what this try cost, so that owning an
    /// account does not help to guess at another.
    pub(super) async fn take_back(&self, tx: &DatabaseTransaction) -> Result<(), StoreError> {
        for (key, counter) in &self.counted {
            let mut query = Query::on(tx);
            if key.kind == ThrottleKind::AddressAndAccount {
                query.sql("DELETE FROM login_throttle WHERE ");
            } else {
                query.sql("UPDATE login_throttle SET failures = failures - 1, blocked_until = CASE WHEN ");
                query.sql("blocked_until = ").bind(counter.blocked_until.as_micros());
                query.sql(" THEN 0 ELSE blocked_until END WHERE failures > 0 AND ");
            }
            at(&mut query, key);
            query.execute(tx, DOING).await?;
        }
        Ok(())
    }
}

/// The counter as it is; nobody else can change it until the transaction ends.
async fn lock(tx: &DatabaseTransaction, key: &ThrottleKey, now: Timestamp) -> Result<Counter, StoreError> {
    let mut query = Query::on(tx);
    query.sql("INSERT INTO login_throttle (kind, key_hash, failures, since, blocked_until) VALUES (");
    query.bind(key.kind.as_str()).sql(", ").bind(key.hash.to_vec());
    query.sql(", 0, ").bind(now.as_micros()).sql(", 0) ON CONFLICT (kind, key_hash) ");
    query.sql("DO UPDATE SET failures = login_throttle.failures RETURNING failures, since, blocked_until");
    let row: Option<CounterRow> = query.one(tx, DOING).await?;
    row.map(Counter::from).ok_or_else(|| StoreError::inconsistent("login_throttle", "a counter that comes and goes"))
}

async fn write(tx: &DatabaseTransaction, key: &ThrottleKey, counter: &Counter) -> Result<(), StoreError> {
    let mut query = Query::on(tx);
    query.sql("UPDATE login_throttle SET failures = ").bind(i32::try_from(counter.failures).unwrap_or(i32::MAX));
    query.sql(", since = ").bind(counter.since.as_micros());
    query.sql(", blocked_until = ").bind(counter.blocked_until.as_micros()).sql(" WHERE ");
    at(&mut query, key);
    query.execute(tx, DOING).await.map(|_| ())
}

fn at(query: &mut Query, key: &ThrottleKey) {
    query.sql("kind = ").bind(key.kind.as_str()).sql(" AND key_hash = ").bind(key.hash.to_vec());
}
