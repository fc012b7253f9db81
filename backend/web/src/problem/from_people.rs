//! Errors of what is done to members, as problems.

use postern_pipeline::people::MemberError;

use super::{Code, Problem};

impl From<MemberError> for Problem {
    fn from(cause: MemberError) -> Self {
        match cause {
            MemberError::Invalid(invalid) => invalid.into(),
            MemberError::NotFound => Self::not_found(),
            MemberError::AlreadyMember => {
                Self::new(Code::AlreadyExists, "This user is a member already. Change the role instead.")
            }
            MemberError::LastOwner => {
                Self::new(Code::LastOwner, "This is the last owner. Make somebody else an owner first.")
            }
            MemberError::RoleAboveOwn => {
                Self::new(Code::RoleAboveOwn, "You can neither give nor take a role that may do more than you may.")
            }
            MemberError::TooMany { limit } => {
                Self::new(Code::LimitReached, format!("There can be at most {limit} members."))
            }
            MemberError::OnceKeyReused => {
                Self::new(Code::IdempotencyMismatch, "Send another Idempotency-Key, or the request it was used for.")
            }
            MemberError::Store(cause) => cause.into(),
        }
    }
}
