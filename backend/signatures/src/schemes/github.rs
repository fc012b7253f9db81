//! GitHub: `X-Hub-Signature-256: sha256=<lower-case hex>`, HMAC-SHA256 over the body.
//!
//! There is no timestamp: a replay is kept off by the dedup of `X-GitHub-Delivery`, which is not signed. The older
//! SHA-1 header, which GitHub sends too, is not looked at.

use http::HeaderName;
use postern_domain::{Invalid, Secret};

use crate::{
    body::Pointer,
    mac::{Algorithm, Keys, lower_hex},
    naming::{Naming, Place},
    refusal::Refusal,
    request::{RawRequest, malformed},
    schemes::mismatch,
};

const HEADER: &str = "x-hub-signature-256";

#[derive(Clone, Debug)]
pub(crate) struct GitHub {
    keys: Keys,
}

impl GitHub {
    pub(crate) fn parse(secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let keys = Keys::derive(Algorithm::Sha256, secrets, |text| Ok(Secret::new(text.as_bytes().to_vec())))?;
        Ok(Self { keys })
    }

    pub(crate) fn naming() -> Naming {
        let action = Pointer::from_steps(vec!["action".to_owned()]);
        Naming::new(
            vec![Place::Header(HeaderName::from_static("x-github-delivery"))],
            vec![Place::HeaderAndBody(HeaderName::from_static("x-github-event"), action)],
        )
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>) -> Result<usize, Refusal> {
        let header = request.required_text(HEADER)?;
        let signature = header.strip_prefix("sha256=");
        let signature = signature.ok_or_else(|| malformed(format!("header `{HEADER}` as sha256=<hex>")))?;
        let found = self.keys.find(&[request.body], std::iter::once(lower_hex(signature)));
        found.ok_or_else(|| mismatch("an HMAC-SHA256 over the body, in lower-case hex,", self.keys.len()))
    }
}
