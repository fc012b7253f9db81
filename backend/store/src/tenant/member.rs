//! The people of a tenant. A user exists once, by their e-mail address; a membership gives them a role here.

use postern_domain::{Secret, Timestamp, UserId, role::Role};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, EntityTrait, FromQueryResult, PaginatorTrait, QueryFilter, sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TenantStore, TenantTx};
use crate::{
    StoreError,
    entity::{
        membership::{ActiveModel, Column, Entity},
        user,
    },
    read::query::Query,
    scope::{scoped, scoped_update},
};

const READING: &str = "reading the members";
const CHANGING: &str = "changing the members";

/// Somebody, and what they may do here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user: UserId,
    pub email: String,
    pub role: Role,
    /// When they became a member.
    pub created_at: Timestamp,
    /// Without one they cannot log in.
    pub has_password: bool,
}

/// Somebody to be made a member, known or not.
#[derive(Clone, Debug)]
pub struct Joining {
    /// As [`postern_domain::email::parse`] gives it.
    pub email: String,
    pub role: Role,
    /// Set for a user who is not known yet. One who is keeps theirs.
    pub password_hash: Option<Secret<String>>,
}

#[derive(FromQueryResult)]
struct MemberRow {
    user_id: Uuid,
    email: String,
    role: String,
    created_at: i64,
    has_password: bool,
}

const SELECT: &str = "SELECT membership.user_id, person.email, membership.role, membership.created_at, \
                      person.password_hash IS NOT NULL AS has_password \
                      FROM memberships membership JOIN users person ON person.id = membership.user_id \
                      WHERE membership.tenant_id = ";

impl TenantStore {
    /// At most `limit`, in the order of their ids, beginning behind `after`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn members(&self, after: Option<UserId>, limit: u64) -> Result<Vec<Member>, StoreError> {
        let reader = self.store.reader();
        let mut query = Query::on(&reader);
        query.sql(SELECT).bind(self.scope.tenant_id().uuid());
        if let Some(after) = after {
            query.sql(" AND membership.user_id > ").bind(after.uuid());
        }
        query.sql(" ORDER BY membership.user_id LIMIT ").bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows: Vec<MemberRow> = query.all(&reader, READING).await?;
        rows.into_iter().map(Member::read).collect()
    }

    /// None when the user is no member here.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn member(&self, user: UserId) -> Result<Option<Member>, StoreError> {
        let reader = self.store.reader();
        let mut query = Query::on(&reader);
        query.sql(SELECT).bind(self.scope.tenant_id().uuid()).sql(" AND membership.user_id = ").bind(user.uuid());
        query.one::<MemberRow>(&reader, READING).await?.map(Member::read).transpose()
    }
}

impl TenantTx {
    /// None when the user is no member here. Nobody else changes the members of any tenant until this ends.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn find_member(&mut self, user: UserId) -> Result<Option<Member>, StoreError> {
        self.version().await?;
        let mut query = Query::on(&self.tx);
        query.sql(SELECT).bind(self.scope.tenant_id().uuid()).sql(" AND membership.user_id = ").bind(user.uuid());
        query.one::<MemberRow>(&self.tx, CHANGING).await?.map(Member::read).transpose()
    }

    /// How many there are; with a role, how many have it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn count_members(&mut self, role: Option<Role>) -> Result<u64, StoreError> {
        self.version().await?;
        let mut rows = scoped::<Entity>(self.scope);
        if let Some(role) = role {
            rows = rows.filter(Column::Role.eq(role.as_str()));
        }
        rows.count(&self.tx).await.map_err(StoreError::orm(CHANGING))
    }

    /// Makes somebody a member, and a user if there is none of this address. None when they are a member already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_member(&mut self, joining: &Joining) -> Result<Option<Member>, StoreError> {
        self.version().await?;
        let (user, has_password) = self.find_or_insert_user(joining).await?;
        if self.find_member(user).await?.is_some() {
            return Ok(None);
        }
        let row = ActiveModel {
            tenant_id: Set(self.scope.tenant_id().uuid()),
            user_id: Set(user.uuid()),
            role: Set(joining.role.as_str().to_owned()),
            created_at: Set(self.at.as_micros()),
        };
        Entity::insert(row).exec_without_returning(&self.tx).await.map_err(StoreError::orm(CHANGING))?;
        let (email, role) = (joining.email.clone(), joining.role);
        let member = Member { user, email, role, created_at: self.at, has_password };
        let data = json!({ "before": null, "after": member.snapshot() });
        self.audit("member.created".to_owned(), user.to_string(), data).await?;
        Ok(Some(member))
    }

    /// Gives the member another role. Where it is the same, nothing is written.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_role(&mut self, before: &Member, role: Role) -> Result<Member, StoreError> {
        let after = Member { role, ..before.clone() };
        if after == *before {
            return Ok(after);
        }
        scoped_update::<Entity>(self.scope)
            .col_expr(Column::Role, Expr::value(role.as_str()))
            .filter(Column::UserId.eq(before.user.uuid()))
            .exec(&self.tx)
            .await
            .map_err(StoreError::orm(CHANGING))?;
        let data = json!({ "before": before.snapshot(), "after": after.snapshot(), "changed": ["role"] });
        self.audit("member.updated".to_owned(), before.user.to_string(), data).await?;
        Ok(after)
    }

    /// From now on they see nothing here. The user remains.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_member(&mut self, member: &Member) -> Result<(), StoreError> {
        let mut query = Query::on(&self.tx);
        query.sql("DELETE FROM memberships WHERE tenant_id = ").bind(self.scope.tenant_id().uuid());
        query.sql(" AND user_id = ").bind(member.user.uuid());
        if query.execute(&self.tx, CHANGING).await? == 0 {
            return Ok(());
        }
        let data = json!({ "before": member.snapshot(), "after": null });
        self.audit("member.removed".to_owned(), member.user.to_string(), data).await
    }

    async fn find_or_insert_user(&mut self, joining: &Joining) -> Result<(UserId, bool), StoreError> {
        let known = user::Entity::find().filter(user::Column::Email.eq(joining.email.as_str())).one(&self.tx).await;
        if let Some(known) = known.map_err(StoreError::orm(CHANGING))? {
            return Ok((UserId::from_uuid(known.id), known.password_hash.is_some()));
        }
        let id = UserId::fresh();
        let row = user::ActiveModel {
            id: Set(id.uuid()),
            email: Set(joining.email.clone()),
            password_hash: Set(joining.password_hash.as_ref().map(|hash| hash.expose().clone())),
            created_at: Set(self.at.as_micros()),
        };
        user::Entity::insert(row).exec_without_returning(&self.tx).await.map_err(StoreError::orm(CHANGING))?;
        Ok((id, joining.password_hash.is_some()))
    }
}

impl Member {
    fn read(row: MemberRow) -> Result<Self, StoreError> {
        Ok(Self {
            user: UserId::from_uuid(row.user_id),
            email: row.email,
            role: Role::parse(&row.role).ok_or_else(|| StoreError::inconsistent("memberships", "unknown role"))?,
            created_at: Timestamp::from_micros(row.created_at),
            has_password: row.has_password,
        })
    }

    fn snapshot(&self) -> Value {
        json!({ "email": self.email, "role": self.role.as_str() })
    }
}
