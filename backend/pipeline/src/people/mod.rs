//! People: who logs in, what they prove, and which tenants they act for.
//!
//! A [`Person`] comes from a live session and stands above tenants; what they may do in one follows from their
//! [`Membership`], read anew each time. Start at [`log_in`], then [`identify`]; members of a tenant are in [`member`].

pub(crate) mod hashing;
mod log_in;
mod member;
mod password;
mod person;
mod session;
mod throttle;

pub use log_in::{LogIn, LogInError, LoggedIn, log_in};
pub use member::{MemberError, NewMember, Removal, RoleChange, add_member, remove_member, set_role};
pub use password::{ChangePasswordError, ConfirmError, change_password, confirm};
pub use person::{Person, identify, identify_again, membership, memberships, set_theme};
pub use postern_store::{people::Membership, tenant::Member};
pub use session::{SessionView, end_session, log_out, sessions};
