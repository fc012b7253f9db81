//! MessageBird (Bird): `MessageBird-Signature-JWT`, a token over the URL and the body.

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
    header: Cow::Borrowed("messagebird-signature-jwt"),
    prefix: None,
    algorithms: &[Algorithm::Hs256, Algorithm::Hs384, Algorithm::Hs512],
    issuer: Some(Cow::Borrowed("MessageBird")),
    required: &["nbf", "exp"],
    body: Some(("payload_hash", HashForm::Hex)),
    body_may_be_empty: Empty::Unhashed,
    url: Some("url_hash"),
    leeway_s: 1,
    id: Some("jti"),
};
