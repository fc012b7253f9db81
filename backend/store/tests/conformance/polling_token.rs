//! A token is asked for by one replica, and found by the others.

use postern_domain::{Secret, Timestamp, id::fresh_uuid};
use postern_store::polling::{SharedCredential, SharedToken, TokenTurn};

use crate::harness::{NOON, each};

const HOLD_MS: i64 = 60_000;

fn token(text: &str, refresh_at: Timestamp) -> SharedToken {
    SharedToken { text: Secret::new(text.to_owned()), refresh_at }
}

#[tokio::test]
async fn one_asks_and_the_others_find_what_came() {
    each(|db| async move {
        let (acme, other) = (db.tenant("acme").await, db.tenant("other").await);
        let (old, new): (SharedCredential, SharedCredential) = ((acme.id, [1; 32]), (acme.id, [2; 32]));
        let [first, second, third] = [fresh_uuid(), fresh_uuid(), fresh_uuid()];
        let store = &db.store;
        let take = |credential: SharedCredential, holder| async move {
            store.take_token_turn(&credential, holder, HOLD_MS).await.expect("answers")
        };
        let (a, b) = tokio::join!(take(old, first), take(old, second));
        let (holder, loser) = if a == TokenTurn::SomebodyElses { (second, first) } else { (first, second) };
        assert!([a, b].contains(&TokenTurn::Taken(None)) && take(old, loser).await == TokenTurn::SomebodyElses);
        assert_eq!(take((other.id, [1; 32]), third).await, TokenTurn::Taken(None), "another tenant's");

        // Who never had the turn gives nothing back and shares nothing.
        let came = token("access-1", NOON.plus_secs(3_600));
        db.store.end_token_turn(&old, loser, Some((&came, &[old]))).await.expect("answers");
        assert_eq!(
            (take(old, loser).await, db.store.shared_token(&old).await.expect("answers")),
            (TokenTurn::SomebodyElses, None)
        );

        db.store.end_token_turn(&old, holder, Some((&came, &[old, new]))).await.expect("answers");
        for name in [old, new] {
            assert_eq!(db.store.shared_token(&name).await.expect("answers").as_ref(), Some(&came));
            assert_eq!(take(name, third).await, TokenTurn::Taken(Some(came.clone())));
        }
        assert_eq!(db.store.shared_token(&(other.id, [2; 32])).await.expect("answers"), None);
        assert_eq!(db.count("SELECT count(*) FROM poll_tokens WHERE token_sealed IS NOT NULL").await, 2);
        // A turn in which nothing came leaves what there was.
        db.store.end_token_turn(&old, third, None).await.expect("answers");
        assert_eq!(db.store.shared_token(&old).await.expect("answers"), Some(came));
        db
    })
    .await;
}

#[tokio::test]
async fn a_turn_that_nobody_gives_back_ends_by_itself() {
    each(|db| async move {
        let acme = db.tenant("acme").await;
        let name = (acme.id, [1; 32]);
        let [dead, next] = [fresh_uuid(), fresh_uuid()];
        let turn = db.store.take_token_turn(&name, dead, 0).await.expect("answers");
        assert_eq!(turn, TokenTurn::Taken(None));
        let turn = db.store.take_token_turn(&name, next, HOLD_MS).await.expect("answers");
        assert_eq!(turn, TokenTurn::Taken(None), "at once: it was held for no time at all");
        let late = token("late", NOON.plus_secs(60));
        db.store.end_token_turn(&name, dead, Some((&late, &[name]))).await.expect("answers");
        assert_eq!(db.store.shared_token(&name).await.expect("answers"), None, "who comes late shares nothing");

        db.store.end_token_turn(&name, next, Some((&late, &[name]))).await.expect("answers");
        assert_eq!(db.store.expire_tokens(NOON.plus_secs(59)).await.expect("answers"), 0);
        assert_eq!(db.store.expire_tokens(NOON.plus_secs(61)).await.expect("answers"), 1);
        db
    })
    .await;
}
