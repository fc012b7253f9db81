//! Schemes that need code: one file each in `schemes`, one line each in the list below.

use std::{fmt, sync::Arc};

use http::HeaderName;
use postern_domain::{Invalid, Timestamp};

use crate::{
    fields::Fields,
    heard::{Greeting, KeyRequest, Keyring},
    refusal::Refusal,
    request::RawRequest,
    scheme::Credentials,
    schemes::{
        adyen, amazon_sns, braintree, fusionauth, hook0, hubspot, livekit, mailgun, mandrill, messagebird,
        microsoft_graph, monday, netlify, nowpayments, paddle_classic, paypal, plaid, plivo, sendgrid, sumsub, twilio,
        vonage, wise,
    },
};

/// Verifies by more than data can say.
pub(crate) trait Coded: fmt::Debug + Send + Sync {
    /// Who sent it. Headers are looked at before the timestamp, the timestamp before the signature.
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal>;

    /// The answer to a request that comes without a signature and asks for a computed one. Asked before
    /// [`Self::verify`]; what data can say stands in the preset instead.
    fn greet(&self, _request: &RawRequest<'_>) -> Option<Greeting> {
        None
    }
}

/// What came of it, if it was not refused.
#[derive(Debug)]
pub(crate) enum Proof {
    Shown(Shown),
    NeedsKey(KeyRequest),
    /// It is proved and asks for an answer of its own.
    Greeting(Greeting),
}

/// By what it was proved, and over what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// Which of the secrets fitted, or which of the public keys, counted on after the secrets.
    pub(crate) secret_index: Option<usize>,
    /// The whole body is signed, so that an id in it is.
    pub(crate) covers_body: bool,
    /// Headers that are signed, so that an id in one of them is.
    pub(crate) signed_headers: Vec<HeaderName>,
    /// A signed id that only the scheme can find; else the preset's `id` tells where it stands.
    pub(crate) event_id: Option<String>,
    /// Likewise the type.
    pub(crate) event_type: Option<String>,
}

/// Reads what the source configured, and which secrets it has.
pub(crate) type Parse = fn(&mut Fields<'_>, &Credentials) -> Result<Arc<dyn Coded>, Invalid>;

/// By the name that a preset's `verify.coded` has.
const CODED: &[(&str, Parse)] = &[
    ("adyen", |fields, credentials| Ok(Arc::new(adyen::Adyen::parse(fields, credentials)?))),
    ("amazon-sns", |fields, credentials| Ok(Arc::new(amazon_sns::AmazonSns::parse(fields, credentials)?))),
    ("braintree", |fields, credentials| Ok(Arc::new(braintree::Braintree::parse(fields, credentials)?))),
    ("fusionauth", |fields, credentials| Ok(Arc::new(fusionauth::parse(fields, credentials)?))),
    ("hook0", |fields, credentials| Ok(Arc::new(hook0::Hook0::parse(fields, credentials)?))),
    ("hubspot-v3", |fields, credentials| Ok(Arc::new(hubspot::HubSpotV3::parse(fields, credentials)?))),
    ("livekit", |fields, credentials| Ok(Arc::new(livekit::parse(fields, credentials)?))),
    ("mailgun", |fields, credentials| Ok(Arc::new(mailgun::Mailgun::parse(fields, credentials)?))),
    ("mandrill", |fields, credentials| Ok(Arc::new(mandrill::Mandrill::parse(fields, credentials)?))),
    ("messagebird", |fields, credentials| Ok(Arc::new(messagebird::parse(fields, credentials)?))),
    ("microsoft-graph", |fields, credentials| {
        Ok(Arc::new(microsoft_graph::MicrosoftGraph::parse(fields, credentials)?))
    }),
    ("monday-jwt", |fields, credentials| Ok(Arc::new(monday::parse(fields, credentials)?))),
    ("netlify", |fields, credentials| Ok(Arc::new(netlify::parse(fields, credentials)?))),
    ("nowpayments", |fields, credentials| Ok(Arc::new(nowpayments::NowPayments::parse(fields, credentials)?))),
    ("paddle-classic", |fields, credentials| Ok(Arc::new(paddle_classic::PaddleClassic::parse(fields, credentials)?))),
    ("paypal", |fields, credentials| Ok(Arc::new(paypal::PayPal::parse(fields, credentials)?))),
    ("plaid", |fields, credentials| Ok(Arc::new(plaid::Plaid::parse(fields, credentials)?))),
    ("sendgrid", |fields, credentials| Ok(Arc::new(sendgrid::SendGrid::parse(fields, credentials)?))),
    ("sumsub", |fields, credentials| Ok(Arc::new(sumsub::Sumsub::parse(fields, credentials)?))),
    ("plivo", |fields, credentials| Ok(Arc::new(plivo::Plivo::parse(fields, credentials)?))),
    ("twilio", |fields, credentials| Ok(Arc::new(twilio::Twilio::parse(fields, credentials)?))),
    ("vonage", |fields, credentials| Ok(Arc::new(vonage::parse(fields, credentials)?))),
    ("wise", |fields, credentials| Ok(Arc::new(wise::Wise::parse(fields, credentials)?))),
];

pub(crate) fn find(name: &str) -> Option<Parse> {
    CODED.iter().find(|(known, _)| *known == name).map(|(_, parse)| *parse)
}

/// All names, for the error that names them.
pub(crate) fn names() -> Vec<&'static str> {
    CODED.iter().map(|(name, _)| *name).collect()
}
