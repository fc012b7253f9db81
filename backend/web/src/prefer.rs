//! `Prefer` (RFC 7240): how long a caller would wait for an answer, and that it need not. A wish, never a condition: what
//! cannot be read or is not known is passed over.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::Duration,
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use postern_pipeline::calls::Waited;

/// So long is waited at most, whatever is wished for.
const LONGEST_S: u64 = 60;
const HEADER: &str = "prefer";
pub(crate) const APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// What the caller would like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Prefer {
    wait_s: Option<u64>,
    responds_async: bool,
}

impl Prefer {
    /// How long to wait; `None`: not at all.
    pub(crate) fn wait(self) -> Option<Duration> {
        self.wait_s.filter(|seconds| *seconds > 0).map(Duration::from_secs)
    }

    /// For `Preference-Applied`: of what was wished for, what an answer of this status did.
    pub(crate) fn applied(self, waited: Waited, status: StatusCode) -> Option<HeaderValue> {
        let is_async = self.responds_async && status == StatusCode::ACCEPTED;
        let respond_async = is_async.then(|| "respond-async".to_owned());
        let wait = self.wait_s.filter(|_| waited == Waited::Yes).map(|seconds| format!("wait={seconds}"));
        let done: Vec<String> = respond_async.into_iter().chain(wait).collect();
        HeaderValue::try_from(done.join(", ")).ok().filter(|value| !value.is_empty())
    }

    fn read<'a>(values: impl Iterator<Item = &'a str>) -> Self {
        let mut prefer = Self::default();
        for wish in values.flat_map(|value| value.split(',')) {
            // Parameters may follow; none is known.
            let wish = wish.split(';').next().unwrap_or_default();
            let (name, value) = wish.split_once('=').unwrap_or((wish, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                // Said twice, the first counts.
                "wait" => prefer.wait_s = prefer.wait_s.or_else(|| value.parse().ok().map(|it: u64| it.min(LONGEST_S))),
                "respond-async" => prefer.responds_async = true,
                _ => {}
            }
        }
        prefer
    }
}

impl FromRequest for Prefer {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let values = request.headers().get_all(HEADER).filter_map(|value| value.to_str().ok());
        ready(Ok(Self::read(values)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait_s(value: &str) -> Option<u64> {
        Prefer::read([value].into_iter()).wait().map(|wait| wait.as_secs())
    }

    #[test]
    fn a_wish_is_read_as_rfc_7240_writes_it() {
        for (value, expected) in [
            ("wait=10", Some(10)),
            ("respond-async, wait=10", Some(10)),
            ("Wait = \"7\"; foo=bar", Some(7)),
            ("wait=3, wait=9", Some(3)),
            ("wait=600", Some(60)),
            ("wait=99999999999999999999", None),
            ("wait=0", None),
            ("wait=-1", None),
            ("wait", None),
            ("return=minimal", None),
            ("", None),
        ] {
            assert_eq!(wait_s(value), expected, "{value}");
        }
    }

    #[test]
    fn only_what_was_done_is_said_to_be_applied() {
        let both = Prefer::read(["respond-async", "wait=5"].into_iter());
        let said = |waited, status| both.applied(waited, status).map(|value| value.to_str().expect("text").to_owned());
        assert_eq!(said(Waited::Yes, StatusCode::ACCEPTED).as_deref(), Some("respond-async, wait=5"));
        assert_eq!(said(Waited::Yes, StatusCode::OK).as_deref(), Some("wait=5"));
        assert_eq!(said(Waited::No, StatusCode::OK), None);
        assert_eq!(Prefer::default().applied(Waited::Yes, StatusCode::ACCEPTED), None);
    }
}
