//! What a tenant configures: written and read back the same, versioned, out of reach of others, and made once.

use postern_domain::{ConnectionId, Secret, TenantScope};
use postern_store::{
    StoreError,
    bootstrap::{Bootstrapped, NewTenant},
    engine::config::ConfigChange,
    tenant::{Altered, Claim, Connection, Destination, DestinationState, Record, RunState, Source},
};

use crate::{
    harness::{NOON, each},
    sample::{self, configure, insert},
};

#[tokio::test]
async fn what_is_written_is_read_back() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let made = configure(&tenant).await;
        let source = tenant.store.sources().find(made.source.id).await.expect("answers").expect("is there");
        assert_eq!(format!("{source:?}"), format!("{:?}", made.source));
        assert!(source.secrets == made.source.secrets && source.token == made.source.token);
        let destination = tenant.store.destinations().find(made.destination.id).await.expect("answers").expect("there");
        assert_eq!(format!("{destination:?}"), format!("{:?}", made.destination));
        assert!(destination.headers == made.destination.headers);
        assert!(destination.signing_secret == made.destination.signing_secret);
        let connection = tenant.store.connections().find(made.connection.id).await.expect("answers").expect("is there");
        assert_eq!(format!("{connection:?}"), format!("{:?}", made.connection));
        let key = tenant.store.api_keys().find(made.key.id).await.expect("answers").expect("is there");
        assert_eq!(format!("{key:?}"), format!("{:?}", made.key));
        db.store.note_key_used(made.key.id, NOON.plus_secs(9)).await.expect("answers");
        db.store.note_key_used(made.key.id, NOON).await.expect("an older use is no news");
        let used = tenant.store.api_keys().find(made.key.id).await.expect("answers").expect("is there");
        assert_eq!(used.last_used_at, Some(NOON.plus_secs(9)));
        db
    })
    .await;
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_database_as_they_are() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let made = configure(&tenant).await;
        let other = db.with_keyring("k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").await;
        let scope = TenantScope::from_owned_row(tenant.id);
        let unreadable = other.tenant(scope).sources().find(made.source.id).await;
        assert!(matches!(unreadable, Err(StoreError::Inconsistent { .. })), "{unreadable:?}");
        let unreadable = other.tenant(scope).destinations().find(made.destination.id).await;
        assert!(matches!(unreadable, Err(StoreError::Inconsistent { .. })), "{unreadable:?}");
        other.close().await;
        db
    })
    .await;
}

#[tokio::test]
async fn another_tenant_finds_nothing() {
    each(async |db| {
        let (a, b) = (db.tenant("a").await, db.tenant("b").await);
        let made = configure(&a).await;
        assert!(b.store.sources().find(made.source.id).await.expect("answers").is_none());
        assert!(b.store.destinations().find(made.destination.id).await.expect("answers").is_none());
        assert!(b.store.connections().find(made.connection.id).await.expect("answers").is_none());
        assert!(b.store.api_keys().find(made.key.id).await.expect("answers").is_none());
        assert!(b.store.sources().list(None, 10).await.expect("answers").is_empty());
        assert!(b.store.destinations().list(None, 10).await.expect("answers").is_empty());
        assert!(b.store.connections().list(None, 10).await.expect("answers").is_empty());
        let target = made.source.id.to_string();
        let entries = b.store.audit(&postern_store::tenant::AuditFilter::default(), None, 100).await.expect("answers");
        assert!(entries.iter().all(|entry| entry.target != target));

        let mut tx = b.store.begin(&b.actor).await.expect("begins");
        assert!(tx.find::<Source>(made.source.id).await.expect("answers").is_none());
        assert!(tx.find::<Destination>(made.destination.id).await.expect("answers").is_none());
        assert!(tx.find::<Connection>(made.connection.id).await.expect("answers").is_none());
        assert!(tx.find_pair(made.source.id, made.destination.id).await.expect("answers").is_none());
        assert_eq!(tx.count_connections_of(made.source.id).await.expect("answers"), 0);
        // Even with a value of the other tenant in hand, nothing of the other tenant changes.
        let renamed = Source { name: "taken".to_owned(), ..made.source.clone() };
        tx.update(&made.source, &renamed).await.expect("answers");
        tx.delete_source(&made.source).await.expect("answers");
        tx.revoke_api_key(&made.key).await.expect("answers");
        tx.commit().await.expect("committed");
        let source = a.store.sources().find(made.source.id).await.expect("answers").expect("is there");
        assert_eq!(source.name, "Stripe");
        assert!(a.store.connections().find(made.connection.id).await.expect("answers").is_some());
        assert!(a.store.api_keys().find(made.key.id).await.expect("answers").is_some());
        db
    })
    .await;
}

#[tokio::test]
async fn a_connection_between_two_tenants_is_impossible() {
    each(async |db| {
        let (a, b) = (db.tenant("a").await, db.tenant("b").await);
        let made = configure(&a).await;
        let mine = sample::destination();
        insert(&b, &mine).await;
        let mut tx = b.store.begin(&b.actor).await.expect("begins");
        let across = Connection { id: ConnectionId::fresh(), ..sample::connection(&made.source, &mine) };
        let refused = tx.insert(&across).await;
        assert!(matches!(refused, Err(StoreError::Data { .. })), "{refused:?}");
        db
    })
    .await;
}

#[tokio::test]
async fn every_change_raises_the_version_and_stamps_what_it_touched() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let before = db.store.config_version().await.expect("answers");
        let made = configure(&tenant).await;
        assert_eq!(db.store.config_version().await.expect("answers"), before + 4);
        let changes = db.config_since(before + 3).await;
        assert!(matches!(changes[..], [ConfigChange::Key(_, Some(_))]), "{changes:?}");

        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        let source = tx.find::<Source>(made.source.id).await.expect("answers").expect("is there");
        tx.delete_source(&source).await.expect("deleted");
        tx.commit().await.expect("committed");
        let changes = db.config_since(before + 4).await;
        let [ConfigChange::Source(source, None), ConfigChange::Connection(connection, None)] = changes[..] else {
            panic!("{changes:?}")
        };
        assert_eq!((source, connection), (made.source.id, made.connection.id));
        assert!(tenant.store.sources().find(made.source.id).await.expect("answers").is_none());
        assert!(tenant.store.connections().list(None, 10).await.expect("answers").is_empty());
        db
    })
    .await;
}

#[tokio::test]
async fn of_many_changes_each_is_told_once() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let before = db.store.config_version().await.expect("answers");
        let mut made = Vec::new();
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        for _ in 0..600 {
            let source = sample::source();
            tx.insert(&source).await.expect("inserted");
            made.push(source.id);
        }
        tx.commit().await.expect("committed");
        // As after an update of many rows by one statement.
        db.sql(&format!("UPDATE sources SET version = {} WHERE version > {before}", before + 600)).await;
        let told = db.config_since(before).await.into_iter().map(|change| match change {
            ConfigChange::Source(id, Some(_)) => id,
            other => panic!("{other:?}"),
        });
        let mut told: Vec<_> = told.collect();
        told.sort_unstable();
        made.sort_unstable();
        assert_eq!(told, made);
        db
    })
    .await;
}

#[tokio::test]
async fn an_update_writes_what_differs_and_nothing_else() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let made = configure(&tenant).await;
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        let before = tx.find::<Destination>(made.destination.id).await.expect("answers").expect("is there");
        assert_eq!(tx.update(&before, &before).await.expect("answers"), Altered::No);
        tx.commit().await.expect("committed");
        // The engine has written meanwhile what this change does not touch.
        db.sql("UPDATE destinations SET failing_since = 5, state = 'held', state_reason = 'gone'").await;
        db.clock.advance_ms(1_000);
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        let after = Destination { concurrency: 9, ..before.clone() };
        assert_eq!(tx.update(&before, &after).await.expect("answers"), Altered::Yes);
        tx.commit().await.expect("committed");
        let now = tenant.store.destinations().find(made.destination.id).await.expect("answers").expect("is there");
        assert_eq!((now.concurrency, now.state, now.updated_at), (9, DestinationState::Held, NOON.plus_secs(1)));
        assert!(now.failing_since.is_some() && now.headers == before.headers);
        db
    })
    .await;
}

#[tokio::test]
async fn lists_come_in_pages_without_gaps() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let mut ids = Vec::new();
        for _ in 0..7 {
            let source = sample::source();
            ids.push(source.id);
            insert(&tenant, &source).await;
        }
        let (mut seen, mut after) = (Vec::new(), None);
        loop {
            let page = tenant.store.sources().list(after, 3).await.expect("answers");
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            seen.extend(page.iter().map(Record::id));
        }
        assert_eq!(seen, ids);
        db
    })
    .await;
}

#[tokio::test]
async fn a_dropped_change_has_not_happened() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let source = sample::source();
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        tx.insert(&source).await.expect("inserted");
        drop(tx);
        insert(&tenant, &sample::source()).await;
        assert!(tenant.store.sources().find(source.id).await.expect("answers").is_none());
        assert!(db.store.verify_audit(None).await.expect("answers").iter().all(|chain| chain.fault.is_none()));
        db
    })
    .await;
}

#[tokio::test]
async fn an_idempotency_key_is_good_for_one_request() {
    each(async |db| {
        let (a, b) = (db.tenant("a").await, db.tenant("b").await);
        let claim = async |tenant: &crate::harness::Tenant, fingerprint: u8, answer: Option<&str>| {
            let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
            let claim = tx.claim_idempotency([1; 32], [fingerprint; 32]).await.expect("answers");
            if let Some(answer) = answer {
                tx.answer_idempotency(201, answer).await.expect("kept");
                tx.commit().await.expect("committed");
            }
            claim
        };
        assert_eq!(claim(&a, 1, None).await, Claim::Fresh);
        assert_eq!(claim(&a, 1, Some("{}")).await, Claim::Fresh, "the one before was dropped");
        assert_eq!(claim(&a, 1, None).await, Claim::Replay { status: 201, body: "{}".to_owned() });
        assert_eq!(claim(&a, 2, None).await, Claim::Mismatch);
        assert_eq!(claim(&b, 2, None).await, Claim::Fresh);
        db.clock.advance_ms(25 * 3_600_000);
        assert_eq!(claim(&a, 2, Some("[]")).await, Claim::Fresh);
        assert_eq!(claim(&a, 2, None).await, Claim::Replay { status: 201, body: "[]".to_owned() });
        assert_eq!(db.store.expire_idempotency_keys(db.clock.now()).await.expect("answers"), 0);
        db.clock.advance_ms(25 * 3_600_000);
        assert_eq!(db.store.expire_idempotency_keys(db.clock.now()).await.expect("answers"), 1);
        db
    })
    .await;
}

#[tokio::test]
async fn two_changes_at_once_both_happen_in_a_row() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let before = db.store.config_version().await.expect("answers");
        let changes = (0..8).map(|_| async {
            insert(&tenant, &sample::source()).await;
        });
        futures_util::future::join_all(changes).await;
        assert_eq!(db.store.config_version().await.expect("answers"), before + 8);
        let verified = db.store.verify_audit(Some(tenant.id)).await.expect("answers");
        assert!(matches!(&verified[..], [chain] if chain.fault.is_none() && chain.entries == 11), "{verified:?}");
        db
    })
    .await;
}

#[tokio::test]
async fn bootstrap_makes_a_tenant_once() {
    each(async |db| {
        let new = NewTenant::parse(" Acme ", "Ada@Example.com").expect("valid");
        let made = db.store.bootstrap(&new).await.expect("answers");
        let Bootstrapped::Created { tenant, email, api_key, .. } = made else { panic!("exists") };
        assert_eq!(email, "ada@example.com");
        let presented = postern_seal::api_key::parse(api_key.expose()).expect("well formed");
        let keys =
            db.store.tenant(TenantScope::from_owned_row(tenant)).api_keys().list(None, 10).await.expect("answers");
        assert!(matches!(&keys[..], [key] if key.hash == presented.hash && key.public_id == presented.public_id));
        assert!(matches!(db.store.bootstrap(&new).await, Ok(Bootstrapped::Exists)));
        let second = NewTenant::parse("Second", "ada@example.com").expect("valid");
        assert!(
            matches!(db.store.bootstrap(&second).await, Ok(Bootstrapped::Created { .. })),
            "one owner, two tenants"
        );
        for (name, email) in [("", "a@b"), ("a", "ab"), ("a", "@b"), ("a", "a b@c"), ("a\nb", "a@b")] {
            assert!(NewTenant::parse(name, email).is_err(), "{name} {email}");
        }
        db
    })
    .await;
}

#[tokio::test]
async fn a_resumed_source_is_on_record_as_such() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let made = configure(&tenant).await;
        for (state, action) in [(RunState::Paused, "source.paused"), (RunState::Active, "source.resumed")] {
            let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
            let before = tx.find::<Source>(made.source.id).await.expect("answers").expect("is there");
            tx.update(&before, &Source { state, ..before.clone() }).await.expect("updated");
            tx.commit().await.expect("committed");
            let last = tenant.store.audit(&Default::default(), None, 1).await.expect("answers");
            assert_eq!(last[0].action, action);
        }
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        let before = tx.find::<Source>(made.source.id).await.expect("answers").expect("is there");
        let after =
            Source { secrets: vec![Secret::new("a".to_owned()), Secret::new("b".to_owned())], ..before.clone() };
        tx.update(&before, &after).await.expect("updated");
        tx.commit().await.expect("committed");
        let last = tenant.store.audit(&Default::default(), None, 1).await.expect("answers");
        assert_eq!(last[0].action, "source.updated");
        assert_eq!(last[0].data["changed"], serde_json::json!(["secrets"]));
        db
    })
    .await;
}

#[tokio::test]
async fn the_same_change_asked_for_twice_at_once_is_made_once() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let changes = (0..4).map(|_| async {
            let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
            let claim = tx.claim_idempotency([7; 32], [7; 32]).await.expect("answers");
            if claim == Claim::Fresh {
                tx.insert(&sample::source()).await.expect("inserted");
                tx.answer_idempotency(201, "{}").await.expect("kept");
                tx.commit().await.expect("committed");
            }
            claim
        });
        let claims = futures_util::future::join_all(changes).await;
        assert_eq!(claims.iter().filter(|claim| **claim == Claim::Fresh).count(), 1, "{claims:?}");
        assert_eq!(tenant.store.sources().list(None, 10).await.expect("answers").len(), 1);
        db
    })
    .await;
}
