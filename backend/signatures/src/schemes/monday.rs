//! monday.com: a token in `Authorization` signed with the app's signing secret. It says nothing about the body.

use std::borrow::Cow;

use postern_domain::Invalid;

use crate::{
    fields::Fields,
    jws::Algorithm,
    scheme::Credentials,
    schemes::jwt::{Empty, Jwt, Profile},
};

pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Jwt, Invalid> {
    Jwt::new(PROFILE, fields, credentials)
}

const PROFILE: Profile = Profile {
    header: Cow::Borrowed("authorization"),
    prefix: Some("Bearer"),
    algorithms: &[Algorithm::Hs256],
    issuer: None,
    required: &[],
    body: None,
    body_may_be_empty: Empty::Hashed,
    url: None,
    leeway_s: 60,
    id: None,
};
