//! Microsoft Graph with resource data: the client state in each notification, and `validationTokens` in the body, tokens of
//! Microsoft's identity platform.
//!
//! A token says that Microsoft's publisher of notifications wrote to this application, and until when. It says nothing of the
//! rest of the body: who has seen one request can send another with its tokens until they expire.

use postern_domain::{Invalid, Timestamp};
use serde::Deserialize;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::Keyring,
    jws::{Algorithm, Claims, SharedKeys, Token},
    key_set::{self, KeySet},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed_body},
    scheme::Credentials,
    schemes::{
        jwt::check_life,
        lacking,
        secret::SecretsOf,
        token::{self, TokenPlan},
    },
};

/// Of the application that publishes notifications, in every tenant.
const PUBLISHER: &str = "0bf30f3b-4a52-48df-9a82-234910c4a086";
const KEYS: KeySet =
    key_set::fixed("https://login.microsoftonline.com/common/discovery/v2.0/keys", "login.microsoftonline.com");
/// A token for each pair of application and tenant in a request.
const MAX_TOKENS: usize = 32;
const LEEWAY_S: i64 = 300;

#[derive(Clone, Debug)]
pub(crate) struct MicrosoftGraph {
    client_state: token::Token,
    application: String,
    tenant: Option<String>,
    no_secrets: SharedKeys,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "validationTokens")]
    tokens: Vec<String>,
}

impl MicrosoftGraph {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let plan = TokenPlan::in_each("/value", "/clientState")?;
        let application = fields.text("app_id")?;
        let application = application.ok_or_else(|| invalid("app_id", "is required: tokens are for an application"))?;
        Ok(Self {
            client_state: plan.with_secrets(SecretsOf::Tenant, &credentials.secrets)?,
            application: application.to_ascii_lowercase(),
            tenant: fields.text("tenant_id")?.map(str::to_ascii_lowercase),
            no_secrets: SharedKeys::new(&[])?,
        })
    }

    fn check(&self, claims: &Claims, now: Timestamp) -> Result<(), Refusal> {
        let wrong = |expected: &str| Err(Refusal::new(RefusalCause::SignatureMismatch, expected));
        if !claims.contains("exp") {
            return Err(lacking("validation tokens that expire"));
        }
        check_life(claims, LEEWAY_S, now)?;
        if claims.text("aud") != Some(self.application.as_str()) {
            return wrong("validation tokens for the application of this source");
        }
        // One version of tokens has the one claim, the other the other.
        if claims.text("appid").or_else(|| claims.text("azp")) != Some(PUBLISHER) {
            return wrong("validation tokens of Microsoft Graph's publisher of notifications");
        }
        let tenant = claims.text("tid").filter(|tid| self.tenant.as_deref().is_none_or(|own| own == *tid));
        let issuers = tenant.map(|tid| {
            [format!("https://sts.windows.net/{tid}/"), format!("https://login.microsoftonline.com/{tid}/v2.0")]
        });
        let is_issued = issuers.zip(claims.text("iss")).is_some_and(|(known, iss)| known.iter().any(|of| of == iss));
        if is_issued { Ok(()) } else { wrong("validation tokens issued for the tenant that they name") }
    }
}

impl Coded for MicrosoftGraph {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        // Before any key is fetched: a stranger does not know it.
        let place = self.client_state.verify(request)?;
        let body: Option<Body> = serde_json::from_slice(request.body).ok();
        let tokens = body.map(|body| body.tokens).filter(|tokens| (1..=MAX_TOKENS).contains(&tokens.len()));
        for text in tokens.ok_or_else(|| lacking("`validationTokens`"))? {
            let token = Token::read(&text, &[Algorithm::Rs256]);
            let token = token.ok_or_else(|| malformed_body("JSON Web Tokens with RS256 as `validationTokens`"))?;
            let public_keys = match KEYS.find(token.kid.as_deref(), keys) {
                Ok(public_keys) => public_keys,
                Err(wanted) => return Ok(Proof::NeedsKey(wanted)),
            };
            let opened = token.open(&self.no_secrets, &public_keys);
            let unproved = || Refusal::new(RefusalCause::SignatureMismatch, "validation tokens signed by Microsoft");
            let (claims, _) = opened.ok_or_else(unproved)?;
            self.check(&claims, now)?;
        }
        Ok(Proof::Shown(Shown { secret_index: Some(place), ..Shown::default() }))
    }
}
