//! Greetings as data: which request is one, what must be right about it, and what it is answered with.
//!
//! What is given back was sent by somebody unknown: it is reflected only when it is short and of visible ASCII, as plain
//! text or escaped into JSON.

mod table;

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use http::{HeaderName, HeaderValue};
use postern_domain::{Invalid, Secret};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    body::Pointer,
    form,
    heard::Greeting,
    mac::{Algorithm, Key},
    refusal::{Refusal, RefusalCause},
    request::RawRequest,
};

pub(crate) use table::{HandshakeTable, from_fields};

const MAX_TOKEN_BYTES: usize = 256;
const MAX_REFLECTED_BYTES: usize = 1_024;
const PLAIN: &str = "text/plain; charset=utf-8";
/// Any text that is not empty.
const ANY: &str = "*";

/// One kind of greeting.
#[derive(Clone, Debug)]
pub(crate) struct Handshake {
    pub(crate) name: String,
    signed: bool,
    when: Vec<Condition>,
    token: Option<Value>,
    learns: Option<Value>,
    status: u16,
    content_type: Option<String>,
    body: Vec<Piece>,
    headers: Vec<(HeaderName, Vec<Piece>)>,
    spaces: bool,
}

#[derive(Clone, Debug)]
enum Condition {
    Method(String),
    Config(String, String),
    NoHeader(String),
    Is(Value, String),
    Absent(Pointer),
    Empty(Pointer),
}

/// Something that stands in a request.
#[derive(Clone, Debug)]
enum Value {
    Header(String),
    Query(String),
    Form(String),
    Body(Pointer),
}

/// A part of an answer.
#[derive(Clone, Debug)]
enum Piece {
    Literal(String),
    Reflected {
        value: Value,
        optional: bool,
    },
    /// HMAC-SHA256 of the value under the source's secret.
    Mac {
        value: Value,
        write: fn(&[u8]) -> String,
    },
}

/// What the answers of one source are made with.
#[derive(Clone, Default)]
pub(crate) struct Handshakes {
    all: Arc<Vec<Handshake>>,
    settings: BTreeMap<String, String>,
    keys: Vec<Key>,
    digests: Vec<[u8; 32]>,
}

/// Before the signature was checked, or after, with the secret that fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    Unsigned,
    Signed(Option<usize>),
}

impl Handshakes {
    pub(crate) fn new(
        all: Arc<Vec<Handshake>>,
        settings: BTreeMap<String, String>,
        secrets: &[Secret<String>],
    ) -> Result<Self, Invalid> {
        if all.is_empty() {
            return Ok(Self::default());
        }
        let bytes = || secrets.iter().map(|secret| secret.expose().as_bytes());
        let keys = bytes().map(|bytes| Key::new(Algorithm::Sha256, bytes)).collect::<Result<_, _>>()?;
        Ok(Self { all, settings, keys, digests: bytes().map(|bytes| Sha256::digest(bytes).into()).collect() })
    }

    /// The answer, if the request is a greeting of this stage.
    pub(crate) fn answer(&self, request: &RawRequest<'_>, stage: Stage) -> Result<Option<Greeting>, Refusal> {
        let signed = matches!(stage, Stage::Signed(_));
        for handshake in self.all.iter().filter(|handshake| handshake.signed == signed) {
            if !handshake.when.iter().all(|condition| self.holds(condition, request)) {
                continue;
            }
            if let Some(value) = &handshake.token {
                self.check_token(value, request)?;
            }
            let learned = match &handshake.learns {
                None => None,
                Some(value) => match self.learn(handshake, value, request) {
                    Some(learned) => learned,
                    None => continue,
                },
            };
            if let Some(greeting) = self.greeting(handshake, request, stage) {
                return Ok(Some(Greeting { learned, ..greeting }));
            }
        }
        Ok(None)
    }

    fn holds(&self, condition: &Condition, request: &RawRequest<'_>) -> bool {
        match condition {
            Condition::Method(method) => request.method == method,
            Condition::Config(name, value) => self.settings.get(name) == Some(value),
            Condition::NoHeader(name) => !request.headers.contains_key(name.as_str()),
            Condition::Is(value, wanted) => value
                .read(request)
                .is_some_and(|text| if wanted == ANY { !text.is_empty() } else { text == wanted.as_str() }),
            Condition::Absent(pointer) => !pointer.is_there(request.body),
            Condition::Empty(pointer) => pointer.is_empty_list(request.body),
        }
    }

    fn check_token(&self, value: &Value, request: &RawRequest<'_>) -> Result<(), Refusal> {
        let digest = Sha256::digest(value.read(request).unwrap_or_default().as_bytes());
        let own = self.settings.get("verify_token").map(|token| <[u8; 32]>::from(Sha256::digest(token.as_bytes())));
        let known = own.map_or_else(|| self.digests.clone(), |own| vec![own]);
        let fitting = known.iter().filter(|known| bool::from(known.ct_eq(&digest[..]))).count();
        if fitting > 0 {
            return Ok(());
        }
        let expected = format!("the verify token of this source in {}", value.place());
        Err(Refusal::new(RefusalCause::WrongToken, expected).with_status(403))
    }

    /// Outside: whether it is a greeting at all. Inside: the secret, when the source has none yet.
    fn learn(&self, handshake: &Handshake, value: &Value, request: &RawRequest<'_>) -> Option<Option<Secret<String>>> {
        let text = value.read(request).filter(|text| handshake.may_reflect(text))?;
        if self.digests.is_empty() {
            return Some(Some(Secret::new(text.into_owned())));
        }
        let digest = Sha256::digest(text.as_bytes());
        self.digests.iter().any(|known| bool::from(known.ct_eq(&digest[..]))).then_some(None)
    }

    fn greeting(&self, handshake: &Handshake, request: &RawRequest<'_>, stage: Stage) -> Option<Greeting> {
        let is_json = handshake.content_type.as_deref().is_some_and(|text| text.starts_with("application/json"));
        let body = self.write(handshake, &handshake.body, (request, stage, is_json))?;
        let mut headers = Vec::new();
        for (name, pieces) in &handshake.headers {
            let text = self.write(handshake, pieces, (request, stage, false))?;
            // Nothing but an optional part that is not there: no header either.
            if !text.is_empty() {
                headers.push((name.clone(), HeaderValue::from_str(&text).ok()?));
            }
        }
        let default = (!body.is_empty()).then(|| PLAIN.to_owned());
        let content_type = handshake.content_type.clone().or(default).map(Cow::Owned);
        if !body.is_empty() {
            headers.push((http::header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")));
        }
        let kind = Cow::Owned(handshake.name.clone());
        Some(Greeting { status: handshake.status, content_type, headers, body: body.into_bytes(), kind, learned: None })
    }

    fn write(
        &self,
        handshake: &Handshake,
        pieces: &[Piece],
        (request, stage, is_json): (&RawRequest<'_>, Stage, bool),
    ) -> Option<String> {
        let mut text = String::new();
        for piece in pieces {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Reflected { value, optional } => match value.read(request) {
                    None if *optional => {}
                    None => return None,
                    Some(reflected) if !handshake.may_reflect(&reflected) => return None,
                    Some(reflected) if is_json => {
                        let quoted = serde_json::to_string(&reflected).ok()?;
                        text.push_str(quoted.strip_prefix('"')?.strip_suffix('"')?);
                    }
                    Some(reflected) => text.push_str(&reflected),
                },
                Piece::Mac { value, write } => {
                    let signed = value.read(request).filter(|text| handshake.may_reflect(text))?;
                    let is_signed = matches!(stage, Stage::Signed(_));
                    if !is_signed && !is_token(&signed) {
                        return None;
                    }
                    let place = if let Stage::Signed(Some(place)) = stage { place } else { 0 };
                    text.push_str(&write(&self.keys.get(place)?.mac(&[signed.as_bytes()])));
                }
            }
        }
        Some(text)
    }
}

/// Whoever knows the address may ask for the MAC of it: so it must not be what a sender's event could look like.
fn is_token(text: &str) -> bool {
    text.len() <= MAX_TOKEN_BYTES && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} handshakes]", self.all.len())
    }
}

impl Handshake {
    fn may_reflect(&self, text: &str) -> bool {
        let least = if self.spaces { b' ' } else { b'!' };
        (1..=MAX_REFLECTED_BYTES).contains(&text.len()) && text.bytes().all(|byte| (least..=b'~').contains(&byte))
    }
}

impl Value {
    fn read<'a>(&self, request: &RawRequest<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Header(name) => request.single_text(name).ok().flatten().map(Cow::Borrowed),
            Self::Query(name) => form::find(form::query(request.url), name),
            Self::Form(name) => form::find(request.body, name),
            Self::Body(pointer) => pointer.find(request.body).map(Cow::Owned),
        }
    }

    fn place(&self) -> String {
        match self {
            Self::Header(name) => format!("header `{name}`"),
            Self::Query(name) => format!("`{name}` of the URL"),
            Self::Form(name) => format!("`{name}` of the form"),
            Self::Body(pointer) => format!("`{pointer}` of the body"),
        }
    }
}
