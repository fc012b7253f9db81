//! Browser sessions: how long they live, who ends them, and what is on record of them.

use postern_domain::{
    Secret, SessionId,
    session::{IDLE_MS, KNOWN_MS, LONGEST_MS, TOUCH_MS},
    theme::Theme,
};
use postern_store::people::{NewPassword, NewSession};

use crate::{
    harness::{NOON, each},
    people::{HASH, address, chains_hold, free, owner, session, trail},
};

#[tokio::test]
async fn a_session_says_whose_it_is() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let id = session(&db.store, ada.user, "192.0.2.1").await;
        db.store.set_theme(ada.user, Theme::Dark).await.expect("kept");
        let found = db.store.use_session(id).await.expect("answers").expect("alive");
        assert_eq!((found.id, found.user, found.email.as_str()), (id, ada.user, "ada@example.com"));
        assert_eq!(
            (found.theme, found.remote.as_str(), found.user_agent.as_str()),
            (Theme::Dark, "192.0.2.1", "Firefox")
        );
        assert_eq!([found.created_at, found.seen_at, found.confirmed_at], [NOON; 3]);
        assert!(db.store.use_session(SessionId::fresh()).await.expect("answers").is_none());
        db
    })
    .await;
}

#[tokio::test]
async fn an_idle_session_is_over_and_a_used_one_is_not() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let (used, idle) = (session(&db.store, ada.user, "::1").await, session(&db.store, ada.user, "::1").await);
        db.clock.advance_ms(IDLE_MS - 1);
        assert!(db.store.use_session(used).await.expect("answers").is_some());
        db.clock.advance_ms(1);
        assert!(db.store.use_session(idle).await.expect("answers").is_none());
        assert!(db.store.use_session(used).await.expect("answers").is_some());
        let listed: Vec<_> = db.store.sessions(ada.user).await.expect("answers").iter().map(|one| one.id).collect();
        assert_eq!(listed, [used]);
        db
    })
    .await;
}

#[tokio::test]
async fn an_old_session_is_over_however_much_it_is_used() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let id = session(&db.store, ada.user, "::1").await;
        let mut age_ms = 0;
        while age_ms + IDLE_MS / 2 < LONGEST_MS {
            db.clock.advance_ms(IDLE_MS / 2);
            age_ms += IDLE_MS / 2;
            assert!(db.store.use_session(id).await.expect("answers").is_some(), "{age_ms}");
        }
        db.clock.advance_ms(LONGEST_MS - age_ms);
        assert!(db.store.use_session(id).await.expect("answers").is_none());
        db
    })
    .await;
}

#[tokio::test]
async fn that_it_is_used_is_written_once_a_minute() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let id = session(&db.store, ada.user, "::1").await;
        let seen = format!("SELECT seen_at FROM sessions WHERE id = {}", db.literal(id.uuid()));
        db.clock.advance_ms(TOUCH_MS - 1);
        db.store.use_session(id).await.expect("answers");
        assert_eq!(db.count(&seen).await, NOON.as_micros());
        db.clock.advance_ms(1);
        db.store.use_session(id).await.expect("answers");
        assert_eq!(db.count(&seen).await, NOON.plus_ms(TOUCH_MS).as_micros());
        db
    })
    .await;
}

#[tokio::test]
async fn an_ended_session_is_dead_at_once_on_every_replica() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let eve = owner(&db, "b", "eve@example.com").await;
        let id = session(&db.store, ada.user, "::1").await;
        let replica = db.with_keyring(db.keyring.expose()).await;
        assert!(replica.use_session(id).await.expect("answers").is_some());
        assert_eq!(db.store.end_session(eve.user, id, None).await.expect("answers"), 0, "not hers");
        assert_eq!(db.store.end_session(ada.user, id, address("192.0.2.9")).await.expect("answers"), 1);
        assert!(replica.use_session(id).await.expect("answers").is_none());
        assert!(replica.sessions(ada.user).await.expect("answers").is_empty());
        assert_eq!(db.store.end_session(ada.user, id, None).await.expect("answers"), 0, "it has ended");
        let confirmed = db.store.confirm_session((ada.user, id), None, &free(&db.store).await).await;
        assert_eq!(confirmed.expect("answers"), None);
        replica.close().await;
        db
    })
    .await;
}

#[tokio::test]
async fn a_new_password_ends_every_other_session() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let eve = owner(&db, "b", "eve@example.com").await;
        let hers = session(&db.store, eve.user, "::1").await;
        let (kept, ended) = (session(&db.store, ada.user, "::1").await, session(&db.store, ada.user, "::1").await);
        db.clock.advance_ms(5_000);
        let (verified, hash, charge) =
            (Secret::new(HASH.to_owned()), Secret::new("new".to_owned()), free(&db.store).await);
        let change = NewPassword {
            user: ada.user,
            session: kept,
            remote: address("192.0.2.9"),
            verified: &verified,
            hash: &hash,
            charge: &charge,
        };
        let renewed = db.store.change_password(&change).await.expect("answers").expect("changed");
        assert_eq!(db.store.change_password(&change).await.expect("answers"), None, "the old one is no longer current");
        let now = db.store.use_session(renewed).await.expect("answers").expect("alive");
        assert_eq!(now.confirmed_at, NOON.plus_secs(5));
        assert!(db.store.use_session(kept).await.expect("answers").is_none(), "a copy of its cookie opens nothing");
        assert!(db.store.use_session(ended).await.expect("answers").is_none());
        assert!(db.store.use_session(hers).await.expect("answers").is_some());
        let late = NewSession { user: ada.user, verified: &verified, remote: None, user_agent: "", charge: &charge };
        assert!(db.store.start_session(&late).await.expect("answers").is_none(), "verified before the change");
        let entry = &trail(&ada.tenant, 1).await[0];
        assert_eq!((entry.action.as_str(), entry.target.clone()), ("password.changed", ada.user.to_string()));
        assert_eq!(entry.data["sessions_ended"], 1);
        let known = db.store.credential("ada@example.com").await.expect("answers").expect("known");
        assert_eq!(known.password_hash, Some(hash));
        db
    })
    .await;
}

#[tokio::test]
async fn what_a_person_does_is_on_the_trail_of_each_of_their_tenants() {
    each(async |db| {
        let first = owner(&db, "first", "ada@example.com").await;
        let second = owner(&db, "second", "ada@example.com").await;
        let other = owner(&db, "other", "eve@example.com").await;
        assert_eq!(first.user, second.user);
        let before = trail(&other.tenant, 100).await.len();
        let begun = session(&db.store, first.user, "192.0.2.1").await;
        let confirmed =
            db.store.confirm_session((first.user, begun), address("192.0.2.2"), &free(&db.store).await).await;
        let id = confirmed.expect("answers").expect("alive");
        db.store.refuse(first.user, &id.to_string(), address("192.0.2.3")).await.expect("recorded");
        db.store.end_session(first.user, id, address("192.0.2.4")).await.expect("answers");
        for tenant in [&first.tenant, &second.tenant] {
            let entries: Vec<_> = trail(tenant, 4).await.into_iter().rev().collect();
            let told: Vec<_> = entries.iter().map(|entry| (entry.action.as_str(), entry.remote.as_str())).collect();
            let expected = [
                ("session.started", "192.0.2.1"),
                ("session.confirmed", "192.0.2.2"),
                ("session.refused", "192.0.2.3"),
                ("session.ended", "192.0.2.4"),
            ];
            assert_eq!(told, expected);
            let targets: Vec<_> = entries.iter().map(|entry| entry.target.clone()).collect();
            assert_eq!(targets, [begun, begun, id, id].map(|id| id.to_string()));
            assert_eq!((entries[0].actor_kind.as_str(), entries[0].actor_id.clone()), ("user", first.user.to_string()));
            assert_eq!(entries[2].actor_kind, "engine", "nobody has proven to be the user");
        }
        assert_eq!(trail(&other.tenant, 100).await.len(), before);
        assert!(chains_hold(&db.store).await);
        db
    })
    .await;
}

#[tokio::test]
async fn people_are_known_where_they_logged_in_until_it_is_long_ago() {
    each(async |db| {
        let ada = owner(&db, "a", "ada@example.com").await;
        let eve = owner(&db, "b", "eve@example.com").await;
        let known = async |user, remote: &str| db.store.is_known_at(user, address(remote)).await.expect("answers");
        assert!(!known(ada.user, "2001:db8::1").await);
        let id = session(&db.store, ada.user, "2001:db8::1").await;
        assert!(known(ada.user, "2001:db8::ffff").await, "the same /64");
        assert!(!known(ada.user, "2001:db8:0:1::1").await && !known(eve.user, "2001:db8::1").await);
        assert!(!db.store.is_known_at(ada.user, None).await.expect("answers"));
        db.store.end_session(ada.user, id, None).await.expect("answers");
        db.clock.advance_ms(LONGEST_MS + KNOWN_MS);
        assert_eq!(db.store.expire_sessions(db.clock.now()).await.expect("answers"), 0);
        assert!(known(ada.user, "2001:db8::1").await);
        db.clock.advance_ms(1);
        assert_eq!(db.store.expire_sessions(db.clock.now()).await.expect("answers"), 1);
        assert!(!known(ada.user, "2001:db8::1").await);
        db
    })
    .await;
}
