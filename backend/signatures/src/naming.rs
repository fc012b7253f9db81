//! What the sender calls an event: its id and its type, from headers and from the body.

use http::HeaderName;
use postern_domain::{Invalid, event_type};
use sha2::{Digest, Sha256};

use crate::{body::Pointer, fields::Fields, refusal::Refusal, request::RawRequest};

/// Longer ids are kept as their hash, which identifies as well.
const MAX_ID_BYTES: usize = 512;

/// One place where a name may stand.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Header(HeaderName),
    Body(Pointer),
    /// The header and, after a dot, what stands in the body, when something does: GitHub's `issues.opened`.
    HeaderAndBody(HeaderName, Pointer),
}

/// Where id and type stand; the first place that has one counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Naming {
    id: Vec<Place>,
    event_type: Vec<Place>,
}

impl Naming {
    pub(crate) const fn new(id: Vec<Place>, event_type: Vec<Place>) -> Self {
        Self { id, event_type }
    }

    /// Takes `id_header`, `id_path`, `type_header` and `type_path`. Unless told otherwise the type is the body's
    /// `/type`; an id is never guessed, because a wrong one would drop events as duplicates.
    pub(crate) fn from_fields(fields: &mut Fields<'_>) -> Result<Self, Invalid> {
        let id = places(fields.header("id_header")?, fields.pointer("id_path")?);
        let mut event_type = places(fields.header("type_header")?, fields.pointer("type_path")?);
        if event_type.is_empty() {
            event_type.push(body("type"));
        }
        Ok(Self { id, event_type })
    }

    /// The id. Refused when its header is there twice: one of them would be believed, and it might be the wrong one.
    pub(crate) fn id(&self, request: &RawRequest<'_>) -> Result<Option<String>, Refusal> {
        for place in &self.id {
            if let Some(text) = place.read(request)?.filter(|text| !text.is_empty()) {
                return Ok(Some(bounded(text)));
            }
        }
        Ok(None)
    }

    /// The type, made safe to store and show.
    pub(crate) fn event_type(&self, request: &RawRequest<'_>) -> Option<String> {
        let texts = self.event_type.iter().filter_map(|place| place.read(request).ok().flatten());
        texts.map(|text| event_type::clean(&text)).find(|text| !text.is_empty())
    }
}

impl Place {
    fn read(&self, request: &RawRequest<'_>) -> Result<Option<String>, Refusal> {
        match self {
            Self::Header(name) => Ok(request.single_text(name.as_str())?.map(str::to_owned)),
            Self::Body(pointer) => Ok(pointer.find(request.body)),
            Self::HeaderAndBody(name, pointer) => {
                let Some(head) = request.single_text(name.as_str())? else { return Ok(None) };
                Ok(Some(match pointer.find(request.body).filter(|tail| !tail.is_empty()) {
                    Some(tail) => format!("{head}.{tail}"),
                    None => head.to_owned(),
                }))
            }
        }
    }
}

/// A top-level member of the body.
pub(crate) fn body(member: &str) -> Place {
    Place::Body(Pointer::from_steps(vec![member.to_owned()]))
}

/// An id of at most [`MAX_ID_BYTES`].
pub(crate) fn bounded(text: String) -> String {
    if text.len() <= MAX_ID_BYTES { text } else { format!("sha256:{}", hex::encode(Sha256::digest(text.as_bytes()))) }
}

fn places(header: Option<HeaderName>, pointer: Option<Pointer>) -> Vec<Place> {
    header.map(Place::Header).into_iter().chain(pointer.map(Place::Body)).collect()
}
