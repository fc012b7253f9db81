//! Counters of failed log-ins: shared by all replicas, exact when many try at once, forgotten in the end.

use postern_domain::{
    Secret,
    throttle::{FORGOTTEN_MS, ThrottleKind},
};
use postern_store::{
    Store,
    people::{Charge, Charged, NewSession, ThrottleKey},
};

use crate::{
    harness::each,
    people::{HASH, owner},
};

fn account(name: &str) -> ThrottleKey {
    ThrottleKey::new(ThrottleKind::Account, name)
}

fn address(name: &str) -> ThrottleKey {
    ThrottleKey::new(ThrottleKind::Address, name)
}

async fn charge(store: &Store, keys: &[ThrottleKey]) -> Result<Charge, u64> {
    match store.charge(keys).await.expect("answers") {
        Charged::Now(charge) => Ok(charge),
        Charged::Wait(wait_s) => Err(wait_s),
    }
}

#[tokio::test]
async fn a_hundred_tries_at_once_are_not_one() {
    each(async |db| {
        let replica = db.with_keyring(db.keyring.expose()).await;
        let tries = (0..20).map(|number| {
            let store = if number % 2 == 0 { &db.store } else { &replica };
            // From both ends, so that two of them would wait for each other if they locked as they are told.
            let mut keys = [account("ada@example.com"), address("192.0.2.1")];
            keys.rotate_left(number % 2);
            async move { charge(store, &keys).await }
        });
        let tries = futures_util::future::join_all(tries).await;
        assert_eq!(tries.iter().filter(|tried| tried.is_ok()).count(), 5, "{tries:?}");
        assert!(tries.iter().filter_map(|tried| tried.as_ref().err()).all(|wait_s| *wait_s == 5));
        assert_eq!(db.count("SELECT CAST(max(failures) AS bigint) FROM login_throttle").await, 5);
        replica.close().await;
        db
    })
    .await;
}

#[tokio::test]
async fn one_key_that_has_to_wait_holds_all_and_costs_the_others_nothing() {
    each(async |db| {
        for _ in 0..5 {
            charge(&db.store, &[account("ada@example.com")]).await.expect("allowed");
        }
        assert_eq!(charge(&db.store, &[address("192.0.2.1"), account("ada@example.com")]).await.err(), Some(5));
        assert_eq!(db.count("SELECT count(*) FROM login_throttle WHERE kind = 'address'").await, 0);
        db.clock.advance_ms(4_001);
        assert_eq!(charge(&db.store, &[account("ada@example.com")]).await.err(), Some(1));
        assert!(charge(&db.store, &[account("eve@example.com")]).await.is_ok());
        db.clock.advance_ms(999);
        assert!(charge(&db.store, &[account("ada@example.com")]).await.is_ok());
        assert_eq!(charge(&db.store, &[account("ada@example.com")]).await.err(), Some(10), "it grows");
        db
    })
    .await;
}

#[tokio::test]
async fn a_try_that_was_right_costs_nothing() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let pair = ThrottleKey::new(ThrottleKind::AddressAndAccount, "pair");
        let keys = [address("192.0.2.1"), account("ada@example.com"), pair.clone()];
        for _ in 0..4 {
            charge(&db.store, &keys).await.expect("allowed");
        }
        // The fifth blocks, and being right takes that back.
        let last = charge(&db.store, &keys).await.expect("allowed");
        let verified = Secret::new(HASH.to_owned());
        let new = NewSession { user: ada.user, verified: &verified, remote: None, user_agent: "", charge: &last };
        assert!(db.store.start_session(&new).await.expect("answers").is_some());
        assert_eq!(db.count("SELECT sum(failures) FROM login_throttle WHERE kind <> 'address+account'").await, 8);
        assert_eq!(db.count("SELECT count(*) FROM login_throttle WHERE kind = 'address+account'").await, 0);
        assert!(charge(&db.store, &keys).await.is_ok());
        assert_eq!(charge(&db.store, &keys).await.err(), Some(5), "failures before it still count elsewhere");
        assert!(charge(&db.store, &[pair]).await.is_ok());
        db
    })
    .await;
}

#[tokio::test]
async fn old_counters_are_deleted() {
    each(async |db| {
        charge(&db.store, &[account("ada@example.com")]).await.expect("allowed");
        db.clock.advance_ms(FORGOTTEN_MS);
        charge(&db.store, &[account("eve@example.com")]).await.expect("allowed");
        assert_eq!(db.store.expire_throttle(db.clock.now()).await.expect("answers"), 0);
        db.clock.advance_ms(1);
        assert_eq!(db.store.expire_throttle(db.clock.now()).await.expect("answers"), 1);
        assert_eq!(db.count("SELECT count(*) FROM login_throttle").await, 1);
        db
    })
    .await;
}
