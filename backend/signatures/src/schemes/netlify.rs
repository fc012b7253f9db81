//! Netlify: `X-Webhook-Signature`, a token with the body's hash and no time.

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
    header: Cow::Borrowed("x-webhook-signature"),
    prefix: None,
    algorithms: &[Algorithm::Hs256],
    issuer: Some(Cow::Borrowed("netlify")),
    required: &[],
    body: Some(("sha256", HashForm::Hex)),
    body_may_be_empty: Empty::Hashed,
    url: None,
    leeway_s: 300,
    id: None,
};
