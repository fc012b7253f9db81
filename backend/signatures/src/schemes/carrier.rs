//! Where signatures stand in the headers, and how they are written.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderName;
use postern_domain::Invalid;

use crate::{
    fields::{Fields, invalid},
    mac::{MAX_SIGNATURES, lower_hex},
    parameters,
    refusal::{Refusal, RefusalCause},
    request::{RawRequest, malformed, missing},
};

/// In a header's name: the numbers from 1.
const NUMBER: &str = "{n}";
const MAX_GROUPS: usize = 4;

#[derive(Clone, Debug)]
pub(crate) struct Carrier {
    headers: Headers,
    /// The parameter of the query in which a signature may stand instead.
    query: Option<String>,
    shape: Shape,
    encoding: Encoding,
}

#[derive(Clone, Debug)]
enum Headers {
    /// The first that is there.
    First(Vec<HeaderName>),
    /// All that are there, each of them as often as it is.
    Every(Vec<HeaderName>),
}

#[derive(Clone, Debug)]
enum Shape {
    /// One signature, with what stands before it.
    Plain { prefix: Option<String>, must_have_prefix: bool },
    /// Several, of which those with the prefix count.
    List { separator: String, prefix: String },
    /// `t=1,v1=a,v1=b`; in groups, when a key is being changed and each signature has its own time.
    Pairs { separator: String, group_separator: Option<String>, timestamp_key: Option<String>, keys: Vec<String> },
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Hex,
    LowerHex,
    Base64,
}

/// Signatures that were made at one time.
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    /// Where the time stands beside the signatures.
    pub(crate) timestamp: Option<&'a str>,
    pub(crate) signatures: Vec<&'a str>,
}

impl Carrier {
    pub(crate) fn parse(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let headers = headers(fields)?;
        let query = fields.text("signature_query")?.map(str::to_owned);
        let encodings = [("hex", Encoding::Hex), ("lower-hex", Encoding::LowerHex), ("base64", Encoding::Base64)];
        let encoding = fields.choice("encoding", &encodings)?.unwrap_or(Encoding::Hex);
        let prefix = fields.text("prefix")?.map(str::to_owned);
        let prefix_optional = fields.flag("prefix_optional")?;
        let separator = fields.text("separator")?.map(str::to_owned);
        let group_separator = fields.text("group_separator")?.map(str::to_owned);
        let timestamp_key = fields.text("timestamp_key")?.map(str::to_owned);
        let keys: Vec<String> = fields.texts("signature_keys")?.into_iter().map(str::to_owned).collect();
        let shape = match (keys.is_empty(), separator) {
            (false, _) if prefix.is_some() => return Err(invalid("prefix", "has no use beside `signature_keys`")),
            (false, separator) => {
                let separator = separator.unwrap_or_else(|| ",".to_owned());
                Shape::Pairs { separator, group_separator, timestamp_key, keys }
            }
            (true, _) if timestamp_key.is_some() => {
                return Err(invalid("timestamp_key", "needs `signature_keys`"));
            }
            (true, _) if group_separator.is_some() => {
                return Err(invalid("group_separator", "needs `signature_keys`"));
            }
            (true, Some(separator)) => Shape::List { separator, prefix: prefix.unwrap_or_default() },
            (true, None) => Shape::Plain { prefix, must_have_prefix: !prefix_optional },
        };
        Ok(Self { headers, query, shape, encoding })
    }

    /// Whether each signature has its time beside it.
    pub(crate) const fn has_timestamp(&self) -> bool {
        matches!(&self.shape, Shape::Pairs { timestamp_key: Some(_), .. })
    }

    /// In words: the header, or the headers.
    pub(crate) fn place(&self) -> String {
        let (names, joint) = match &self.headers {
            Headers::First(names) => (names, "` or `"),
            Headers::Every(names) => (names, "`, `"),
        };
        let names: Vec<&str> = names.iter().map(HeaderName::as_str).take(2).collect();
        format!("`{}`", names.join(joint))
    }

    /// The signatures, not decoded yet.
    pub(crate) fn read<'a>(&self, request: &RawRequest<'a>) -> Result<Vec<Group<'a>>, Refusal> {
        match &self.headers {
            Headers::First(names) => {
                let (name, value) = match (request.first_text(names), self.in_query(request)?) {
                    (Err(refusal), Some(value)) if refusal.cause == RefusalCause::MissingHeader => {
                        (names.first().ok_or(refusal)?, value)
                    }
                    (found, _) => found?,
                };
                self.shape.split(name, value)
            }
            Headers::Every(names) => {
                let mut groups = Vec::new();
                for name in names {
                    for value in request.every_text(name)?.into_iter().take(MAX_SIGNATURES) {
                        groups.extend(self.shape.split(name, value)?);
                    }
                }
                if groups.is_empty() {
                    return Err(missing(self.place().trim_matches('`')));
                }
                // They are alternatives to each other, and none has a time of its own.
                let signatures = groups.into_iter().flat_map(|group| group.signatures).collect();
                Ok(vec![Group { timestamp: None, signatures }])
            }
        }
    }

    /// As it stands there: no way of writing a signature needs an escape.
    fn in_query<'a>(&self, request: &RawRequest<'a>) -> Result<Option<&'a str>, Refusal> {
        let Some(name) = &self.query else { return Ok(None) };
        let pairs = parameters::query(request.url).split('&').filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(found, _)| found == name).map(|(_, value)| value);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(malformed(format!("parameter `{name}` of the URL once"))),
            (value, None) => Ok(value),
        }
    }

    /// The bytes of a signature; none when it is not written as it should be.
    pub(crate) fn decode(&self, text: &str) -> Option<Vec<u8>> {
        match self.encoding {
            Encoding::Hex => hex::decode(text).ok(),
            Encoding::LowerHex => lower_hex(text),
            Encoding::Base64 => STANDARD.decode(text).ok(),
        }
    }
}

#[cfg(any(test, feature = "samples"))]
impl Carrier {
    /// The header as a sender writes it.
    pub(crate) fn write(&self, timestamp: &str, signature: &[u8]) -> Option<(HeaderName, String)> {
        let text = match self.encoding {
            Encoding::Hex | Encoding::LowerHex => hex::encode(signature),
            Encoding::Base64 => STANDARD.encode(signature),
        };
        let value = match &self.shape {
            Shape::Plain { prefix, .. } => format!("{}{text}", prefix.as_deref().unwrap_or_default()),
            Shape::List { prefix, .. } => format!("{prefix}{text}"),
            Shape::Pairs { timestamp_key: None, keys, .. } => format!("{}={text}", keys.first()?),
            Shape::Pairs { separator, timestamp_key: Some(key), keys, .. } => {
                format!("{key}={timestamp}{separator}{}={text}", keys.first()?)
            }
        };
        let (Headers::First(names) | Headers::Every(names)) = &self.headers;
        Some((names.first()?.clone(), value))
    }
}

impl Shape {
    fn split<'a>(&self, name: &HeaderName, value: &'a str) -> Result<Vec<Group<'a>>, Refusal> {
        match self {
            Self::Plain { prefix: None, .. } => Ok(vec![Group { timestamp: None, signatures: vec![value] }]),
            Self::Plain { prefix: Some(prefix), must_have_prefix } => match value.strip_prefix(prefix.as_str()) {
                Some(signature) => Ok(vec![Group { timestamp: None, signatures: vec![signature] }]),
                None if *must_have_prefix => Err(malformed(format!("header `{name}` beginning with `{prefix}`"))),
                None => Ok(vec![Group { timestamp: None, signatures: vec![value] }]),
            },
            Self::List { separator, prefix } => {
                let entries = value.split(separator.as_str()).map(|entry| entry.trim_matches(' '));
                let signatures = entries.filter_map(|entry| entry.strip_prefix(prefix.as_str()));
                Ok(vec![Group { timestamp: None, signatures: signatures.take(MAX_SIGNATURES).collect() }])
            }
            Self::Pairs { group_separator: None, .. } => Ok(vec![self.group(name, value)?]),
            Self::Pairs { group_separator: Some(separator), .. } => {
                let groups = value.split(separator.as_str()).filter(|text| !text.is_empty()).take(MAX_GROUPS);
                groups.map(|text| self.group(name, text)).collect()
            }
        }
    }

    fn group<'a>(&self, name: &HeaderName, text: &'a str) -> Result<Group<'a>, Refusal> {
        let Self::Pairs { separator, timestamp_key, keys, .. } = self else { return Ok(Group::default()) };
        let mut group = Group::default();
        for (key, value) in text.split(separator.as_str()).filter_map(|pair| pair.trim_matches(' ').split_once('=')) {
            if timestamp_key.as_deref() == Some(key) {
                if group.timestamp.replace(value).is_some() {
                    return Err(malformed(format!("header `{name}` with `{key}` once")));
                }
            } else if group.signatures.len() < MAX_SIGNATURES && keys.iter().any(|known| known == key) {
                group.signatures.push(value);
            }
        }
        if let (Some(key), None) = (timestamp_key, group.timestamp) {
            let form = format!("{key}=<time>{separator}{}=<signature>", keys.join("|"));
            return Err(malformed(format!("header `{name}` as {form}")));
        }
        Ok(group)
    }
}

/// One name, several of which the first that is there counts, one with `{n}` in it, or one that may be there repeatedly.
fn headers(fields: &mut Fields<'_>) -> Result<Headers, Invalid> {
    let texts = fields.texts("header")?;
    let repeated = fields.flag("header_repeated")?;
    let header = |text: &str| {
        HeaderName::from_bytes(text.as_bytes())
            .map_err(|_| invalid("header", &format!("`{text}` is not a header name")))
    };
    match texts.as_slice() {
        [] => Err(invalid("header", "is required: the name of the header to look at")),
        [numbered] if numbered.contains(NUMBER) => {
            let name = |number: usize| header(&numbered.replace(NUMBER, &number.to_string()));
            (1..=MAX_SIGNATURES).map(name).collect::<Result<_, _>>().map(Headers::Every)
        }
        all if repeated => all.iter().map(|text| header(text)).collect::<Result<_, _>>().map(Headers::Every),
        several => several.iter().map(|text| header(text)).collect::<Result<_, _>>().map(Headers::First),
    }
}
