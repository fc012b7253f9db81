//! Who may make whom what, and that a tenant is never without an owner.

use postern_domain::{UserId, role::Role};
use postern_pipeline::people::{
    Member, MemberError, Removal, RoleChange, membership, memberships, remove_member, set_role,
};

use crate::house::{HOME, House, Owner, PASSWORD, done};

async fn give(house: &House, owner: &Owner, user: UserId, (own, role): (Role, Role)) -> Result<Member, MemberError> {
    let change = RoleChange { user, role, own };
    done(set_role(&house.engine, &owner.by(), change, |_| (0, String::new())).await)
}

async fn remove(house: &House, owner: &Owner, user: UserId, own: Role) -> Result<(), MemberError> {
    done(remove_member(&house.engine, &owner.by(), Removal { user, own }, |()| (0, String::new())).await)
}

#[tokio::test]
async fn the_last_owner_can_neither_leave_nor_be_demoted() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    for own in [Role::Owner, Role::Admin] {
        assert!(matches!(give(&house, &ada, ada.user, (own, Role::Admin)).await, Err(MemberError::LastOwner)));
        assert!(matches!(remove(&house, &ada, ada.user, own).await, Err(MemberError::LastOwner)));
    }
    let eve = house.add(&ada, "eve@example.com", Role::Owner).await.expect("added");
    give(&house, &ada, ada.user, (Role::Owner, Role::Viewer)).await.expect("there is another");
    assert!(matches!(remove(&house, &ada, eve.user, Role::Owner).await, Err(MemberError::LastOwner)));
    remove(&house, &ada, ada.user, Role::Owner).await.expect("a viewer may go");
}

#[tokio::test]
async fn two_owners_who_demote_each_other_at_once_leave_one() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let eve = house.add(&ada, "eve@example.com", Role::Owner).await.expect("added");
    let down = (Role::Owner, Role::Viewer);
    let (first, second) = tokio::join!(give(&house, &ada, eve.user, down), give(&house, &ada, ada.user, down));
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
}

#[tokio::test]
async fn nobody_gives_or_takes_a_role_above_their_own() {
    let house = House::new().await;
    let ada = house.owner("ada").await;
    let eve = house.add(&ada, "eve@example.com", Role::Owner).await.expect("added");
    let bob = house.add(&ada, "bob@example.com", Role::Viewer).await.expect("added");
    let refused = [
        house.add_as(&ada, "new@example.com", (Role::Admin, Role::Owner)).await.err(),
        give(&house, &ada, bob.user, (Role::Admin, Role::Owner)).await.err(),
        give(&house, &ada, eve.user, (Role::Admin, Role::Admin)).await.err(),
        remove(&house, &ada, eve.user, Role::Admin).await.err(),
    ];
    assert!(refused.iter().all(|error| matches!(error, Some(MemberError::RoleAboveOwn))), "{refused:?}");
    give(&house, &ada, bob.user, (Role::Admin, Role::Admin)).await.expect("up to their own");
    house.add_as(&ada, "new@example.com", (Role::Admin, Role::Admin)).await.expect("up to their own");
}

#[tokio::test]
async fn a_role_that_was_taken_away_is_gone_at_once() {
    let house = House::new().await;
    let (ada, eve) = (house.owner("ada").await, house.owner("eve").await);
    house.add(&ada, "eve@example.com", Role::Admin).await.expect("added");
    let role = async || membership(&house.engine, eve.user, ada.tenant).await.expect("answers").map(|one| one.role);
    assert_eq!(role().await, Some(Role::Admin));
    give(&house, &ada, eve.user, (Role::Owner, Role::Viewer)).await.expect("changed");
    assert_eq!(role().await, Some(Role::Viewer));
    remove(&house, &ada, eve.user, Role::Owner).await.expect("removed");
    assert_eq!(role().await, None);
    let left: Vec<_> = memberships(&house.engine, eve.user).await.expect("answers");
    assert_eq!(left.iter().map(|one| one.tenant).collect::<Vec<_>>(), [eve.tenant]);
}

#[tokio::test]
async fn a_known_user_keeps_the_password_and_a_new_one_gets_theirs() {
    let house = House::new().await;
    let (ada, eve) = (house.owner("ada").await, house.owner("eve").await);
    let member = house.add(&ada, " EVE@example.com", Role::Editor).await.expect("added");
    assert_eq!(member.user, eve.user);
    house.add(&ada, "new@example.com", Role::Editor).await.expect("added");
    assert!(house.try_from(HOME, "eve@example.com", PASSWORD).await.is_ok());
    assert!(house.try_from(HOME, "new@example.com", "another long password").await.is_ok());
    let again = house.add(&ada, "eve@example.com", Role::Viewer).await;
    assert!(matches!(again, Err(MemberError::AlreadyMember)), "{again:?}");
    assert!(matches!(house.add(&ada, "eve", Role::Viewer).await, Err(MemberError::Invalid(_))));
}

#[tokio::test]
async fn another_tenants_member_is_nobody() {
    let house = House::new().await;
    let (ada, eve) = (house.owner("ada").await, house.owner("eve").await);
    let change = give(&house, &ada, eve.user, (Role::Owner, Role::Viewer)).await;
    assert!(matches!(change, Err(MemberError::NotFound)), "{change:?}");
    let removal = remove(&house, &ada, eve.user, Role::Owner).await;
    assert!(matches!(removal, Err(MemberError::NotFound)), "{removal:?}");
}
