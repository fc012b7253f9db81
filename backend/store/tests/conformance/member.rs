//! Members: one user for each address, a role in each tenant, and nothing of it for anybody else.

use postern_domain::{Actor, Secret, UserId, role::Role};
use postern_store::{
    TenantStore,
    people::Membership,
    tenant::{Joining, Member},
};

use crate::{
    harness::{NOON, each},
    people::{HASH, chains_hold, owner, trail},
};

fn joining(email: &str, role: Role) -> Joining {
    Joining { email: email.to_owned(), role, password_hash: Some(Secret::new("theirs".to_owned())) }
}

async fn join(tenant: &TenantStore, joining: &Joining) -> Option<Member> {
    let mut tx = tenant.begin(&Actor::operator()).await.expect("begins");
    let member = tx.add_member(joining).await.expect("answers");
    tx.commit().await.expect("committed");
    member
}

#[tokio::test]
async fn a_known_user_is_added_as_they_are() {
    each(async |db| {
        let (a, b) = (owner(&db, "a", "ada@example.com").await, owner(&db, "b", "bob@example.com").await);
        let ada = join(&b.tenant, &joining("ada@example.com", Role::Viewer)).await.expect("added");
        assert_eq!((ada.user, ada.role, ada.created_at), (a.user, Role::Viewer, NOON));
        let credential = db.store.credential("ada@example.com").await.expect("answers").expect("known");
        assert_eq!(credential.password_hash, Some(Secret::new(HASH.to_owned())), "no tenant sets another's password");
        assert_eq!(join(&b.tenant, &joining("ada@example.com", Role::Admin)).await, None, "a member already");
        let eve = join(&b.tenant, &joining("eve@example.com", Role::Editor)).await.expect("added");
        let credential = db.store.credential("eve@example.com").await.expect("answers").expect("known");
        assert_eq!((credential.user, credential.password_hash), (eve.user, Some(Secret::new("theirs".to_owned()))));
        let of = |name: &str, role| (name.to_owned(), role);
        let memberships = db.store.memberships(a.user).await.expect("answers");
        let named = |one: &Membership| of(&one.tenant_name, one.role);
        assert_eq!(memberships.iter().map(named).collect::<Vec<_>>(), [of("a", Role::Owner), of("b", Role::Viewer)]);
        db
    })
    .await;
}

#[tokio::test]
async fn members_come_in_pages_and_from_one_tenant_only() {
    each(async |db| {
        let (a, b) = (owner(&db, "a", "ada@example.com").await, owner(&db, "b", "bob@example.com").await);
        let mut expected = vec![a.user];
        for number in 0..6 {
            let member = join(&a.tenant, &joining(&format!("m{number}@example.com"), Role::Viewer)).await;
            expected.push(member.expect("added").user);
        }
        let (mut seen, mut after): (Vec<UserId>, _) = (Vec::new(), None);
        loop {
            let page = a.tenant.members(after, 3).await.expect("answers");
            let Some(last) = page.last() else { break };
            after = Some(last.user);
            seen.extend(page.iter().map(|member| member.user));
        }
        assert_eq!(seen, expected);
        let theirs: Vec<_> = b.tenant.members(None, 10).await.expect("answers").iter().map(|one| one.user).collect();
        assert_eq!(theirs, [b.user]);
        assert_eq!(b.tenant.member(a.user).await.expect("answers"), None);
        let mut tx = b.tenant.begin(&Actor::operator()).await.expect("begins");
        assert_eq!(tx.find_member(a.user).await.expect("answers"), None);
        // Even with a member of the other tenant in hand, nothing of the other tenant changes.
        let ada = a.tenant.member(a.user).await.expect("answers").expect("a member");
        tx.remove_member(&ada).await.expect("answers");
        tx.set_role(&ada, Role::Viewer).await.expect("answers");
        tx.commit().await.expect("committed");
        assert_eq!(a.tenant.member(a.user).await.expect("answers"), Some(ada));
        db
    })
    .await;
}

#[tokio::test]
async fn every_change_of_a_member_is_on_record() {
    each(async |db| {
        let a = owner(&db, "a", "ada@example.com").await;
        let eve = join(&a.tenant, &joining("eve@example.com", Role::Viewer)).await.expect("added");
        let mut tx = a.tenant.begin(&Actor::user(a.user, None)).await.expect("begins");
        let eve = tx.find_member(eve.user).await.expect("answers").expect("a member");
        assert_eq!(tx.set_role(&eve, Role::Viewer).await.expect("answers"), eve, "nothing to write");
        let eve = tx.set_role(&eve, Role::Owner).await.expect("answers");
        assert_eq!(tx.count_members(Some(Role::Owner)).await.expect("answers"), 2);
        tx.remove_member(&eve).await.expect("answers");
        assert_eq!(tx.count_members(None).await.expect("answers"), 1);
        tx.commit().await.expect("committed");
        let entries: Vec<_> = trail(&a.tenant, 3).await.into_iter().rev().collect();
        let actions: Vec<_> = entries.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(actions, ["member.created", "member.updated", "member.removed"]);
        assert!(entries.iter().all(|entry| entry.target == eve.user.to_string()));
        assert_eq!(entries[1].data["before"]["role"], "viewer");
        assert_eq!((&entries[1].data["after"]["role"], &entries[1].actor_id), (&"owner".into(), &a.user.to_string()));
        assert!(entries.iter().all(|entry| !entry.data.to_string().contains("theirs")), "a hash is no one's business");
        assert!(chains_hold(&db.store).await);
        assert!(db.store.memberships(eve.user).await.expect("answers").is_empty());
        assert!(db.store.credential("eve@example.com").await.expect("answers").is_some(), "the user remains");
        db
    })
    .await;
}
