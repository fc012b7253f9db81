//! What somebody who is logged in may do with their sessions and their password.

use postern_domain::{
    Secret, SessionId,
    session::{KNOWN_MS, LONGEST_MS},
    theme::Theme,
};
use postern_pipeline::people::{
    ChangePasswordError, ConfirmError, change_password, confirm, end_session, identify, log_out, sessions, set_theme,
};

use crate::house::{HOME, House, PASSWORD};

const NEW_PASSWORD: &str = "a battery of horses";

fn secret(text: &str) -> Secret<String> {
    Secret::new(text.to_owned())
}

#[tokio::test]
async fn an_ended_session_identifies_nobody() {
    let house = House::new().await;
    let (ada, eve) = (house.owner("ada").await, house.owner("eve").await);
    let (first, second, hers) = (house.person(&ada).await, house.person(&ada).await, house.person(&eve).await);
    let listed: Vec<_> = sessions(&house.engine, ada.user).await.expect("answers").iter().map(|one| one.id).collect();
    assert_eq!(listed, [second.session, first.session]);
    assert!(!end_session(&house.engine, &first, hers.session).await.expect("answers"), "somebody else's");
    assert!(!end_session(&house.engine, &first, SessionId::fresh()).await.expect("answers"));
    assert!(end_session(&house.engine, &first, second.session).await.expect("answers"));
    assert!(identify(&house.engine, second.session, None).await.expect("answers").is_none());
    log_out(&house.engine, &first).await.expect("answers");
    assert!(identify(&house.engine, first.session, None).await.expect("answers").is_none());
    assert!(identify(&house.engine, hers.session, None).await.expect("answers").is_some());
    assert!(sessions(&house.engine, ada.user).await.expect("answers").is_empty());
    let ended = house.trail(&ada).await.into_iter().filter(|entry| entry.action == "session.ended").count();
    assert_eq!(ended, 2);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let (here, elsewhere) = (house.person(&ada).await, house.person(&ada).await);
    let change = async |old: &str, new: &str| change_password(&house.engine, &here, secret(old), secret(new)).await;
    assert!(matches!(change("wrong", NEW_PASSWORD).await, Err(ChangePasswordError::Wrong)));
    assert!(matches!(change(PASSWORD, "short").await, Err(ChangePasswordError::Invalid(_))));
    assert!(matches!(change(PASSWORD, "ADA@example.com").await, Err(ChangePasswordError::Invalid(_))));
    assert!(identify(&house.engine, elsewhere.session, None).await.expect("answers").is_some());
    let renewed = change(PASSWORD, NEW_PASSWORD).await.expect("changed");
    assert!(identify(&house.engine, elsewhere.session, None).await.expect("answers").is_none());
    assert!(identify(&house.engine, here.session, None).await.expect("answers").is_none(), "a copy of it is dead too");
    assert!(identify(&house.engine, renewed, None).await.expect("answers").is_some());
    assert!(house.try_from(HOME, "ada@example.com", PASSWORD).await.is_err());
    assert!(house.try_from(HOME, "ada@example.com", NEW_PASSWORD).await.is_ok());
    let actions: Vec<_> = house.trail(&ada).await.into_iter().map(|entry| entry.action).collect();
    assert!(actions.contains(&"password.changed".to_owned()), "{actions:?}");
}

#[tokio::test]
async fn a_password_given_again_confirms_the_session() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let (here, elsewhere) = (house.person(&ada).await, house.person(&ada).await);
    house.clock.advance_ms(60_000);
    let renewed = confirm(&house.engine, &here, secret(PASSWORD)).await.expect("confirmed");
    let at =
        async |session| identify(&house.engine, session, None).await.expect("answers").expect("alive").confirmed_at;
    assert_eq!(at(renewed).await, house.clock.now());
    let copy = identify(&house.engine, here.session, None).await.expect("answers");
    assert!(copy.is_none(), "whoever had a copy of the cookie is not confirmed with it");
    assert_eq!(at(elsewhere.session).await, elsewhere.confirmed_at, "the other one is not");
}

#[tokio::test]
async fn a_stolen_session_does_not_guess_without_end() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let (stolen, own) = (house.person(&ada).await, house.person(&ada).await);
    for _ in 0..5 {
        let outcome = confirm(&house.engine, &stolen, secret("wrong")).await;
        assert!(matches!(outcome, Err(ConfirmError::Wrong)), "{outcome:?}");
    }
    let outcome = confirm(&house.engine, &stolen, secret(PASSWORD)).await;
    assert!(matches!(outcome, Err(ConfirmError::Throttled { wait_s: 5 })), "{outcome:?}");
    let outcome = change_password(&house.engine, &stolen, secret(PASSWORD), secret(NEW_PASSWORD)).await;
    assert!(matches!(outcome, Err(ChangePasswordError::Throttled { wait_s: 5 })), "{outcome:?}");
    let _ = confirm(&house.engine, &own, secret(PASSWORD)).await.expect("the owner goes on");
    let refused = house.trail(&ada).await.into_iter().filter(|entry| entry.action == "session.refused");
    assert_eq!(refused.filter(|entry| entry.target == stolen.session.to_string()).count(), 5);
}

#[tokio::test]
async fn a_theme_follows_its_person() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let person = house.person(&ada).await;
    assert_eq!(person.theme, Theme::System);
    set_theme(&house.engine, &person, Theme::Dark).await.expect("kept");
    assert_eq!(house.person(&ada).await.theme, Theme::Dark);
}

#[tokio::test]
async fn upkeep_forgets_where_somebody_was_long_ago() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    house.person(&ada).await;
    let known = async || house.engine.store.is_known_at(ada.user, HOME.parse().ok()).await.expect("answers");
    house.engine.expire().await.expect("answers");
    assert!(known().await);
    house.clock.advance_ms(LONGEST_MS + KNOWN_MS + 1);
    house.engine.expire().await.expect("answers");
    assert!(!known().await);
}
