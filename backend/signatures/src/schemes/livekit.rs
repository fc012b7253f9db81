//! LiveKit: a token in `Authorization` with the body's hash; its issuer is the API key whose secret signs it.

use std::borrow::Cow;

use postern_domain::Invalid;

use crate::{
    fields::Fields,
    jws::Algorithm,
    scheme::Credentials,
    schemes::jwt::{Empty, HashForm, Jwt, Profile},
};

pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Jwt, Invalid> {
    let issuer = fields.text("api_key")?.map(|key| Cow::Owned(key.to_owned()));
    Jwt::new(Profile { issuer, ..PROFILE }, fields, credentials)
}

const PROFILE: Profile = Profile {
    header: Cow::Borrowed("authorization"),
    prefix: Some("Bearer"),
    algorithms: &[Algorithm::Hs256],
    issuer: None,
    required: &["exp"],
    body: Some(("sha256", HashForm::Base64)),
    body_may_be_empty: Empty::Hashed,
    url: None,
    leeway_s: 60,
    id: None,
};
