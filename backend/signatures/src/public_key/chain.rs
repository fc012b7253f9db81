//! Whether a chain of certificates leads to somebody who is trusted.

use std::time::Duration;

use postern_domain::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{ALL_VERIFICATION_ALGS, EndEntityCert, KeyUsage};

use super::pem_block;

/// More is no chain of anybody.
const MAX_CERTIFICATES: usize = 8;

/// A certificate and those that vouch for it, in the order of a PEM text.
pub(crate) struct Chain(Vec<CertificateDer<'static>>);

impl Chain {
    /// Reads all certificates of a PEM text; none when there is something else among them, or no end.
    pub(crate) fn from_pem(text: &str) -> Option<Self> {
        let mut rest = text;
        let mut certificates = Vec::new();
        while let Some(((label, der), after)) = pem_block(rest) {
            if label != "CERTIFICATE" || certificates.len() == MAX_CERTIFICATES {
                return None;
            }
            certificates.push(CertificateDer::from(der));
            rest = after;
        }
        (!certificates.is_empty()).then_some(Self(certificates))
    }

    /// Whether, as of `now`, one of these roots vouches for the first certificate, through the others.
    pub(crate) fn leads_to(&self, roots: &[TrustAnchor<'_>], now: Timestamp) -> bool {
        let Some((first, others)) = self.0.split_first() else { return false };
        let (Ok(first), Ok(now_s)) = (EndEntityCert::try_from(first), u64::try_from(now.as_secs())) else {
            return false;
        };
        let now = UnixTime::since_unix_epoch(Duration::from_secs(now_s));
        let usage = KeyUsage::server_auth();
        first.verify_for_usage(ALL_VERIFICATION_ALGS, roots, others, now, usage, None, None).is_ok()
    }

    /// The certificate that the others vouch for.
    pub(crate) fn first(&self) -> &[u8] {
        self.0.first().map(AsRef::as_ref).unwrap_or_default()
    }
}

/// The one authority of a test, for as long as the process lives.
#[cfg(test)]
pub(crate) fn root_of_tests(pem: &str) -> &'static [TrustAnchor<'static>] {
    let chain: &'static Chain = Box::leak(Box::new(Chain::from_pem(pem).expect("a certificate")));
    let root = webpki::anchor_from_trusted_cert(chain.0.first().expect("one")).expect("a root");
    Box::leak(Box::new([root]))
}
