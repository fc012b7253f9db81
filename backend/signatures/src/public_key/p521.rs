//! ECDSA on the curve P-521, by the library that checks certificates.

use rsa::pkcs8::der::{AnyRef, Encode, Tag, asn1::UintRef};
use webpki::aws_lc_rs::ECDSA_P521_SHA512;

const NUMBER_BYTES: usize = 66;
const POINT_BYTES: usize = 1 + 2 * NUMBER_BYTES;
const UNCOMPRESSED: u8 = 4;

/// A public key; whether it is on the curve shows when a signature is verified.
#[derive(Clone)]
pub(crate) struct Point([u8; POINT_BYTES]);

impl Point {
    /// Reads an uncompressed point.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().filter(|bytes: &[u8; POINT_BYTES]| bytes[0] == UNCOMPRESSED).map(Self)
    }

    /// With SHA-512; the signature is its two numbers one after the other.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        in_der(signature)
            .is_some_and(|signature| ECDSA_P521_SHA512.verify_signature(&self.0, message, &signature).is_ok())
    }
}

fn in_der(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(NUMBER_BYTES).filter(|(_, s)| s.len() == NUMBER_BYTES)?;
    let number = |bytes| UintRef::new(bytes).and_then(|number| number.to_der()).ok();
    let numbers = [number(r)?, number(s)?].concat();
    AnyRef::new(Tag::Sequence, &numbers).and_then(|sequence| sequence.to_der()).ok()
}
