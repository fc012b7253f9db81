//! Who gets in, and what it costs to be wrong.

use postern_domain::Secret;
use postern_pipeline::people::{LogIn, LogInError, log_in};

use crate::house::{HOME, House, PASSWORD};

const STRANGER: &str = "198.51.100.1";

#[tokio::test]
async fn the_right_password_starts_a_session() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let logged_in = house.try_from(HOME, " Ada@Example.COM ", PASSWORD).await.expect("logged in");
    let person = house.identify(logged_in).await.expect("alive");
    assert_eq!((person.user, person.email.as_str(), logged_in.user), (ada.user, "ada@example.com", ada.user));
    let again = house.try_from(HOME, "ada@example.com", PASSWORD).await.expect("logged in");
    assert_ne!(again.session, logged_in.session);
    let entry = &house.trail(&ada).await[0];
    assert_eq!((entry.action.as_str(), entry.target.clone()), ("session.started", again.session.to_string()));
    assert_eq!((entry.remote.as_str(), &entry.data["user_agent"]), (HOME, &"Firefox".into()));
}

#[tokio::test]
async fn whatever_is_wrong_is_answered_alike() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let nobodys = postern_store::bootstrap::NewTenant::parse("mute", "mute@example.com").expect("valid");
    house.engine.store.bootstrap(&nobodys).await.expect("made");
    for (email, password) in [
        ("ada@example.com", "correct horse batterz"),
        ("nobody@example.com", PASSWORD),
        ("mute@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("nul\0@example.com", PASSWORD),
        ("ada@example.com", ""),
        ("", ""),
    ] {
        let outcome = house.try_from(STRANGER, email, password).await;
        assert!(matches!(outcome, Err(LogInError::Wrong)), "{email}: {outcome:?}");
    }
    let refused: Vec<_> = house.trail(&ada).await.into_iter().filter(|one| one.action == "session.refused").collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|entry| entry.target == ada.user.to_string() && entry.remote == STRANGER));
}

#[tokio::test]
async fn an_account_is_throttled_alike_whether_it_exists_or_not() {
    let house = House::new().await;
    house.owner("ada").await;
    for email in ["ada@example.com", "nobody@example.com"] {
        for from in 0..5 {
            let outcome = house.try_from(&format!("198.51.{from}.1"), email, "wrong").await;
            assert!(matches!(outcome, Err(LogInError::Wrong)), "{email}: {outcome:?}");
        }
        let outcome = house.try_from("203.0.113.1", email, PASSWORD).await;
        assert!(matches!(outcome, Err(LogInError::Throttled { wait_s: 5 })), "{email}: {outcome:?}");
    }
    house.clock.advance_ms(5_000);
    assert!(house.try_from("203.0.113.1", "ada@example.com", PASSWORD).await.is_ok());
    assert!(matches!(house.try_from("203.0.113.1", "nobody@example.com", PASSWORD).await, Err(LogInError::Wrong)));
}

#[tokio::test]
async fn strangers_cannot_shut_the_owner_out_where_they_are_known() {
    let house = House::new().await;
    house.owner("ada").await;
    assert!(house.try_from(HOME, "ada@example.com", PASSWORD).await.is_ok());
    for from in 0..5 {
        let _ = house.try_from(&format!("198.51.{from}.1"), "ada@example.com", "wrong").await;
    }
    let elsewhere = house.try_from("203.0.113.1", "ada@example.com", PASSWORD).await;
    assert!(matches!(elsewhere, Err(LogInError::Throttled { .. })), "{elsewhere:?}");
    assert!(house.try_from(HOME, "ada@example.com", PASSWORD).await.is_ok(), "at home nothing has changed");
    for _ in 0..5 {
        assert!(matches!(house.try_from(HOME, "ada@example.com", "wrong").await, Err(LogInError::Wrong)));
    }
    let at_home = house.try_from(HOME, "ada@example.com", PASSWORD).await;
    assert!(matches!(at_home, Err(LogInError::Throttled { wait_s: 5 })), "but nobody guesses without end: {at_home:?}");
}

#[tokio::test]
async fn one_network_is_throttled_whoever_it_asks_for() {
    let house = House::new().await;
    house.owner("ada").await;
    for number in 0..10 {
        let (remote, email) = (format!("2001:db8::{number}"), format!("guess{number}@example.com"));
        assert!(matches!(house.try_from(&remote, &email, "wrong").await, Err(LogInError::Wrong)));
    }
    let outcome = house.try_from("2001:db8::ffff", "ada@example.com", PASSWORD).await;
    assert!(matches!(outcome, Err(LogInError::Throttled { wait_s: 10 })), "{outcome:?}");
    assert!(house.try_from("2001:db8:0:1::1", "ada@example.com", PASSWORD).await.is_ok(), "the next network");
}

#[tokio::test]
async fn somebody_without_an_address_can_log_in() {
    let house = House::new().await;
    house.owner("ada").await;
    let attempt = LogIn {
        email: "ada@example.com".to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
        remote: None,
        user_agent: "x".repeat(10_000),
        replaces: None,
        known: None,
    };
    let logged_in = log_in(&house.engine, attempt).await.expect("logged in");
    let sessions = postern_pipeline::people::sessions(&house.engine, logged_in.user).await.expect("answers");
    assert_eq!((sessions[0].remote.as_str(), sessions[0].user_agent.len()), ("", 256));
}
