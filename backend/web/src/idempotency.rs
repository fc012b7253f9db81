//! `Idempotency-Key`: a change that is sent twice is made once, and answered twice alike.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use postern_pipeline::configure::OnceKey;

use crate::problem::{Code, Problem};

const HEADER: &str = "idempotency-key";
const MAX_LEN: usize = 200;

/// The key that came, if any, with what makes the request itself: its method and path.
#[derive(Debug)]
pub struct Idempotency {
    key: Option<String>,
    request: String,
}

impl Idempotency {
    /// For a request with this body; empty when it has none.
    #[must_use]
    pub fn with_body(self, body: &[u8]) -> Option<OnceKey> {
        let Self { key, request } = self;
        key.map(|key| OnceKey::new(&key, &request, body))
    }

    /// The key alone, where it serves as a dedup key.
    #[must_use]
    pub fn into_key(self) -> Option<String> {
        self.key
    }

    fn read(request: &HttpRequest) -> Result<Self, Problem> {
        let mut values = request.headers().get_all(HEADER);
        let key = values.next().map(|value| {
            let text = value.to_str().ok().filter(|text| (1..=MAX_LEN).contains(&text.len()));
            text.map(str::to_owned).ok_or_else(|| {
                Problem::new(
                    Code::MalformedRequest,
                    format!("Idempotency-Key must have 1 to {MAX_LEN} visible characters."),
                )
            })
        });
        if values.next().is_some() {
            return Err(Problem::new(Code::MalformedRequest, "There are two Idempotency-Key headers."));
        }
        Ok(Self { key: key.transpose()?, request: format!("{} {}", request.method(), request.path()) })
    }
}

impl FromRequest for Idempotency {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request))
    }
}
