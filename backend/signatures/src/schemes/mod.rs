//! One file for each way of proving who sent a request. Each reads its configuration, and says which secret fits.

pub(crate) mod adyen;
pub(crate) mod amazon_sns;
pub(crate) mod braintree;
mod carrier;
pub(crate) mod fusionauth;
pub(crate) mod hook0;
pub(crate) mod hubspot;
mod jwt;
mod keys;
pub(crate) mod livekit;
pub(crate) mod mailgun;
pub(crate) mod mandrill;
pub(crate) mod messagebird;
pub(crate) mod microsoft_graph;
pub(crate) mod monday;
pub(crate) mod netlify;
pub(crate) mod nowpayments;
pub(crate) mod paddle_classic;
pub(crate) mod paypal;
pub(crate) mod plaid;
pub(crate) mod plivo;
pub(crate) mod secret;
pub(crate) mod sendgrid;
pub(crate) mod signed;
pub(crate) mod standard_webhooks;
pub(crate) mod sumsub;
pub(crate) mod token;
pub(crate) mod twilio;
pub(crate) mod vonage;
pub(crate) mod wise;

use postern_domain::{Invalid, source::MAX_SECRETS};

use crate::{
    public_key::PublicKey,
    refusal::{Refusal, RefusalCause},
    scheme::Credentials,
};

/// What was signed, or by whom, was not what it should be.
fn mismatch(what: &str, secrets: usize) -> Refusal {
    let whose = if secrets == 1 { "the secret".to_owned() } else { format!("one of the {secrets} secrets") };
    Refusal::new(RefusalCause::SignatureMismatch, format!("{what} made with {whose} of this source"))
}

/// As [`mismatch`], of what is signed with a private key.
fn wrong_key(what: &str, keys: usize) -> Refusal {
    let whose = if keys == 1 { "the key".to_owned() } else { format!("one of the {keys} keys") };
    Refusal::new(RefusalCause::SignatureMismatch, format!("{what} made with {whose} of the sender"))
}

/// What the scheme reads in the body is not there.
fn lacking(expected: &str) -> Refusal {
    Refusal::new(RefusalCause::MalformedBody, format!("a body with {expected}"))
}

/// The keys of a scheme that has no secrets.
fn public_keys(
    credentials: &Credentials,
    is_fitting: impl Fn(&PublicKey) -> bool,
    form: &str,
) -> Result<Vec<PublicKey>, Invalid> {
    let invalid = |detail: String| Err(Invalid::new("public_keys", detail));
    match credentials.public_keys.len() {
        0 => return invalid(format!("must hold {form}")),
        1..=MAX_SECRETS => {}
        _ => return invalid(format!("may have at most {MAX_SECRETS} entries")),
    }
    let read = |text: &String| PublicKey::parse(text).filter(&is_fitting);
    let keys: Option<Vec<PublicKey>> = credentials.public_keys.iter().map(read).collect();
    keys.map_or_else(|| invalid(format!("must each be {form}")), Ok)
}
