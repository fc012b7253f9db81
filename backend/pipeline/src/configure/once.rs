//! A change that is asked for twice is made once.

use postern_seal::token::sha256;

/// What the caller calls the change, and what the change was.
#[derive(Clone, Copy, Debug)]
pub struct OnceKey {
    pub(crate) key: [u8; 32],
    pub(crate) fingerprint: [u8; 32],
}

impl OnceKey {
    /// `request` and `body` together are what must be the same the second time.
    #[must_use]
    pub fn new(key: &str, request: &str, body: &[u8]) -> Self {
        let request = sha256(request.as_bytes());
        let body = sha256(body);
        Self { key: sha256(key.as_bytes()), fingerprint: sha256([request, body].concat()) }
    }
}

/// The key was used for another change.
#[derive(Clone, Copy, Debug)]
pub struct OnceKeyReused;

/// What became of a change.
#[derive(Debug)]
pub enum Done<T> {
    /// It was made.
    Now(T),
    /// It was made when it was asked for the first time; this was remembered of it.
    Before { status: u16, body: String },
}
