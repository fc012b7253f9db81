//! Greetings as data: which request is one, what must be right about it, and what it is answered with.
//!
//! What is given back was sent by somebody unknown: it is reflected only when it is short and of visible ASCII, as plain
//! text or escaped into JSON.

use std::{borrow::Cow, collections::BTreeMap, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderName, HeaderValue};
use postern_domain::{Invalid, Secret};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::{
    body::Pointer,
    fields::Fields,
    form,
    heard::Greeting,
    mac::{Algorithm, Key},
    refusal::{Refusal, RefusalCause},
    request::RawRequest,
};

const MAX_REFLECTED_BYTES: usize = 1_024;
const PLAIN: &str = "text/plain; charset=utf-8";
/// Any text that is not empty.
const ANY: &str = "*";

/// One kind of greeting, as it is written down.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandshakeTable {
    name: String,
    /// It is signed like an event, and answered only when the signature fits.
    #[serde(default)]
    signed: bool,
    #[serde(default)]
    when: When,
    /// What must be the source's `verify_token`, or one of its secrets.
    #[serde(default)]
    token: Option<String>,
    /// What becomes the source's secret.
    #[serde(default)]
    learns: Option<String>,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    content_type: Option<String>,
    #[serde(default)]
    body: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// What is reflected may contain spaces.
    #[serde(default)]
    spaces: bool,
}

/// All of it must hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct When {
    method: Option<String>,
    config: BTreeMap<String, String>,
    header: BTreeMap<String, String>,
    no_header: Vec<String>,
    query: BTreeMap<String, String>,
    form: BTreeMap<String, String>,
    body: BTreeMap<String, String>,
    /// Places in the body where nothing stands.
    no_body: Vec<String>,
    /// Lists in the body that are there and have nothing in them.
    empty: Vec<String>,
}

const fn ok() -> u16 {
    200
}

/// The same, ready to be asked.
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

impl Handshake {
    pub(crate) fn parse(table: HandshakeTable) -> Result<Self, Invalid> {
        let field = format!("handshake `{}`", table.name);
        let fault = |detail: &str| Invalid::new(field.clone(), detail);
        if !(200..500).contains(&table.status) || (300..400).contains(&table.status) {
            return Err(fault("must have a `status` from 200 to 299 or from 400 to 499"));
        }
        let when = table.when.conditions(&field)?;
        if when.is_empty() {
            return Err(fault("must say `when`: else every request would be one"));
        }
        let header = |(name, text): (&String, &String)| {
            let header = HeaderName::from_bytes(name.as_bytes()).map_err(|_| fault("has a header without a name"))?;
            Ok((header, pieces(&field, text)?))
        };
        Ok(Self {
            signed: table.signed,
            when,
            token: table.token.as_deref().map(|text| Value::parse(&field, text)).transpose()?,
            learns: table.learns.as_deref().map(|text| Value::parse(&field, text)).transpose()?,
            status: table.status,
            content_type: table.content_type,
            body: pieces(&field, &table.body)?,
            headers: table.headers.iter().map(header).collect::<Result<_, Invalid>>()?,
            spaces: table.spaces,
            name: table.name,
        })
    }
}

/// Those that a tenant configured for a sender without a preset: `handshakes`, a list of the same tables.
pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Result<Vec<Handshake>, Invalid> {
    let parse = |(place, table): (usize, &serde_json::Value)| {
        let table: HandshakeTable = serde_path_to_error::deserialize(table).map_err(|cause| {
            let path = format!("config.handshakes[{place}].{}", cause.path());
            Invalid::new(path.trim_end_matches(".."), cause.inner().to_string())
        })?;
        let handshake = Handshake::parse(table)?;
        let field = format!("config.handshakes[{place}]");
        handshake.check_answer().map_err(|detail| Invalid::new(field, detail))?;
        Ok(handshake)
    };
    fields.tables("handshakes")?.iter().enumerate().map(parse).collect()
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
                    let place = if let Stage::Signed(Some(place)) = stage { place } else { 0 };
                    text.push_str(&write(&self.keys.get(place)?.mac(&[signed.as_bytes()])));
                }
            }
        }
        Some(text)
    }
}

impl fmt::Debug for Handshakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} handshakes]", self.all.len())
    }
}

impl Handshake {
    /// The front door's answers come from tenants: nothing in them may mean anything to a browser.
    fn check_answer(&self) -> Result<(), &'static str> {
        let types = ["application/json", "text/plain", "text/xml"];
        let media_type = self.content_type.as_deref().map(|text| text.split(';').next().unwrap_or_default().trim());
        if media_type.is_some_and(|text| !types.contains(&text)) {
            return Err("must have a `content_type` of application/json, text/plain or text/xml");
        }
        let own = |name: &HeaderName| name.as_str().starts_with("x-") || name.as_str().starts_with("webhook-");
        if !self.headers.iter().all(|(name, _)| own(name)) {
            return Err("may answer with headers that begin with `x-` or `webhook-` only");
        }
        if self.learns.is_some() {
            return Err("cannot learn a secret: such a sender needs a preset");
        }
        Ok(())
    }

    fn may_reflect(&self, text: &str) -> bool {
        let least = if self.spaces { b' ' } else { b'!' };
        (1..=MAX_REFLECTED_BYTES).contains(&text.len()) && text.bytes().all(|byte| (least..=b'~').contains(&byte))
    }
}

impl When {
    fn conditions(self, field: &str) -> Result<Vec<Condition>, Invalid> {
        let is = |kind: &str, (name, wanted): (String, String)| {
            Value::parse(field, &format!("{kind}:{name}")).map(|value| Condition::Is(value, wanted))
        };
        let mut all: Vec<Condition> = self.method.into_iter().map(Condition::Method).collect();
        all.extend(self.config.into_iter().map(|(name, value)| Condition::Config(name, value)));
        all.extend(self.no_header.into_iter().map(Condition::NoHeader));
        for (kind, map) in [("header", self.header), ("query", self.query), ("form", self.form), ("body", self.body)] {
            for entry in map {
                all.push(is(kind, entry)?);
            }
        }
        for pointer in self.no_body {
            all.push(Condition::Absent(Pointer::parse(field, &pointer)?));
        }
        for pointer in self.empty {
            all.push(Condition::Empty(Pointer::parse(field, &pointer)?));
        }
        Ok(all)
    }
}

impl Value {
    fn parse(field: &str, text: &str) -> Result<Self, Invalid> {
        match text.split_once(':') {
            Some(("header", name)) => Ok(Self::Header(name.to_ascii_lowercase())),
            Some(("query", name)) => Ok(Self::Query(name.to_owned())),
            Some(("form", name)) => Ok(Self::Form(name.to_owned())),
            Some(("body", pointer)) => Pointer::parse(field, pointer).map(Self::Body),
            _ => Err(Invalid::new(
                field,
                format!("has `{text}`, which is none of `header:name`, `query:name`, `form:name` and `body:/pointer`"),
            )),
        }
    }

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

/// Reads `sha256=${mac-base64:query:crc_token}`.
fn pieces(field: &str, text: &str) -> Result<Vec<Piece>, Invalid> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, after) =
            after.split_once('}').ok_or_else(|| Invalid::new(field, format!("has `${{` without `}}` in `{text}`")))?;
        if !before.is_empty() {
            pieces.push(Piece::Literal(before.to_owned()));
        }
        pieces.push(piece(field, inside)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

fn piece(field: &str, inside: &str) -> Result<Piece, Invalid> {
    if let Some(value) = inside.strip_prefix("mac-hex:") {
        return Ok(Piece::Mac { value: Value::parse(field, value)?, write: |mac| hex::encode(mac) });
    }
    if let Some(value) = inside.strip_prefix("mac-base64:") {
        return Ok(Piece::Mac { value: Value::parse(field, value)?, write: |mac| STANDARD.encode(mac) });
    }
    let (value, optional) = inside.strip_suffix('?').map_or((inside, false), |value| (value, true));
    Ok(Piece::Reflected { value: Value::parse(field, value)?, optional })
}
