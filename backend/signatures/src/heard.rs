//! What became of a request: an event, a greeting that is answered in the sender's own way, or a key to be had first.

use std::{borrow::Cow, sync::Arc};

use http::{HeaderName, HeaderValue};
use postern_domain::Secret;

/// A request that proved who sent it, or that may be answered without.
#[derive(Clone, Debug)]
pub enum Heard {
    /// An event. It is answered as the source says, or else as [`crate::SourceScheme::answer`] does.
    Event(Verified),
    /// Never becomes an event.
    Greeting(Greeting),
    /// Cannot be told before a key was fetched from the sender. Fetch it, put it into the [`Keyring`], ask again.
    NeedsKey(KeyRequest),
}

/// Who sent a request, and what they call it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Verified {
    /// The sender's id for the event.
    pub event_id: Option<String>,
    /// The sender's type of the event.
    pub event_type: Option<String>,
    /// Which secret fitted, counted from 0, so that one can see when an old one is no longer used.
    pub secret_index: Option<usize>,
    /// Whether the id is part of what is signed. Where it is not, a replay can carry another one.
    pub id_is_signed: bool,
}

/// A request that must be answered in the sender's own way, and the answer.
#[derive(Clone, Debug)]
pub struct Greeting {
    pub status: u16,
    pub content_type: Option<Cow<'static, str>>,
    /// Beyond the content type.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Vec<u8>,
    /// The stable name, for lists: `meta-challenge`.
    pub kind: Cow<'static, str>,
    /// A secret that this very request hands over. It becomes the source's secret, only while it has none.
    pub learned: Option<Secret<String>>,
}

/// A key that only the sender can give out.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    pub url: String,
    pub method: &'static str,
    pub body: Option<Secret<Vec<u8>>>,
    /// The host of `url` is this name or ends in `.` and this name; scheme `https`, no redirects. Checked already, and
    /// to be checked again by who fetches it.
    pub host_suffix: Cow<'static, str>,
    /// The name under which [`Keyring::find`] is asked for what came.
    pub cache_as: String,
}

/// Keys that were fetched before, as they came.
pub trait Keyring {
    /// What was fetched for a [`KeyRequest`] with this `cache_as`.
    fn find(&self, cache_as: &str) -> Option<Arc<Vec<u8>>>;
}

/// Has none.
impl Keyring for () {
    fn find(&self, _: &str) -> Option<Arc<Vec<u8>>> {
        None
    }
}

/// A request, looked at step by step.
#[derive(Clone, Debug)]
pub struct Examined {
    /// In the order in which they are taken; the last one is the first that failed, if one did.
    pub steps: Vec<Step>,
    pub outcome: Result<Heard, crate::Refusal>,
}

/// One step, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// `headers`, `timestamp`, `signature`, `token`, `key`, `greeting`, `names`.
    pub name: &'static str,
    pub ok: bool,
    /// What was found or what was expected; never a secret, never the signature that would have matched.
    pub detail: String,
}
