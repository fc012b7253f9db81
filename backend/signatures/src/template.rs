//! What a generic HMAC is made over: literal text around the body and a few other parts of the request.

use postern_domain::Invalid;

use crate::{fields::invalid, request::RawRequest};

const PLACEHOLDERS: [(&str, Part); 6] = [
    ("{body}", Part::Body),
    ("{timestamp}", Part::Timestamp),
    ("{id}", Part::Id),
    ("{method}", Part::Method),
    ("{url}", Part::Url),
    ("{secret}", Part::Secret),
];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Literal(String),
    Body,
    Timestamp,
    Id,
    Method,
    Url,
    /// For plain hashes, into which the secret goes like any other part.
    Secret,
}

/// What stands in a request for the parts that are not simply there.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filling<'a> {
    /// The original text.
    pub(crate) timestamp: &'a str,
    /// The original text.
    pub(crate) id: &'a str,
    pub(crate) secret: &'a [u8],
}

/// The parts, in order. The body is one of them, once.
#[derive(Clone, Debug)]
pub(crate) struct Template(Vec<Part>);

impl Template {
    /// Reads `v0:{timestamp}:{body}`. What looks like a placeholder and is none is refused, as it is a slip of the pen.
    pub(crate) fn parse(text: &str) -> Result<Self, Invalid> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            if let Some((word, part)) = PLACEHOLDERS.iter().find(|(word, _)| rest.starts_with(word)) {
                flush(&mut literal, &mut parts);
                parts.push(part.clone());
                rest = &rest[word.len()..];
                continue;
            }
            if let Some(word) = unknown_placeholder(rest) {
                let known = PLACEHOLDERS.map(|(word, _)| word).join(" ");
                return Err(invalid("template", &format!("`{word}` is none of the placeholders {known}")));
            }
            literal.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
        flush(&mut literal, &mut parts);
        if parts.iter().filter(|part| **part == Part::Body).count() != 1 {
            return Err(invalid("template", "must contain {body} once: what is not signed can be forged"));
        }
        Ok(Self(parts))
    }

    pub(crate) fn contains(&self, part: &Part) -> bool {
        self.0.contains(part)
    }

    /// What stands right after a part: `None` when it is the last one, or not in the template.
    pub(crate) fn after(&self, part: &Part) -> Option<&Part> {
        self.0.get(self.0.iter().position(|known| known == part)? + 1)
    }

    /// What stands right before a part.
    pub(crate) fn before(&self, part: &Part) -> Option<&Part> {
        self.0.get(self.0.iter().position(|known| known == part)?.checked_sub(1)?)
    }

    /// The bytes to sign, in pieces.
    pub(crate) fn fill<'a>(&'a self, request: &RawRequest<'a>, filling: Filling<'a>) -> Vec<&'a [u8]> {
        let bytes = |part: &'a Part| match part {
            Part::Literal(text) => text.as_bytes(),
            Part::Body => request.body,
            Part::Timestamp => filling.timestamp.as_bytes(),
            Part::Id => filling.id.as_bytes(),
            Part::Method => request.method.as_bytes(),
            Part::Url => request.url.as_bytes(),
            Part::Secret => filling.secret,
        };
        self.0.iter().map(bytes).collect()
    }
}

fn flush(literal: &mut String, parts: &mut Vec<Part>) {
    if !literal.is_empty() {
        parts.push(Part::Literal(std::mem::take(literal)));
    }
}

fn unknown_placeholder(text: &str) -> Option<&str> {
    let end = text.strip_prefix('{')?.find('}')? + 2;
    let word = &text[1..end - 1];
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
    plain.then(|| &text[..end])
}
