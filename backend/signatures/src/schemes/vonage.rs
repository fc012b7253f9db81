//! Vonage: a bearer token with the body's hash and the time of its making.

use std::borrow::Cow;

use postern_domain::Invalid;

use crate::{
    fields::Fields,
    jws::Algorithm,
    scheme::Credentials,
    schemes::jwt::{Empty, HashForm, Jwt, Profile},
};

pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Jwt, Invalid> {
    Jwt::new(PROFILE, fields, credentials)
}

const PROFILE: Profile = Profile {
    header: Cow::Borrowed("authorization"),
    prefix: Some("Bearer"),
    algorithms: &[Algorithm::Hs256],
    issuer: None,
    required: &["iat"],
    body: Some(("payload_hash", HashForm::Hex)),
    body_may_be_empty: Empty::Unhashed,
    url: None,
    leeway_s: 300,
    id: Some("jti"),
};
