//! Members of a tenant: added, given another role, removed. Nobody gives or takes a role above their own, and a tenant
//! always has an owner.

use postern_domain::{Invalid, Secret, UserId, email, role::Role};
use postern_store::{
    StoreError, TenantTx,
    tenant::{Joining, Member},
};

use crate::{
    Engine,
    configure::{By, Done, OnceKeyReused, run},
};

/// Of one tenant.
const MAX_MEMBERS: u64 = 1_000;

/// Somebody to be made a member.
#[derive(Debug)]
pub struct NewMember {
    pub email: String,
    pub role: Role,
    /// For a user who is not known yet. One who is keeps theirs.
    pub password: Option<Secret<String>>,
    /// The role of who asks for it.
    pub own: Role,
}

/// A member who is to have another role.
#[derive(Clone, Copy, Debug)]
pub struct RoleChange {
    pub user: UserId,
    pub role: Role,
    /// The role of who asks for it.
    pub own: Role,
}

/// A member who is to be none any more.
#[derive(Clone, Copy, Debug)]
pub struct Removal {
    pub user: UserId,
    /// The role of who asks for it.
    pub own: Role,
}

/// Why the members stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("there is no such member")]
    NotFound,
    #[error("this user is a member already")]
    AlreadyMember,
    /// Make somebody else an owner first.
    #[error("this is the last owner")]
    LastOwner,
    #[error("the role is above that of who asks for it")]
    RoleAboveOwn,
    #[error("there are {limit} members already, which is the most there can be")]
    TooMany { limit: u64 },
    #[error("the idempotency key was used for another change")]
    OnceKeyReused,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<OnceKeyReused> for MemberError {
    fn from(_: OnceKeyReused) -> Self {
        Self::OnceKeyReused
    }
}

/// # Errors
/// [`MemberError`]; nothing is changed then.
pub async fn add_member(
    engine: &Engine,
    by: &By,
    new: NewMember,
    answer: impl FnOnce(&Member) -> (u16, String),
) -> Result<Done<Member>, MemberError> {
    let email = email::parse(&new.email)?;
    check_rank(new.own, &[new.role])?;
    let password_hash = match new.password {
        Some(password) => Some(engine.hashing.hash(password).await?),
        None => None,
    };
    let joining = Joining { email, role: new.role, password_hash };
    let change = async move |tx: &mut TenantTx| {
        if tx.count_members(None).await? >= MAX_MEMBERS {
            return Err(MemberError::TooMany { limit: MAX_MEMBERS });
        }
        tx.add_member(&joining).await?.ok_or(MemberError::AlreadyMember)
    };
    run(engine, by, change, answer).await
}

/// In force with the next request, on every replica.
///
/// # Errors
/// [`MemberError`]; nothing is changed then.
pub async fn set_role(
    engine: &Engine,
    by: &By,
    RoleChange { user, role, own }: RoleChange,
    answer: impl FnOnce(&Member) -> (u16, String),
) -> Result<Done<Member>, MemberError> {
    let change = async move |tx: &mut TenantTx| {
        let before = tx.find_member(user).await?.ok_or(MemberError::NotFound)?;
        if role != Role::Owner {
            check_owner_left(tx, &before).await?;
        }
        check_rank(own, &[before.role, role])?;
        Ok(tx.set_role(&before, role).await?)
    };
    run(engine, by, change, answer).await
}

/// They see nothing of the tenant any more, at once. The user and their other memberships remain.
///
/// # Errors
/// [`MemberError`]; nothing is changed then.
pub async fn remove_member(
    engine: &Engine,
    by: &By,
    Removal { user, own }: Removal,
    answer: impl FnOnce(&()) -> (u16, String),
) -> Result<Done<()>, MemberError> {
    let change = async move |tx: &mut TenantTx| {
        let member = tx.find_member(user).await?.ok_or(MemberError::NotFound)?;
        check_owner_left(tx, &member).await?;
        check_rank(own, &[member.role])?;
        Ok(tx.remove_member(&member).await?)
    };
    run(engine, by, change, answer).await
}

fn check_rank(own: Role, roles: &[Role]) -> Result<(), MemberError> {
    if roles.iter().all(|role| own.at_least(*role)) { Ok(()) } else { Err(MemberError::RoleAboveOwn) }
}

/// Members are changed in a row, so two owners cannot demote each other at once.
async fn check_owner_left(tx: &mut TenantTx, leaving: &Member) -> Result<(), MemberError> {
    if leaving.role == Role::Owner && tx.count_members(Some(Role::Owner)).await? <= 1 {
        return Err(MemberError::LastOwner);
    }
    Ok(())
}
