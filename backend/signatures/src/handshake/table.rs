//! How a greeting is written down, in a preset or in a source's `config`.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderName;
use postern_domain::Invalid;
use serde::Deserialize;

use super::{Condition, Handshake, Piece, Value};
use crate::{body::Pointer, fields::Fields};

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
