//! A member as the API takes and shows it.

use postern_domain::{Invalid, Secret, Timestamp, role::Role};
use postern_pipeline::people::NewMember;
use postern_store::tenant::Member;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::v1::schema;

/// Somebody to be made a member. A user of this address who is known already is added as they are.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMember)]
pub(crate) struct CreateMember {
    #[schema(max_length = 254)]
    pub(crate) email: String,
    #[schema(value_type = schema::Role)]
    pub(crate) role: String,
    /// For a user who is not known yet; one who is keeps theirs. Without one they cannot log in.
    #[serde(default)]
    #[schema(min_length = 12, max_length = 128, write_only)]
    pub(crate) password: Option<String>,
}

/// What is to be different of a member.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberChange)]
pub(crate) struct PatchMember {
    #[schema(value_type = schema::Role)]
    pub(crate) role: String,
}

/// A person of the tenant.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(crate) struct MemberView {
    /// Of the user.
    id: String,
    email: String,
    #[schema(value_type = schema::Role)]
    role: &'static str,
    /// When they became a member.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl MemberView {
    pub(crate) fn of(member: &Member) -> Self {
        Self {
            id: member.user.to_string(),
            email: member.email.clone(),
            role: member.role.as_str(),
            created_at: member.created_at,
        }
    }
}

impl CreateMember {
    /// What makes two requests under one Idempotency-Key the same. A hash of it is stored, so the password, which could
    /// be guessed from one, is no part of it.
    pub(crate) fn fingerprint(&self) -> String {
        format!("{}\n{}", self.email, self.role)
    }

    /// As somebody with the role `own` asks for it.
    pub(crate) fn asked_by(self, own: Role) -> Result<NewMember, Invalid> {
        let role = role(&self.role)?;
        Ok(NewMember { email: self.email, role, password: self.password.map(Secret::new), own })
    }
}

pub(crate) fn role(text: &str) -> Result<Role, Invalid> {
    Role::parse(text).ok_or_else(|| Invalid::new("role", "must be owner, admin, editor or viewer"))
}
