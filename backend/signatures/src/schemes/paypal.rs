//! PayPal: `PAYPAL-TRANSMISSION-SIG`, RSA with SHA-256 over `{id}|{time}|{webhook id}|{CRC-32 of the body}`.
//!
//! The body is bound by its CRC-32 only, which whoever holds one genuine request can make any body have: what an event says
//! about money must be asked of PayPal again. The certificate is configured, or fetched from the address that the request
//! gives, when that is PayPal's own; it must name PayPal's message verification, and a fetched one must be vouched for by one
//! of the authorities that browsers trust.

use base64::{Engine, engine::general_purpose::STANDARD};
use postern_domain::{Invalid, Timestamp, source::MAX_SECRETS};
use rustls_pki_types::TrustAnchor;

use crate::{
    coded::{Coded, Proof, Shown},
    fields::{Fields, invalid},
    heard::{KeyRequest, Keyring},
    key_url::{self, KeyUrl},
    public_key::{Certificate, PublicAlgorithm, chain::Chain},
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed},
    scheme::Credentials,
    schemes::wrong_key,
    window::{Unit, Window, tolerance_s},
};

const ID: &str = "paypal-transmission-id";
const TIME: &str = "paypal-transmission-time";
const SIGNATURE: &str = "paypal-transmission-sig";
const ALGORITHM: &str = "paypal-auth-algo";
const CERTIFICATE_URL: &str = "paypal-cert-url";
/// The only one there is; another word would be somebody's who wants a weaker check.
const KNOWN_ALGORITHM: &str = "SHA256withRSA";
const HOST_SUFFIX: &str = "paypal.com";
const NAMES: [&str; 2] = ["messageverificationcerts.paypal.com", "messageverificationcerts.sandbox.paypal.com"];

#[derive(Clone, Debug)]
pub(crate) struct PayPal {
    webhook_id: String,
    configured: Vec<Certificate>,
    window: Option<Window>,
    /// Who may vouch for a fetched certificate.
    roots: &'static [TrustAnchor<'static>],
}

impl PayPal {
    pub(crate) fn parse(fields: &mut Fields<'_>, credentials: &Credentials) -> Result<Self, Invalid> {
        let webhook_id = fields.text("webhook_id")?;
        let webhook_id =
            webhook_id.ok_or_else(|| invalid("webhook_id", "is required: it is part of what is signed"))?;
        if webhook_id.contains('|') {
            return Err(invalid("webhook_id", "must not contain `|`"));
        }
        if credentials.public_keys.len() > MAX_SECRETS {
            return Err(Invalid::new("public_keys", format!("may have at most {MAX_SECRETS} entries")));
        }
        let certificate = |text: &String| {
            let found = Certificate::from_pem(text).filter(is_paypals);
            found.ok_or_else(|| Invalid::new("public_keys", "must each be PayPal's certificate for messages, in PEM"))
        };
        let configured = credentials.public_keys.iter().map(certificate).collect::<Result<_, _>>()?;
        // A retry days later may carry its first time, so that there is no limit unless one is wanted.
        let window = tolerance_s(fields)?.map(|tolerance_s| Window::new(Unit::Rfc3339, Some(tolerance_s)));
        Ok(Self { webhook_id: webhook_id.to_owned(), configured, window, roots: webpki_roots::TLS_SERVER_ROOTS })
    }
}

impl Coded for PayPal {
    fn verify(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Proof, Refusal> {
        let id = request.required_text(ID)?;
        let time = request.required_text(TIME)?;
        let signature = STANDARD.decode(request.required_text(SIGNATURE)?);
        if request.required_text(ALGORITHM)? != KNOWN_ALGORITHM {
            return Err(malformed(format!("header `{ALGORITHM}` as {KNOWN_ALGORITHM}")));
        }
        // With a `|` in one of them, one signed text could be cut in two ways.
        if id.is_empty() || id.contains('|') || Timestamp::parse_rfc3339(time).is_err() {
            return Err(malformed(format!("header `{ID}` without `|`, and `{TIME}` as an RFC 3339 date and time")));
        }
        if let Some(window) = &self.window {
            window.check(TIME, time, now)?;
        }
        let fetched = match self.fetched(request, now, keys)? {
            Certificates::Known(fetched) => fetched,
            Certificates::Ask(ask) => return Ok(Proof::NeedsKey(ask)),
        };
        let signed = format!("{id}|{time}|{}|{}", self.webhook_id, crc32fast::hash(request.body));
        let fits = |certificate: &Certificate| {
            let signature = signature.as_ref().map(Vec::as_slice).unwrap_or_default();
            certificate.key.verifies(PublicAlgorithm::RsaSha256, &[signed.as_bytes()], signature)
        };
        let found = self.configured.iter().chain(&fetched).position(fits);
        let what = "a signature over {id}|{time}|{webhook id}|{CRC-32 of the body}";
        let place = found.ok_or_else(|| wrong_key(what, self.configured.len().max(1)))?;
        Ok(Proof::Shown(Shown {
            secret_index: Some(place),
            signed_headers: vec![http::HeaderName::from_static(ID), http::HeaderName::from_static(TIME)],
            ..Shown::default()
        }))
    }
}

enum Certificates {
    Known(Option<Certificate>),
    Ask(KeyRequest),
}

#[cfg(test)]
impl PayPal {
    /// With authorities of a test's own.
    pub(crate) fn trusting(self, roots: &'static [TrustAnchor<'static>]) -> Self {
        Self { roots, ..self }
    }
}

impl PayPal {
    /// The certificate that the request names, unless there are configured ones, which then are the only ones.
    fn fetched(&self, request: &RawRequest<'_>, now: Timestamp, keys: &dyn Keyring) -> Result<Certificates, Refusal> {
        if !self.configured.is_empty() {
            return Ok(Certificates::Known(None));
        }
        let url = request.required_text(CERTIFICATE_URL)?;
        let expected = || malformed(format!("header `{CERTIFICATE_URL}` as an https address at {HOST_SUFFIX}"));
        let url = KeyUrl::parse(url).filter(|url| key_url::is_below(url.host, HOST_SUFFIX)).ok_or_else(expected)?;
        let ask = url.request(HOST_SUFFIX);
        let Some(answer) = keys.find(&ask.cache_as) else { return Ok(Certificates::Ask(ask)) };
        let chain = std::str::from_utf8(&answer).ok().and_then(Chain::from_pem);
        let chain = chain.filter(|chain| chain.leads_to(self.roots, now));
        let certificate = chain.and_then(|chain| Certificate::from_der(chain.first())).filter(is_paypals);
        let certificate = certificate.filter(|certificate| certificate.is_valid_at(now));
        let expected = || Refusal::new(RefusalCause::SignatureMismatch, "a valid certificate of PayPal for messages");
        certificate.map(|certificate| Certificates::Known(Some(certificate))).ok_or_else(expected)
    }
}

fn is_paypals(certificate: &Certificate) -> bool {
    certificate.common_name.as_deref().is_some_and(|name| NAMES.contains(&name))
}
