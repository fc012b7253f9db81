//! A filled database goes a step back and forward again, and keeps every row.

use postern_migrations::{Migrator, MigratorTrait};

use crate::{
    harness::{Db, each},
    sample::configure,
    seed,
};

/// From this step on.
const FIRST: &str = "m20261122_120000_widen_sources";
const KEPT: [&str; 6] = ["sources", "connections", "destinations", "events", "queue", "audit_entries"];

async fn counts(db: &Db) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in KEPT {
        counts.push(db.count(&format!("SELECT count(*) FROM {table}")).await);
    }
    counts
}

/// Tables and indexes, in the words of the database.
async fn schema(db: &Db) -> i64 {
    let sql = if db.is_postgres() {
        "SELECT count(*) FROM pg_indexes WHERE tablename IN ('sources', 'connections', 'poll_states', 'poll_runs')"
    } else {
        "SELECT count(*) FROM sqlite_master WHERE tbl_name IN ('sources', 'connections', 'poll_states', 'poll_runs')"
    };
    db.count(sql).await
}

#[tokio::test]
async fn an_upgrade_keeps_every_row() {
    each(|db| async move {
        let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
        let made = configure(&acme).await;
        configure(&other).await;
        let owner = seed::owner(&db).await;
        let event = seed::event(&db, &owner, "a.b").await;
        seed::delivery(&db, &owner, event, ("pending", 0)).await;
        let (before, shape) = (counts(&db).await, schema(&db).await);
        let steps = Migrator::migrations().iter().skip_while(|step| step.name() != FIRST).count();
        let steps = u32::try_from(steps).expect("few");
        Migrator::down(&db.connection().await, Some(steps)).await.expect("goes back");
        assert_eq!(counts(&db).await, before);
        Migrator::up(&db.connection().await, None).await.expect("comes forward");
        assert_eq!((counts(&db).await, schema(&db).await), (before, shape));
        if !db.is_postgres() {
            assert_eq!(db.count("SELECT count(*) FROM pragma_foreign_key_check").await, 0);
            let parents = "SELECT count(*) FROM pragma_foreign_key_list('connections') WHERE \"table\" = 'sources'";
            assert_eq!(db.count(parents).await, 2);
        }
        // Another connection, that has prepared nothing under the old schema.
        let store = db.with_keyring(db.keyring.expose()).await;
        let again = store.tenant(postern_domain::TenantScope::from_owned_row(acme.id));
        let source = again.sources().find(made.source.id).await.expect("answers").expect("kept");
        assert_eq!((source.name, source.secrets), (made.source.name, made.source.secrets));
        let connection = again.connections().find(made.connection.id).await.expect("answers").expect("kept");
        assert_eq!((connection.source, connection.delay_s), (made.source.id, 0));
        store.close().await;
        db
    })
    .await;
}
