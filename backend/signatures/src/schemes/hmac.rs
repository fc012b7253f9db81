//! Any other sender with an HMAC in a header: which header, how it is written, and over what it is made are configured.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::HeaderName;
use postern_domain::{Invalid, Secret, Timestamp};

use crate::{
    fields::{Fields, invalid},
    mac::{Algorithm, Keys},
    refusal::Refusal,
    request::{RawRequest, malformed},
    schemes::{mismatch, token::MIN_SECRET_BYTES},
    template::{Part, Template},
    whsec,
    window::{Unit, Window, tolerance_s},
};

#[derive(Clone, Debug)]
pub(crate) struct Hmac {
    keys: Keys,
    header: HeaderName,
    prefix: Option<String>,
    encoding: Encoding,
    template: Template,
    timestamp: Option<(HeaderName, Window)>,
    /// Only when the id is signed.
    id_header: Option<HeaderName>,
}

#[derive(Clone, Copy, Debug)]
enum Encoding {
    Utf8,
    Hex,
    Base64,
}

impl Hmac {
    pub(crate) fn parse(fields: &mut Fields<'_>, secrets: &[Secret<String>]) -> Result<Self, Invalid> {
        let algorithms = [("sha256", Algorithm::Sha256), ("sha1", Algorithm::Sha1), ("sha512", Algorithm::Sha512)];
        let algorithm = fields.choice("algorithm", &algorithms)?.unwrap_or(Algorithm::Sha256);
        let secret_encodings = [("utf8", Encoding::Utf8), ("hex", Encoding::Hex), ("base64", Encoding::Base64)];
        let secret_encoding = fields.choice("secret_encoding", &secret_encodings)?.unwrap_or(Encoding::Utf8);
        let encodings = [("hex", Encoding::Hex), ("base64", Encoding::Base64)];
        let template = Template::parse(fields.text("template")?.unwrap_or("{body}"))?;
        let timestamp = timestamp(fields)?;
        if timestamp.is_none() && template.contains(&Part::Timestamp) {
            return Err(invalid("timestamp_header", "is required, since the template contains {timestamp}"));
        }
        let id_header = fields.header("id_header")?;
        let id_is_signed = template.contains(&Part::Id);
        if id_is_signed && id_header.is_none() {
            return Err(invalid("id_header", "is required, since the template contains {id}"));
        }
        Ok(Self {
            keys: Keys::derive(algorithm, secrets, |text| key_bytes(secret_encoding, text))?,
            header: fields.required_header("header")?,
            prefix: fields.text("prefix")?.map(str::to_owned),
            encoding: fields.choice("encoding", &encodings)?.unwrap_or(Encoding::Hex),
            template,
            timestamp,
            id_header: id_header.filter(|_| id_is_signed),
        })
    }

    pub(crate) fn verify(&self, request: &RawRequest<'_>, now: Timestamp) -> Result<usize, Refusal> {
        let header = request.required_text(self.header.as_str())?;
        let signature = match &self.prefix {
            None => header,
            Some(prefix) => header
                .strip_prefix(prefix.as_str())
                .ok_or_else(|| malformed(format!("header `{}` beginning with `{prefix}`", self.header)))?,
        };
        let id = self.id_header.as_ref().map(|name| request.required_text(name.as_str())).transpose()?;
        let timestamp = match &self.timestamp {
            None => "",
            Some((name, window)) => {
                let text = request.required_text(name.as_str())?;
                window.check(name.as_str(), text, now)?;
                text
            }
        };
        let decoded = decode(self.encoding, signature);
        let parts = self.template.fill(request, timestamp, id.unwrap_or_default());
        let found = self.keys.find(&parts, std::iter::once(decoded));
        found.ok_or_else(|| mismatch(&format!("an HMAC in header `{}`", self.header), self.keys.len()))
    }
}

/// An unsigned timestamp is checked as well, when one is configured, but only a signed one keeps replays off.
fn timestamp(fields: &mut Fields<'_>) -> Result<Option<(HeaderName, Window)>, Invalid> {
    let header = fields.header("timestamp_header")?;
    let units = [("s", Unit::Seconds), ("ms", Unit::Milliseconds), ("rfc3339", Unit::Rfc3339)];
    let unit = fields.choice("timestamp_unit", &units)?;
    let tolerance_s = tolerance_s(fields)?;
    let Some(header) = header else {
        let lone = unit.map(|_| "timestamp_unit").or(tolerance_s.map(|_| "tolerance_s"));
        return lone.map_or(Ok(None), |name| Err(invalid(name, "needs `timestamp_header`")));
    };
    Ok(Some((header, Window::new(unit.unwrap_or(Unit::Seconds), tolerance_s))))
}

fn decode(encoding: Encoding, text: &str) -> Option<Vec<u8>> {
    match encoding {
        Encoding::Utf8 => None,
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => STANDARD.decode(text).ok(),
    }
}

fn key_bytes(encoding: Encoding, text: &str) -> Result<Secret<Vec<u8>>, Invalid> {
    let bytes = match encoding {
        Encoding::Utf8 => Some(text.as_bytes().to_vec()),
        Encoding::Hex => hex::decode(text).ok(),
        Encoding::Base64 => whsec::LENIENT.decode(text).ok(),
    };
    let bytes = bytes.map(Secret::new).ok_or_else(|| {
        Invalid::new("secrets", "must be written in the configured `secret_encoding`, which one of them is not")
    })?;
    if bytes.expose().len() < MIN_SECRET_BYTES {
        return Err(Invalid::new("secrets", format!("must stand for at least {MIN_SECRET_BYTES} bytes each")));
    }
    Ok(bytes)
}
