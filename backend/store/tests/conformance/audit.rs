//! The audit trail: whatever somebody does to it in the database, the check names the first entry that does not hold.

use postern_domain::Actor;
use postern_store::{
    audit::{AuditFault, FaultKind},
    tenant::AuditFilter,
};

use crate::{
    harness::{Db, NOON, Tenant, each},
    sample::{configure, insert, source},
};

/// Three entries by the bootstrap, four by the configuration.
const ENTRIES: i64 = 7;

async fn fault(db: &Db, tenant: &Tenant) -> Option<AuditFault> {
    let verified = db.store.verify_audit(Some(tenant.id)).await.expect("answers");
    verified.into_iter().next().expect("one chain").fault
}

/// What an attacker with the rights of the database's owner would do first.
async fn unlock(db: &Db) {
    if db.is_postgres() {
        db.sql("ALTER TABLE audit_entries DISABLE TRIGGER ALL").await;
    } else {
        db.sql("DROP TRIGGER audit_entries_keep; DROP TRIGGER audit_entries_stay").await;
    }
}

#[tokio::test]
async fn an_untouched_chain_holds() {
    each(async |db| {
        let (a, b) = (db.tenant("a").await, db.tenant("b").await);
        configure(&a).await;
        let verified = db.store.verify_audit(None).await.expect("answers");
        assert!(verified.iter().all(|chain| chain.fault.is_none()), "{verified:?}");
        let entries =
            |tenant: &Tenant| verified.iter().find(|chain| chain.tenant == tenant.id).map(|chain| chain.entries);
        assert_eq!((entries(&a), entries(&b)), (Some(ENTRIES), Some(3)));
        db
    })
    .await;
}

#[tokio::test]
async fn a_chain_longer_than_one_read_holds() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let mut tx = tenant.store.begin(&tenant.actor).await.expect("begins");
        for _ in 0..510 {
            tx.insert(&source()).await.expect("inserted");
        }
        tx.commit().await.expect("committed");
        assert_eq!(fault(&db, &tenant).await, None);
        db
    })
    .await;
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_an_entry() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        configure(&tenant).await;
        for sql in ["UPDATE audit_entries SET remote = ''", "DELETE FROM audit_entries"] {
            let refused = std::panic::AssertUnwindSafe(db.sql(sql));
            let outcome = futures_util::FutureExt::catch_unwind(refused).await;
            assert!(outcome.is_err(), "{sql}");
        }
        assert_eq!(fault(&db, &tenant).await, None);
        db
    })
    .await;
}

#[tokio::test]
async fn a_change_of_any_column_is_named() {
    each(async |db| {
        unlock(&db).await;
        for (number, set) in COLUMNS.into_iter().enumerate() {
            let tenant = db.tenant(&format!("t{number}")).await;
            configure(&tenant).await;
            let mine = format!("tenant_id = {} AND seq = 4", db.literal(tenant.id.uuid()));
            db.sql(&format!("UPDATE audit_entries SET {set} WHERE {mine}")).await;
            let found = fault(&db, &tenant).await.expect("a fault");
            assert_eq!((found.seq, found.kind), (4, FaultKind::Changed), "{set}");
        }
        db
    })
    .await;
}

const COLUMNS: [&str; 10] = [
    "at = at + 1",
    "actor_kind = 'engine'",
    "actor_id = 'key_x'",
    "remote = '192.0.2.1'",
    "action = 'source.updated'",
    "target = 'src_x'",
    "data = '{}'",
    "id = (SELECT id FROM tenants LIMIT 1)",
    "mac = prev",
    "prev = mac",
];

#[tokio::test]
async fn a_removed_entry_is_named() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        configure(&tenant).await;
        unlock(&db).await;
        db.sql("DELETE FROM audit_entries WHERE seq = 5").await;
        assert_eq!(fault(&db, &tenant).await, Some(AuditFault { seq: 5, id: None, kind: FaultKind::Removed }));
        // What is written now goes on behind the gap, which stays visible.
        insert(&tenant, &source()).await;
        assert_eq!(fault(&db, &tenant).await.map(|fault| fault.seq), Some(5));
        db
    })
    .await;
}

#[tokio::test]
async fn a_removed_entry_is_named_when_the_rest_is_renumbered() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        configure(&tenant).await;
        unlock(&db).await;
        db.sql("DELETE FROM audit_entries WHERE seq = 5").await;
        db.sql("UPDATE audit_entries SET seq = 5 WHERE seq = 6").await;
        db.sql("UPDATE audit_entries SET seq = 6 WHERE seq = 7").await;
        assert_eq!(fault(&db, &tenant).await.map(|fault| (fault.seq, fault.kind)), Some((5, FaultKind::Changed)));
        db
    })
    .await;
}

#[tokio::test]
async fn a_cut_tail_is_named_even_when_the_head_is_set_back() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        configure(&tenant).await;
        unlock(&db).await;
        db.sql("DELETE FROM audit_entries WHERE seq > 5").await;
        assert_eq!(fault(&db, &tenant).await, Some(AuditFault { seq: 6, id: None, kind: FaultKind::CutOff }));
        db.sql("UPDATE audit_heads SET seq = 5, mac = (SELECT mac FROM audit_entries WHERE seq = 5)").await;
        assert_eq!(fault(&db, &tenant).await, Some(AuditFault { seq: 5, id: None, kind: FaultKind::HeadChanged }));
        db.sql("DELETE FROM audit_heads").await;
        assert_eq!(fault(&db, &tenant).await, Some(AuditFault { seq: 5, id: None, kind: FaultKind::HeadChanged }));
        db
    })
    .await;
}

#[tokio::test]
async fn an_emptied_trail_is_named() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        unlock(&db).await;
        db.sql("DELETE FROM audit_entries").await;
        assert_eq!(fault(&db, &tenant).await, Some(AuditFault { seq: 1, id: None, kind: FaultKind::CutOff }));
        db.sql("UPDATE audit_heads SET seq = 0").await;
        assert_eq!(fault(&db, &tenant).await.map(|fault| fault.kind), Some(FaultKind::CutOff));
        let nobody = db.store.verify_audit(Some(postern_domain::TenantId::fresh())).await.expect("answers");
        assert!(nobody.is_empty(), "{nobody:?}");
        db
    })
    .await;
}

#[tokio::test]
async fn a_chain_rewritten_without_the_key_is_named() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        configure(&tenant).await;
        let whole = fault(&db, &tenant).await;
        assert_eq!(whole, None);
        // Somebody with a keyring of their own takes one entry away and lets the software write it anew.
        unlock(&db).await;
        let last = format!("tenant_id = {} AND seq = {ENTRIES}", db.literal(tenant.id.uuid()));
        db.sql(&format!("DELETE FROM audit_entries WHERE {last}")).await;
        db.sql(&format!("UPDATE audit_heads SET seq = {}", ENTRIES - 1)).await;
        let theirs = db.with_keyring("k1:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=").await;
        let scope = postern_domain::TenantScope::from_owned_row(tenant.id);
        let mut tx = theirs.tenant(scope).begin(&Actor::operator()).await.expect("begins");
        tx.insert(&source()).await.expect("inserted");
        tx.commit().await.expect("committed");
        theirs.close().await;
        let found = fault(&db, &tenant).await.expect("a fault");
        assert_eq!((found.seq, found.kind), (ENTRIES, FaultKind::Changed));
        db
    })
    .await;
}

#[tokio::test]
async fn a_key_that_is_gone_is_named() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        let with_new_first = format!("k2:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=,{}", db.keyring.expose());
        let rotated = db.with_keyring(&with_new_first).await;
        let scope = postern_domain::TenantScope::from_owned_row(tenant.id);
        let mut tx = rotated.tenant(scope).begin(&Actor::operator()).await.expect("begins");
        tx.insert(&source()).await.expect("inserted");
        tx.commit().await.expect("committed");
        let holds = rotated.verify_audit(Some(tenant.id)).await.expect("answers");
        assert!(holds.iter().all(|chain| chain.fault.is_none()), "{holds:?}");
        rotated.close().await;
        let found = fault(&db, &tenant).await.expect("a fault");
        assert_eq!((found.seq, found.kind), (4, FaultKind::UnknownKey("k2".to_owned())));
        db
    })
    .await;
}

#[tokio::test]
async fn the_trail_is_read_newest_first_and_by_filter() {
    each(async |db| {
        let tenant = db.tenant("a").await;
        db.clock.advance_ms(1_000);
        let made = configure(&tenant).await;
        let list = async |filter: AuditFilter| {
            let entries = tenant.store.audit(&filter, None, 100).await.expect("answers");
            entries.into_iter().map(|entry| entry.action).collect::<Vec<_>>()
        };
        let everything = list(AuditFilter::default()).await;
        let by_configuration = ["api_key.created", "connection.created", "destination.created", "source.created"];
        let by_bootstrap = ["api_key.created", "member.created", "tenant.created"];
        assert_eq!(everything, [by_configuration.as_slice(), by_bootstrap.as_slice()].concat());
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(list(AuditFilter { actor: some("operator"), ..Default::default() }).await, by_bootstrap);
        assert_eq!(list(AuditFilter { actor: some(&tenant.actor.id), ..Default::default() }).await, by_configuration);
        assert_eq!(list(AuditFilter { action: some("source.created"), ..Default::default() }).await.len(), 1);
        assert_eq!(list(AuditFilter { target: Some(made.source.id.to_string()), ..Default::default() }).await.len(), 1);
        assert_eq!(list(AuditFilter { from: Some(NOON.plus_ms(1)), ..Default::default() }).await, by_configuration);
        assert_eq!(list(AuditFilter { to: Some(NOON.plus_ms(1)), ..Default::default() }).await, by_bootstrap);
        let second = tenant.store.audit(&AuditFilter::default(), Some(ENTRIES), 2).await.expect("answers");
        assert_eq!(second.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [ENTRIES - 1, ENTRIES - 2]);
        let text = format!("{:?}", tenant.store.audit(&AuditFilter::default(), None, 100).await);
        for secret in ["whsec_one", "hush", "whsec_AAAA", made.source.token.as_ref().expect("a token").expose()] {
            assert!(!text.contains(secret), "{secret}");
        }
        db
    })
    .await;
}
