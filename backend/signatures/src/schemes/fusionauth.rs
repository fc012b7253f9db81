//! FusionAuth: `X-FusionAuth-Signature-JWT`, a token with the body's hash, signed with a shared or a private key.
//!
//! Public keys are configured, or fetched as a set from the one address that is configured: FusionAuth is run by its users,
//! each at a host of their own.

use std::borrow::Cow;

use postern_domain::Invalid;

use crate::{
    fields::Fields,
    jws::Algorithm,
    scheme::Credentials,
    schemes::jwt::{Empty, HashForm, Jwt, Profile},
};

pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Jwt, Invalid> {
    if credentials.secrets.is_empty() && credentials.public_keys.is_empty() {
        return Err(Invalid::new("secrets", "must hold the shared key, unless `public_keys` holds a public one"));
    }
    Jwt::new(PROFILE, fields, credentials)
}

const PROFILE: Profile = Profile {
    header: Cow::Borrowed("x-fusionauth-signature-jwt"),
    prefix: None,
    algorithms: &[
        Algorithm::Hs256,
        Algorithm::Hs384,
        Algorithm::Hs512,
        Algorithm::Rs256,
        Algorithm::Rs384,
        Algorithm::Rs512,
        Algorithm::Ps256,
        Algorithm::Ps384,
        Algorithm::Ps512,
        Algorithm::Es256,
        Algorithm::Es384,
        Algorithm::Es512,
        Algorithm::EdDsa,
    ],
    issuer: None,
    required: &[],
    body: Some(("request_body_sha256", HashForm::Base64)),
    body_may_be_empty: Empty::Hashed,
    url: None,
    leeway_s: 300,
    id: None,
};
